"""The images of a part of packed data, read one by one from wherever in their shards they lie."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import tee

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from specc.backend.data.shards.index import Index, Shard
from specc.backend.data.shards.store import Store, fetchers
from specc.backend.images import BadImage, Pixels, decode_bytes, read_bytes
from specc.backend.resizing import resize
from specc.errors import SpeccError, clean
from specc.tricks.resize import Resize
from specc.values import Size

Numbers = NDArray[np.int64]


class Facts:
    """What the tables of a part say of its images, a row each. shard: the number of its shard; the others as in
    `index.Table`. sums, squares: float64 N x C. masks: offset of the pixels of a mask, -1 where there is none."""

    def __init__(
        self,
        shard: Numbers,
        offset: Numbers,
        length: Numbers,
        hashes: Sequence[bytes],
        pictures: Sequence[bytes],
        sums: Tensor,
        squares: Tensor,
        mask: Numbers,
        mask_hashes: Sequence[bytes],
    ) -> None:
        self.shard, self.offset, self.length, self.mask = shard, offset, length, mask
        self.hashes, self.pictures, self.mask_hashes = hashes, pictures, mask_hashes
        self.sums, self.squares = sums, squares


class Packed:
    """Images in shards.

    numbers: which rows of `facts` these are, so that a part of them shares what is known of all. window: how many
    shards are mixed at once; None for all of them. names: as the source called the images.
    """

    def __init__(
        self,
        store: Store,
        index: Index,
        shards: Sequence[Shard],
        facts: Facts,
        every_name: Sequence[str],
        window: int | None = None,
        numbers: Numbers | None = None,
    ) -> None:
        self.store, self.index, self.shards, self.facts, self.window = store, index, shards, facts, window
        self.every_name = every_name
        self.numbers: Numbers = np.arange(len(every_name)) if numbers is None else numbers

    def __len__(self) -> int:
        return len(self.numbers)

    @property
    def names(self) -> list[str]:
        return [self.every_name[row] for row in self.numbers.tolist()]

    def name(self, number: int) -> str:
        """What the source called an image."""
        return self.every_name[int(self.numbers[number])]

    @property
    def shard_of(self) -> Tensor:
        """The number of each image's shard, int64 N."""
        return torch.from_numpy(self.facts.shard[self.numbers])

    def select(self, rows: Iterable[int]) -> "Packed":
        """Some of the images, in this order."""
        numbers = self.numbers[np.fromiter(rows, np.int64)]
        return Packed(self.store, self.index, self.shards, self.facts, self.every_name, self.window, numbers)

    def resized_shape(self, how: Resize | None) -> tuple[int, int, int]:
        """C, H, W once they are resized."""
        channels, height, width = self.index.shape
        return (channels, height, width) if how is None else (channels, *how.size)

    def is_stored(self, how: Resize | None) -> bool:
        """Whether resizing them changes nothing."""
        return how is None or all(axis.is_identity for axis in how.axes(Size(*self.index.shape[1:])))

    def pixels(self, number: int, how: Resize | None = None) -> Pixels:
        """An image, uint8 C x H x W. Raises SpeccError E524, and as the store's `shard` does."""
        row, facts = int(self.numbers[number]), self.facts
        content = self._read(row, int(facts.offset[row]), int(facts.length[row]), facts.hashes[row])
        if self.index.encoding == "raw":
            stored = np.frombuffer(content, np.uint8).reshape(self.index.shape)
        else:
            try:
                stored = decode_bytes(content, self.index.shape[0])
            except BadImage as error:
                raise self._damaged(row, str(error)) from None
            if stored.shape != self.index.shape:
                raise self._damaged(row, "has another size than the index says")
        return stored if how is None else resize(stored, how)

    def mask(self, number: int) -> Pixels:
        """The mask of an image, uint8 H x W, as it is stored. Raises as `pixels` does."""
        row, (_, height, width) = int(self.numbers[number]), self.index.shape
        content = self._read(row, int(self.facts.mask[row]), height * width, self.facts.mask_hashes[row])
        return np.frombuffer(content, np.uint8).reshape(height, width)

    def _read(self, row: int, start: int, length: int, digest: bytes) -> bytes:
        """Bytes of a shard, which have this SHA-256."""
        shard = self.shards[self.facts.shard[row]]
        for _ in range(3):
            path = self.store.shard(shard)
            try:
                content = read_bytes(path, start, length)
                is_same = hashlib.sha256(content).digest() == digest
                problem = "" if is_same else "has changed: its SHA-256 differs from the index"
            except BadImage as error:
                problem = str(error)
            except OSError as error:
                problem = f"cannot be read: {error.strerror or error}"
            if not problem:
                return content
            if not self.store.has_another(shard):
                break
        raise self._damaged(row, problem)

    def _damaged(self, row: int, what: str) -> SpeccError:
        shard = self.shards[self.facts.shard[row]]
        name = clean(self.every_name[row])
        message = clean(f"{self.store}/{shard.name}.tar is damaged: the image {name} in it {what}")
        return SpeccError("E524", message, help="copy the packed data again, all of it, or pack them again")

    def fetched_ahead(self, numbers: Iterator[int]) -> Iterator[int]:
        """The same numbers of images, whose shards are fetched before they come: as many ahead as a window has."""
        if not self.store.is_remote or self.window is None:
            yield from numbers
            return
        per_shard = max(shard.images for shard in self.shards)
        yield from _ahead(self, numbers, self.window * per_shard)


def _ahead(images: Packed, numbers: Iterator[int], count: int) -> Iterator[int]:
    """`numbers`, `count` of which are looked at before the first one comes: whose shard is new is fetched."""
    coming, now = tee(numbers)
    shards = images.facts.shard[images.numbers]
    with ThreadPoolExecutor(fetchers()) as pool:
        asked: dict[int, int] = {}  # of the shards that were asked for lately, when

        def look(position: int) -> bool:
            number = next(coming, None)
            if number is None:
                return False
            shard = int(shards[number])
            if position - asked.get(shard, -count - 1) > count:
                pool.submit(_fetch, images, shard)  # an error meets who needs the shard
            asked[shard] = position
            return True

        try:
            position = 0
            while position < count and look(position):
                position += 1
            for number in now:
                yield number
                look(position)
                position += 1
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _fetch(images: Packed, shard: int) -> None:
    images.store.shard(images.shards[shard])


class PackedMasks:
    """The masks of packed images, which are still to be read."""

    def __init__(self, images: Packed) -> None:
        self.images = images

    def __len__(self) -> int:
        return len(self.images)
