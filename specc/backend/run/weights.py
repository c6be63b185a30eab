"""Weights on the disk: safetensors files, read whole, or as far as names and shapes fit."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from errno import EFBIG
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from specc.backend.run.files import BEST, CHECKPOINTS, LAST
from specc.errors import SpeccError
from specc.files import open_file, reason, refuse_bytes, size_of

MOST_HEADER = 1 << 24  # bytes of a safetensors file's table of tensors: that of some 100,000
PICKLE = "pickled by torch.save, which is never read: a pickle can run any program"
FOREIGN = (
    (b"PK\x03\x04", f"a ZIP archive, probably {PICKLE}"),
    *((bytes((0x80, protocol)), PICKLE) for protocol in range(2, 6)),
    (b"\x89HDF\r\n", "an HDF5 file, as Keras writes them"),
    (b"\x93NUMPY", "a NumPy array"),
)


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
        _refuse_long_header(path, size)
        file: Any = safe_open(path, framework="pt")  # looks at its header, and whether it is as long as that says
    except FileNotFoundError:
        hint = f"no epoch was finished; go on with `specc train --resume {path.parent}`"
        raise SpeccError("E442", f"there are no weights at {path}", help=hint) from None
    except OSError as error:
        raise SpeccError("E443", f"{path} cannot be read: {reason(error)}", help=hint) from error
    except (SafetensorError, ValueError) as error:
        raise _no_weights(path, hint) from error
    except RuntimeError as error:  # it cannot be mapped
        raise SpeccError("E443", f"{path} cannot be read: it has {size:,} bytes", help=hint) from error
    with file:
        yield Weights(file, {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()})  # noqa: SIM118


def _refuse_long_header(path: Path, size: int) -> None:
    """Raise OSError where the table of tensors is longer than any network's: reading it would take seconds."""
    with open_file(path) as file:
        length = int.from_bytes(file.read(8), "little")
    if MOST_HEADER < length < size:
        raise OSError(EFBIG, f"its table of tensors has {length:,} bytes, and at most {MOST_HEADER:,} are accepted")


def _no_weights(path: Path, hint: str) -> SpeccError:
    """E443 for a file that is not a safetensors file: what it is instead, where that can be told."""
    with open_file(path) as file:
        start = file.read(16)
    what = next((what for mark, what in FOREIGN if start.startswith(mark)), None)
    if path.suffix == ".onnx":
        what = "an ONNX model"
    if what is None:
        return SpeccError("E443", f"{path} is damaged", help=hint)
    help = "weights are read from safetensors files: `safetensors.torch.save_file(model.state_dict(), FILE)` writes one"
    return SpeccError("E443", f"{path} is not a safetensors file, but {what}", help=help)


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
