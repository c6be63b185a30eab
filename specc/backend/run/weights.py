"""Weights on the disk: safetensors files, read whole, or as far as names and shapes fit."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from specc.backend.run.files import BEST, CHECKPOINTS, LAST
from specc.errors import SpeccError
from specc.files import reason, refuse_bytes, size_of


class Weights(NamedTuple):
    """A safetensors file that is open: the shapes of its tensors, which may be more than the memory holds."""

    file: Any
    shapes: dict[str, tuple[int, ...]]

    def read(self, name: str) -> Tensor:
        found: Tensor = self.file.get_tensor(name)
        return found


@contextmanager
def open_weights(path: Path) -> Iterator[Weights]:
    """The tensors of a safetensors file, read when they are asked for.

    Raises SpeccError: E442 it is not there, E443 it is damaged, or too large for the system.
    """
    refuse_bytes(path)
    hint = f"{path.with_name(LAST)} holds the last weights, {path.parent / CHECKPOINTS} the newest states"
    try:
        size = size_of(path)
        file: Any = safe_open(path, framework="pt")  # looks at its header, and whether it is as long as that says
    except FileNotFoundError:
        hint = f"no epoch was finished; go on with `specc train --resume {path.parent}`"
        raise SpeccError("E442", f"there are no weights at {path}", help=hint) from None
    except OSError as error:
        raise SpeccError("E443", f"{path} cannot be read: {reason(error)}", help=hint) from error
    except (SafetensorError, ValueError) as error:
        raise SpeccError("E443", f"{path} is damaged", help=hint) from error
    except RuntimeError as error:  # it cannot be mapped
        raise SpeccError("E443", f"{path} cannot be read: it has {size:,} bytes", help=hint) from error
    with file:
        yield Weights(file, {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()})  # noqa: SIM118


@torch.no_grad()
def load_matching(net: nn.Module, path: Path) -> str:
    """Take those weights of a run (its best), or of a safetensors file, whose names and shapes fit; which, in words.

    Raises SpeccError: E442 and E443 as `open_weights` does, E489 none fits.
    """
    own = net.state_dict()
    with open_weights(path / BEST if path.is_dir() else path) as values:
        fits = [name for name in own if values.shapes.get(name) == own[name].shape]
        if not fits:
            raise _none_fits(path, own, values.shapes)
        for name in fits:
            own[name].copy_(values.read(name))
    left = [name for name in own if name not in fits]
    drawn = f"; drawn anew: {', '.join(left[:8])}{' …' if len(left) > 8 else ''}" if left else ""
    return f"{len(fits)} of {len(own)} weights and statistics from {path}{drawn}"


def _none_fits(path: Path, own: Collection[str], values: Collection[str]) -> SpeccError:
    first, theirs = next(iter(own), "none"), min(values, default="none")
    message = f"no weight in {path} fits: of {len(own)} in the network none has its name and shape there"
    hint = f"here the first is called `{first}`, there `{theirs}`; a layer's name comes from its place in the spec"
    return SpeccError("E489", message, help=hint, status=1)


@torch.no_grad()
def load_weights(net: nn.Module, path: Path) -> None:
    """Read a safetensors file into a network.

    Raises SpeccError: E442 the file is not there, E443 it is damaged, E445 it is of another network.
    """
    own = net.state_dict()
    shapes = {name: tuple(value.shape) for name, value in own.items()}
    with open_weights(path) as values:
        wrong = sorted({name for name, _ in shapes.items() ^ values.shapes.items()})
        if wrong:
            message = f"{path} does not fit the spec beside it: {len(wrong)} weights differ, such as `{wrong[0]}`"
            raise SpeccError("E445", message, help="is it of another run?")
        for name, value in own.items():
            value.copy_(values.read(name))
