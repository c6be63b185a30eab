"""A weights file that is open: what it holds, and its tensors, each read when it is asked for."""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
import torch
from torch import Tensor

from specc.backend.foreign import described
from specc.backend.torch_file.layout import Saved
from specc.backend.torch_file.new import read_new
from specc.backend.torch_file.old import read_old
from specc.backend.torch_file.problems import Damaged, Refused
from specc.backend.torch_file.values import StoredTensor
from specc.errors import SpeccError
from specc.files import open_file, reason, size_of

ZIP, PICKLE = b"PK\3\4", 0x80
MOST_SHARING = 16  # how many times the bytes of the file its tensors may have: names may share a storage
PLAIN = "where you trust the file, load it with PyTorch and save only its tensors: torch.save(model.state_dict(), FILE)"
AGAIN = "get the file again, or ask whoever wrote it"


class TorchFile(NamedTuple):
    """value: what was saved, dictionaries and lists of plain values and of `StoredTensor`."""

    file: BinaryIO
    path: Path
    size: int
    saved: Saved

    @property
    def value(self) -> object:
        return self.saved.value

    def refuse_sharing(self, tensors: Iterable[StoredTensor]) -> None:
        """Raise SpeccError E494 where tensors would need far more memory than the file has bytes."""
        total = sum(tensor.values * tensor.dtype.itemsize for tensor in tensors)
        if total > MOST_SHARING * self.size:
            message = f"has tensors that share storages so often that its {self.size:,} bytes become {total:,}"
            raise _damaged(self.path, message)

    def read(self, tensor: StoredTensor) -> Tensor:
        """A tensor with memory of its own, contiguous. Raises SpeccError E494."""
        if not tensor.values:
            return torch.empty(tensor.size, dtype=tensor.dtype)
        width = tensor.dtype.itemsize
        data = bytearray(tensor.extent * width)
        try:
            self.file.seek(tensor.storage.start + tensor.offset * width)
            count = self.file.readinto(data)  # type: ignore[attr-defined]
        except OSError as error:
            raise _damaged(self.path, f"cannot be read: {reason(error)}") from error
        if count != len(data):
            raise _damaged(self.path, "became shorter while it was read")
        if self.saved.is_big:
            np.frombuffer(data, f"u{width}").byteswap(inplace=True)
        if tensor.dtype == torch.bool and max(data) > 1:
            raise _damaged(self.path, "has truth values other than 0 and 1")
        return torch.frombuffer(data, dtype=tensor.dtype).as_strided(tensor.size, tensor.stride).contiguous()


@contextmanager
def open_torch_file(path: Path) -> Iterator[TorchFile]:
    """What `torch.save` wrote to a file, in the layout of any version of PyTorch since 0.2.

    Raises SpeccError: E442 it is not there; E493 it holds something else than tensors and plain values, which is named;
    E494 it is damaged, or another kind of file.
    """
    with ExitStack() as stack:
        try:
            size = size_of(path)
            file = stack.enter_context(open_file(path))
            saved = _saved(file, path, size)
        except FileNotFoundError:
            raise SpeccError("E442", f"there are no weights at {path}", help="check the path") from None
        except OSError as error:
            raise _damaged(path, f"cannot be read: {reason(error)}") from error
        yield TorchFile(file, path, size, saved)


def _saved(file: BinaryIO, path: Path, size: int) -> Saved:
    start = file.read(1024)
    try:
        if start.startswith(ZIP):
            return read_new(file, size)
        if start[:1] == bytes((PICKLE,)):
            return read_old(file, size)
    except Damaged as error:
        raise _damaged(path, str(error)) from None
    except Refused as error:
        raise SpeccError("E493", f"{path} {error}", help=PLAIN, status=1) from None
    what = described(start) if start else "it is empty"
    raise _damaged(path, f"was not written by torch.save: {what}")


def _damaged(path: Path, what: str) -> SpeccError:
    return SpeccError("E494", f"{path} {what}", help=AGAIN, status=1)
