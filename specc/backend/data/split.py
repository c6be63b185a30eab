"""The images that are trained on, or those that measure: in memory, or decoded from their files as they are wanted."""

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import chain, tee
from pathlib import Path

import torch
from torch import Tensor

from specc.backend.data.parallel import ordered
from specc.backend.data.raw import Files
from specc.backend.data.reading import Reading, open_image
from specc.backend.data.shards.images import Packed
from specc.backend.images import BadImage, Pixels
from specc.errors import SpeccError, clean
from specc.vocabulary.shape import size_text

AHEAD = 2  # batches that are decoded before they are wanted


class Resident:
    """Images in memory: uint8 N x C x H x W, and labels, int64 N, on one device.

    names: what each image is called: its file, or `test[17]` in an array; empty where nobody asks.
    """

    def __init__(self, images: Tensor, labels: Tensor, names: Sequence[str] = ()) -> None:
        self.images, self.labels, self.names = images, labels, names
        self._elsewhere: dict[torch.device, Resident] = {}

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def place(self) -> torch.device:
        """Where images are gathered: numbers that are there already are not waited for."""
        return self.images.device

    @property
    def shape(self) -> tuple[int, int, int]:
        """C, H, W of every image."""
        _, channels, height, width = self.images.shape
        return channels, height, width

    def to(self, device: torch.device) -> "Resident":
        """The same images on a device, or these where they do not fit there: batches are then copied to it."""
        if device == self.images.device:
            return self
        if device not in self._elsewhere:
            fits = device.type != "cuda" or self.images.nbytes < torch.cuda.mem_get_info(device)[0] // 2
            images = self.images.to(device) if fits else self.images
            self._elsewhere[device] = Resident(images, self.labels.to(device), self.names)
        return self._elsewhere[device]

    def gather(self, index: Tensor, device: torch.device) -> Tensor:
        """The images of these numbers, uint8 N x C x H x W, on `device`."""
        return bring(self.images.index_select(0, bring(index, self.place)), device)

    def stream(self, indices: Iterable[Tensor], device: torch.device, ahead: int = AHEAD) -> Iterator[Tensor]:
        """`gather` for one batch after the other."""
        return (self.gather(index, device) for index in indices)


class Streamed:
    """Images that stay in their files or shards, or where they are kept decoded, and labels, int64 N. The same pixels
    in the same order as if they were resident.

    how: the way that each is read; shape: C, H, W after that. place: where the numbers of images are wanted.
    """

    place = torch.device("cpu")

    def __init__(
        self,
        files: Files | Packed,
        labels: Tensor,
        how: Reading,
        shape: tuple[int, int, int],
        workers: int | None = None,
    ) -> None:
        self.files, self.labels, self.how, self.shape, self.workers = files, labels, how, shape, workers

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def windows(self) -> tuple[Tensor, int] | None:
        """The shard of each image, int64 N, and how many shards are mixed at once; None where all are."""
        if not isinstance(self.files, Packed) or self.files.window is None:
            return None
        return self.files.shard_of, self.files.window

    @cached_property
    def names(self) -> Sequence[str]:
        """The file of each image."""
        return self.files.names if isinstance(self.files, Packed) else self.files.paths()

    def to(self, device: torch.device) -> "Streamed":
        """The same files, with the labels on a device."""
        return Streamed(self.files, self.labels.to(device), self.how, self.shape, self.workers)

    def gather(self, index: Tensor, device: torch.device) -> Tensor:
        """The images of these numbers, uint8 N x C x H x W, on `device`."""
        return next(self.stream([index], device))

    def stream(self, indices: Iterable[Tensor], device: torch.device, ahead: int = AHEAD) -> Iterator[Tensor]:
        """`gather` for one batch after the other; the next `ahead` batches are decoded while one is in use.

        Raises SpeccError E441 where a file is no longer what it was at the first look, E523 and E524 for a shard.
        """
        coming = iter(indices)
        first = next(coming, None)
        if first is None:
            return
        wanted, read = tee(chain([first], coming))
        numbers: Iterator[int] = (number for index in read for number in index.tolist())
        if isinstance(self.files, Packed):
            numbers = self.files.fetched_ahead(numbers)
        images = ordered(self._read, numbers, (ahead + 1) * len(first), self.workers)
        for index in wanted:
            batch = torch.empty(len(index), *self.shape, dtype=torch.uint8, pin_memory=device.type == "cuda")
            for place in batch.numpy():
                place[...] = next(images)
            yield batch.to(device, non_blocking=True)

    def _read(self, number: int) -> Pixels:
        if isinstance(self.files, Packed):
            return self.files.pixels(number, self.how.resize)
        if self.files.kept is not None and (kept := self.files.kept.read(number)) is not None:
            return kept
        path = self.files.root / self.files.names[number]
        try:
            pixels, digest, _ = open_image(self.files, number, self.how)
        except BadImage as error:
            raise _changed(path, f"it {error}") from None
        except OSError as error:
            raise _changed(path, f"it cannot be read: {error.strerror or error}") from None
        if pixels.shape != self.shape:
            raise _changed(path, f"it is {size_text(pixels.shape)}, not {size_text(self.shape)}")
        if self.files.digests and digest != self.files.digests[number]:
            raise _changed(path, "its content has changed")
        return pixels


def bring(value: Tensor, device: torch.device) -> Tensor:
    """A tensor on a device; a GPU fetches it while the CPU continues."""
    if value.device.type == "cpu" and device.type == "cuda":
        value = value.pin_memory()
    return value.to(device, non_blocking=True)


def _changed(path: Path, found: str) -> SpeccError:
    message = clean(f"{path} has changed since the data set was first read: {found}")
    return SpeccError("E441", message, help="restore the file; `specc train --resume` continues a run", status=1)


Split = Resident | Streamed
