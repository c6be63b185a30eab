"""Where the features of images are kept: in memory, or in a file that is mapped."""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from tempfile import NamedTemporaryFile

import numpy as np
import torch
from torch import Tensor

from specc.backend.data.cache import USED, make_room, place
from specc.files import parse_json, read_file, write_atomic

MOST_BYTES = 1 << 16  # of what describes a file


class Place:
    """Where features are kept: in memory, or below a folder.

    folder: None for memory. What lies there is found again by a training with the same key.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder

    def filled(self, part: str, count: int, batches: Iterable[Tensor]) -> Tensor:
        """Features, count x F, of a part of the images, on the CPU.

        batches: of all images in their order; the last one, where it is too large, ends with the last image. At least
        the first one is taken.
        """
        coming = iter(batches)
        first = next(coming).cpu()
        shape = (count, first.shape[1])
        kept = None if self.folder is None else self._kept(part, shape, first)
        if kept is not None:
            return kept
        file = None
        if self.folder is None:
            values = torch.empty(shape, dtype=first.dtype)
        else:
            file = NamedTemporaryFile(dir=self.folder, suffix=".part", delete=False)  # noqa: SIM115 - closed below
            file.truncate(max(1, count * first[0].nbytes))
            values = _mapped(Path(file.name), shape, first.dtype)
        end = len(first)
        values[:end] = first
        for batch in coming:
            end = min(end + len(batch), count)
            values[end - len(batch) : end] = batch.cpu()
        assert end == count
        if file is not None and self.folder is not None:
            file.close()
            Path(file.name).replace(self.folder / part)  # what is mapped stays the same file
            about = {"shape": list(shape), "dtype": str(first.dtype), "sum": _sum(values)}
            write_atomic(self.folder / f"{part}.json", json.dumps(about).encode())
        return values

    def _kept(self, part: str, shape: tuple[int, int], first: Tensor) -> Tensor | None:
        """The features that lie in the folder; None where there are none, or where they are not these."""
        assert self.folder is not None
        try:
            about = parse_json(read_file(self.folder / f"{part}.json", MOST_BYTES))
            values = _mapped(self.folder / part, shape, first.dtype)
            wanted = {"shape": list(shape), "dtype": str(first.dtype), "sum": _sum(values)}
            return values if about == wanted and torch.equal(values[: len(first)], first) else None
        except (OSError, ValueError, RecursionError):
            return None


def folder_for(key: object, needed: int) -> Path | None:
    """A folder in the cache for features that follow from a key; None where there is no room for so many bytes."""
    above = place()
    if above is None:
        return None
    folder = above / f"features-{hashlib.sha256(repr(key).encode()).hexdigest()[:32]}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / USED).touch()
        held = sum(path.stat().st_size for path in folder.iterdir())
        return folder if held >= needed or make_room(folder, needed) >= needed else None
    except OSError:
        return None


def _mapped(path: Path, shape: tuple[int, int], dtype: torch.dtype) -> Tensor:
    """A file as a tensor. Raises OSError or ValueError where it is not of this size."""
    size = shape[0] * shape[1] * dtype.itemsize
    if path.stat().st_size != size:
        raise ValueError(path)
    data = np.memmap(path, dtype=np.uint8, mode="r+", shape=(size,))
    return torch.from_numpy(data.view(np.ndarray)).view(dtype).view(shape)


def _sum(values: Tensor) -> str:
    return hashlib.sha256(values.contiguous().reshape(-1).view(torch.uint8).numpy().data).hexdigest()
