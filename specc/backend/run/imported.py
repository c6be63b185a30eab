"""Weights that PyTorch wrote, or another library, as a safetensors file that says where they come from."""

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from torch import Tensor

from specc.backend.data.progress import bar
from specc.backend.run.weights import open_weights, weights_bytes
from specc.backend.torch_file.choose import choose
from specc.backend.torch_file.reader import open_torch_file
from specc.errors import SpeccError
from specc.files import open_file, reason, refuse_bytes, unwritable, write_atomic

SUFFIX = ".safetensors"
IMPORTED = "imported"  # the key of what an imported file says of itself
RESERVED = "__metadata__"  # a key of the header of safetensors files


class Renamed(NamedTuple):
    """Tensors with the names of a network, and what else is known of them, for the file: its model, its classes."""

    tensors: Mapping[str, Tensor]
    about: Mapping[str, Any]


Rename = Callable[[Mapping[str, Tensor], str], Renamed]


class Weights(NamedTuple):
    """Tensors by name, and what is told of them: the key that they were taken from, what stood before each name, the
    names of what else the file holds."""

    tensors: Mapping[str, Tensor]
    key: str = ""
    wrappers: str = ""
    left: tuple[str, ...] = ()


class Imported(NamedTuple):
    """What was written: the file, the weights, and what the file says of where they come from."""

    out: Path
    weights: Weights
    about: dict[str, Any]

    def numbers(self) -> dict[str, int]:
        """How many numbers there are of each type, the commonest first: {"float32": 4652008, "int64": 49}."""
        counts: dict[str, int] = {}
        for tensor in self.weights.tensors.values():
            name = str(tensor.dtype).removeprefix("torch.")
            counts[name] = counts.get(name, 0) + tensor.numel()
        return dict(sorted(counts.items(), key=lambda item: -item[1]))


def import_weights(
    source: Path, out: Path, *, key: str | None = None, rename: Rename | None = None, url: str | None = None
) -> Imported:
    """Write the weights in `source`, a file of `torch.save` or a safetensors file, to `out`.

    key: of the dictionary in it that is taken, where there are several. rename: gives the tensors of a file with this
    SHA-256 the names and shapes of a network. url: where `source` was downloaded from.

    Raises SpeccError: E442 `source` is not there; E443 it is a damaged safetensors file; E493 it holds something other
    than tensors and plain values; E494 it is damaged; E495 it holds no weights, or several; E480 `out` is a file that
    no import wrote; E481 it cannot be written.
    """
    digest = _sha256(source)
    _refuse_foreign(out, source, digest)
    weights = _read_safetensors(source) if source.suffix == SUFFIX else _read_torch(source, key)
    more: Mapping[str, Any] = {}
    if rename is not None:
        tensors, more = rename(weights.tensors, digest)
        weights = weights._replace(tensors=tensors)
    origin = {"file": source.name, "url": url, "sha256": digest, "key": weights.key}
    about = {IMPORTED: {name: value for name, value in origin.items() if value}, **more}
    try:
        write_atomic(out, weights_bytes(weights.tensors, about))
    except OSError as error:
        raise unwritable(out, error) from error
    return Imported(out, weights, about)


def _refuse_foreign(out: Path, source: Path, digest: str) -> None:
    """Raise SpeccError E480 where `out` is there, and is not what an import made of the same file."""
    refuse_bytes(out)
    if not out.exists():
        return
    try:
        with open_weights(out) as values:
            about = values.checked(out) or {}
            is_own = about.get(IMPORTED, {}).get("sha256") == digest
    except SpeccError:
        is_own = False
    if is_own and not (source.exists() and out.samefile(source)):
        return
    message = f"`{out}` already exists, and was not imported from the same file"
    raise SpeccError("E480", message, help="choose another file with --out")


def _sha256(path: Path) -> str:
    try:
        with open_file(path) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        raise SpeccError("E442", f"there are no weights at {path}", help="check the path") from None
    except OSError as error:
        help = "check its permissions, and that it is a file"
        raise SpeccError("E494", f"{path} cannot be read: {reason(error)}", help=help) from error


def _read_torch(source: Path, key: str | None) -> Weights:
    with open_torch_file(source) as file:
        chosen = choose(file.value, key, source)
        if RESERVED in chosen.tensors:
            message = f"{source} has a tensor called `{RESERVED}`, which no tensor of a safetensors file may be called"
            raise SpeccError("E494", message, help="rename it in the file", status=1)
        file.refuse_sharing(chosen.tensors.values())
        with bar(f"reading {source.name}", len(chosen.tensors), "tensors") as advance:
            tensors = {}
            for name, tensor in chosen.tensors.items():
                tensors[name] = file.read(tensor)
                advance(1)
    return Weights(tensors, chosen.key, chosen.wrappers, chosen.left)


def _read_safetensors(source: Path) -> Weights:
    with open_weights(source) as values:
        values.checked(source)
        return Weights({name: values.read(name) for name in values.shapes})
