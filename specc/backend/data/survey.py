"""The first look at images: have they the right size, what are their mean and deviation, what is their hash."""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from specc.backend.data.memory import allocate, free_memory, move_to_front
from specc.backend.data.parallel import ordered
from specc.backend.data.raw import Files, Part
from specc.backend.data.shards.images import Packed
from specc.backend.images import Pixels
from specc.backend.resizing import resize
from specc.errors import SpeccError, counted
from specc.tricks.resize import Resize

CHUNK = 1 << 21  # pixels that are worked on at once
EXACT = 1 << 16  # pixels whose squared levels add up to less than 2^32: 255^2 * 2^16

Feed = Callable[[bytes | memoryview], object]


class Surveyed(NamedTuple):
    """A part of a data set after the first look.

    images: uint8 N x C x H x W, or the files or shards where they do not fit into memory. labels: as
    `specc.backend.data.raw.Part` has them, masks as large as the images. shape: C, H, W.
    sums, squares: float64 N x C, the sums of the levels (0 to 255) of each image and of their squares, which are exact.
    pictures: of each image a hash of its pixels, as they are trained on. names: of the files; none for arrays.
    groups: of each image what it must not be torn apart from; none where nothing is said. numbers: the image's place
    in the part as it was published; none where that is its place here. root: the folder of the files.
    is_movable: whether images in memory may be moved there, since nobody else has them.
    """

    images: Tensor | Files | Packed
    labels: Tensor
    shape: tuple[int, int, int]
    sums: Tensor
    squares: Tensor
    pictures: list[bytes]
    names: Sequence[str] = ()
    groups: Sequence[str] = ()
    numbers: Sequence[int] = ()
    root: Path | None = None
    is_movable: bool = False

    def select(self, index: Tensor) -> "Surveyed":
        """Some of the images, in the order of `index`."""
        images = self.images
        if not isinstance(images, Tensor):
            return self._select(index, images.select(index.tolist()))
        return self._select(index, torch.index_select(images, 0, index, out=allocate(len(index), *images.shape[1:])))

    def divide(self, first: Tensor, second: Tensor) -> tuple["Surveyed", "Surveyed"]:
        """All images in two parts, each given in ascending order; this one's are then no longer to be used."""
        other = self.select(second)
        if not self.is_movable or not isinstance(self.images, Tensor):
            return self.select(first), other
        return self._select(first, move_to_front(self.images, first.tolist())), other

    def _select(self, index: Tensor, some: Tensor | Files | Packed) -> "Surveyed":
        """`some` of the images, which are those of `index`, with what is known of them."""
        numbers = index.tolist()
        pictures = [self.pictures[number] for number in numbers]
        names = [self.names[number] for number in numbers] if self.names else ()
        groups = [self.groups[number] for number in numbers] if self.groups else ()
        places = [self.numbers[number] for number in numbers] if self.numbers else numbers
        return Surveyed(
            some,
            self.labels[index],
            self.shape,
            self.sums[index],
            self.squares[index],
            pictures,
            names,
            groups,
            places,
            self.root,
            self.is_movable,
        )

    def image_names(self, part: str) -> list[str]:
        """What each image is called: the path of its file, or `test[17]` in the array of the part of that name."""
        if self.root is not None:
            return [str(self.root / name) for name in self.names]
        return [f"{part}[{number}]" for number in self.numbers or range(len(self.labels))]


def survey(part: Part, how: Resize | None, ignore: int | None, feed: Feed) -> Surveyed:
    """Look at images in memory, uint8 N x C x H x W, resized where it says how; `feed` gets all of it.

    ignore: the number in masks of pixels that do not count.
    """
    images, labels = part.images, part.labels
    assert isinstance(images, Tensor) and isinstance(labels, Tensor)
    feed(repr(tuple(images.shape)).encode())
    feed(images.contiguous().numpy().reshape(-1).data)
    feed(labels.numpy().data)
    if how is not None:
        images = _resized(images, how)
        labels = resized_masks(labels, how, ignore) if labels.dtype == torch.uint8 else labels
    sums, squares = zip(*ordered(moments, _chunks(images)), strict=True)
    pictures = [picture for some in ordered(_hashed, _chunks(images)) for picture in some]
    _, channels, height, width = images.shape
    shape = (channels, height, width)
    return Surveyed(images, labels, shape, torch.cat(sums), torch.cat(squares), pictures, groups=part.groups)


def resized_masks(masks: Tensor, how: Resize, ignore: int | None) -> Tensor:
    """Masks, uint8 N x H x W, where their images come to lie; what surrounds a contained image is ignored."""
    assert ignore is not None  # which every source of masks has
    return torch.from_numpy(resize(masks.numpy(), how._replace(by="nearest", fill=ignore)))


def picture_hash(pixels: Pixels) -> bytes:
    """A hash by which images of one size are known to be identical."""
    return hashlib.sha256(np.ascontiguousarray(pixels).reshape(-1).data).digest()


def _hashed(images: Pixels) -> list[bytes]:
    return list(map(picture_hash, images))


def moments(images: Pixels) -> tuple[Tensor, Tensor]:
    """Of uint8 … x H x W: the sum of the levels and of their squares, float64, exact.

    NumPy rather than torch: it stays in the thread that asks, and many may ask at once.
    """
    flat = images.reshape(*images.shape[:-2], -1)
    sums, squares = np.zeros((2, *flat.shape[:-1]), dtype=np.float64)
    for first in range(0, flat.shape[-1], EXACT):
        levels = flat[..., first : first + EXACT].astype(np.uint32)
        sums += np.add.reduce(levels, axis=-1, dtype=np.uint32)
        squares += np.einsum("...p,...p->...", levels, levels)
    return torch.from_numpy(sums), torch.from_numpy(squares)


def statistics(part: Surveyed) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and deviation (of the population) of each channel over all images, in units of the image from 0 to 1."""
    _, height, width = part.shape
    count = len(part.labels) * height * width
    totals = zip(part.sums.sum(0).tolist(), part.squares.sum(0).tolist(), strict=True)
    exact = [(int(total), count * int(square) - int(total) ** 2) for total, square in totals]
    return (
        tuple(total / count / 255 for total, _ in exact),
        tuple(variance**0.5 / count / 255 for _, variance in exact),
    )


def _chunks(images: Tensor) -> list[Pixels]:
    """The images, some at a time, in place."""
    step = max(1, CHUNK // images[0].numel())
    values = images.numpy()
    return [values[first : first + step] for first in range(0, len(values), step)]


def _resized(images: Tensor, how: Resize) -> Tensor:
    size = how.size
    if tuple(images.shape[2:]) == tuple(size):
        return images
    need = images.shape[0] * images.shape[1] * size.height * size.width
    if need > free_memory():
        message = f"{counted(len(images), 'image')} of {size} take {need:,} bytes of memory; {free_memory():,} are free"
        help = "a smaller `resize`; image files in folders are read on demand: folder(…)"
        raise SpeccError("E479", message, help=help)
    result = allocate(*images.shape[:2], *size)
    first = 0
    for some in ordered(lambda chunk: resize(chunk, how), _chunks(images)):
        result.numpy()[first : first + len(some)] = some
        first += len(some)
    return result
