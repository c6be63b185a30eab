"""Weights on the disk: safetensors files, read whole, or as far as names and shapes fit.

Those that a run keeps carry in their metadata what they answer (the classes), what they were trained to see (mean and
deviation of the images), and a checksum over all of it. It lies within the file, so that no kill parts the two.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from errno import EFBIG
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from specc.backend.run.files import CHECKPOINTS, INFO, LAST, MOST_BYTES
from specc.errors import SpeccError, counted
from specc.files import open_file, parse_json, read_file, reason, refuse_bytes, size_of

MOST_HEADER = 1 << 24  # bytes of a safetensors file's table of tensors: that of some 100,000
PICKLE = "a pickle written by torch.save, which specc never reads: a pickle can run any code"
FOREIGN = (
    (b"PK\x03\x04", f"a ZIP archive, probably {PICKLE}"),
    *((bytes((0x80, protocol)), PICKLE) for protocol in range(2, 6)),
    (b"\x89HDF\r\n", "an HDF5 file, such as Keras writes"),
    (b"\x93NUMPY", "a NumPy array"),
)

METADATA = "specc"  # the one key: safetensors writes several in an order that changes


def weights_bytes(tensors: Mapping[str, Tensor], about: Mapping[str, Any]) -> bytes:
    """A safetensors file with a checksum. about: what else it shall say, as JSON takes it."""
    checksum = _checksum(tensors, tensors.__getitem__, about)
    return bytes(save(dict(tensors), {METADATA: json.dumps({"about": dict(about), "sha256": checksum})}))


def _checksum(names: Iterable[str], read: Callable[[str], Tensor], about: Mapping[str, Any]) -> str:
    """The SHA-256 of tensors with their names, kinds and shapes, in the order of the names, and of what is said."""
    digest = hashlib.sha256(json.dumps(dict(about), sort_keys=True).encode())
    for name in sorted(names):
        value = read(name).contiguous()
        digest.update(f"\n{name} {value.dtype} {tuple(value.shape)}\n".encode())
        digest.update(value.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


class Weights(NamedTuple):
    """A safetensors file that is open: the shapes of its tensors, which may be more than the memory holds."""

    file: Any
    shapes: dict[str, tuple[int, ...]]
    metadata: dict[str, str]

    def read(self, name: str) -> Tensor:
        found: Tensor = self.file.get_tensor(name)
        return found

    def checked(self, path: Path) -> dict[str, Any] | None:
        """What the file says of its weights; None where it carries no checksum. path: of the file.

        Raises SpeccError E443 where the checksum is another one.
        """
        text = self.metadata.get(METADATA)
        if text is None:
            return None
        try:
            stored = parse_json(text)
            about: dict[str, Any] = dict(stored["about"])
            is_same = _checksum(self.shapes, self.read, about) == stored["sha256"]
        except (ValueError, KeyError, TypeError):
            is_same = False
        if not is_same:
            raise SpeccError("E443", f"{path} is damaged: its checksum does not match", help=_others(path))
        return about


@contextmanager
def open_weights(path: Path) -> Iterator[Weights]:
    """The tensors of a safetensors file, read when they are asked for.

    Raises SpeccError: E442 it is not there, E443 it is damaged, or too large for the system.
    """
    refuse_bytes(path)
    hint = _others(path)
    try:
        size = size_of(path)
        _refuse_long_header(path, size)
        file: Any = safe_open(path, framework="pt")  # looks at its header, and whether it is as long as that says
    except FileNotFoundError:
        raise SpeccError("E442", f"there are no weights at {path}", help=_why_missing(path)) from None
    except OSError as error:
        raise SpeccError("E443", f"{path} cannot be read: {reason(error)}", help=hint) from error
    except (SafetensorError, ValueError) as error:
        raise _no_weights(path, hint) from error
    except RuntimeError as error:  # it cannot be mapped
        raise SpeccError("E443", f"{path} cannot be memory-mapped: it has {size:,} bytes", help=hint) from error
    with file:
        shapes = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
        yield Weights(file, shapes, file.metadata() or {})


def _why_missing(path: Path) -> str:
    """Why a run has no weights, and what to do."""
    try:
        is_finished = parse_json(read_file(path.parent / INFO, MOST_BYTES)).get("finished")
    except (OSError, ValueError, AttributeError):
        is_finished = False
    if is_finished:
        return f"this training finished, so the file was moved or removed: restore it; {_others(path)}"
    return f"no epoch was finished; continue with `specc train --resume {path.parent}`"


def _others(path: Path) -> str:
    return f"the last weights are in {path.with_name(LAST)}, the newest checkpoints in {path.parent / CHECKPOINTS}"


def _refuse_long_header(path: Path, size: int) -> None:
    """Raise OSError where the table of tensors is longer than any network's: reading it would take seconds."""
    with open_file(path) as file:
        length = int.from_bytes(file.read(8), "little")
    if MOST_HEADER < length < size:
        raise OSError(EFBIG, f"its header has {length:,} bytes, but at most {MOST_HEADER:,} are allowed")


def _no_weights(path: Path, hint: str) -> SpeccError:
    """E443 for a file that is not a safetensors file: what it is instead, where that can be told."""
    with open_file(path) as file:
        start = file.read(16)
    what = next((what for mark, what in FOREIGN if start.startswith(mark)), None)
    if path.suffix == ".onnx":
        what = "an ONNX model"
    if what is None:
        return SpeccError("E443", f"{path} is damaged", help=hint)
    help = "save weights as safetensors, with `safetensors.torch.save_file(model.state_dict(), FILE)`"
    if PICKLE in what:
        help = f"convert it: specc import {path} --as ZOO --out {path.with_suffix('.safetensors').name}"
    return SpeccError("E443", f"{path} is not a safetensors file, but {what}", help=help)


def _kind(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


@torch.no_grad()
def load_weights(net: nn.Module, path: Path) -> dict[str, Any]:
    """Read the weights that a run keeps into a network; what they say of themselves (`weights_bytes`).

    Raises SpeccError: E442 the file is not there, E443 it is damaged or carries no checksum, E445 it is of another
    network.
    """
    own = net.state_dict()
    shapes = {name: tuple(value.shape) for name, value in own.items()}
    with open_weights(path) as values:
        wrong = sorted({name for name, _ in shapes.items() ^ values.shapes.items()})
        if wrong:
            what = f"{counted(len(wrong), 'weight')} {'differs' if len(wrong) == 1 else 'differ'}, such as `{wrong[0]}`"
            message = f"{path} does not match the spec next to it: {what}"
            raise SpeccError("E445", message, help="check whether it belongs to another run")
        for name, value in own.items():
            kind = values.read(name).dtype
            if kind != value.dtype:
                message = (
                    f"{path} does not match the spec next to it: `{name}` is {_kind(kind)}, not {_kind(value.dtype)}"
                )
                raise SpeccError("E445", message, help="check whether it was written by specc")
        about = values.checked(path)
        if about is None:
            message = f"{path} has no checksum: it was written by another program or another version of specc"
            help = f"`specc train SPEC --start-from {path}` starts a new run from its weights"
            raise SpeccError("E443", message, help=help)
        for name, value in own.items():
            value.copy_(values.read(name))
    return about
