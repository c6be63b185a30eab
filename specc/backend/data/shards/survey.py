"""The first look at packed images: what the tables say of them, which nobody has to find out again."""

from collections.abc import Iterator
from math import prod

import numpy as np
import torch
from torch import Tensor

from specc.backend.data.memory import allocate, free_memory
from specc.backend.data.parallel import ordered
from specc.backend.data.progress import bar
from specc.backend.data.raw import Part
from specc.backend.data.shards.images import Packed, PackedMasks
from specc.backend.data.survey import Surveyed, moments, picture_hash
from specc.backend.images import Pixels
from specc.backend.resizing import resize
from specc.errors import SpeccError, counted
from specc.tricks.resize import Resize


def survey_packed(part: Part, how: Resize | None, ignore: int | None, room: int) -> Surveyed:
    """A part of packed data after the first look.

    Nothing is decoded for it unless images are resized. Those that fit into `room` bytes are then held in memory, but
    where a `window` says that they stream.

    Raises SpeccError: E524 and E525 for shards that cannot be used, E479 masks that do not fit into memory.
    """
    images = part.images
    assert isinstance(images, Packed)
    if images.window is None:
        images.store.ready([images.shards[number] for number in sorted(set(images.shard_of.tolist()))])
    shape, rows = images.resized_shape(how), torch.from_numpy(images.numbers)
    facts, is_stored = images.facts, images.is_stored(how)
    is_held = images.window is None and len(images) * prod(shape) <= room
    held: Tensor | Packed = allocate(len(images), *shape) if is_held else images
    sums, squares = facts.sums[rows], facts.squares[rows]
    pictures = [facts.pictures[row] for row in images.numbers.tolist()]
    if is_held or not is_stored:
        for number, pixels in enumerate(_every(images, how)):
            if isinstance(held, Tensor):
                held.numpy()[number] = pixels
            if not is_stored:
                sums[number], squares[number] = moments(pixels)
                pictures[number] = picture_hash(pixels)
    labels = masks_of(part.labels, how, ignore) if isinstance(part.labels, PackedMasks) else part.labels
    assert isinstance(labels, Tensor)
    return Surveyed(held, labels, shape, sums, squares, pictures, images.names, part.groups)


def _every(images: Packed, how: Resize | None) -> Iterator[Pixels]:
    """All images, in their order."""
    with bar("reading shards", len(images), "images") as advance:
        for pixels in ordered(lambda number: images.pixels(number, how), range(len(images))):
            advance(1)
            yield pixels


def masks_of(masks: PackedMasks, how: Resize | None, ignore: int | None) -> Tensor:
    """Masks, uint8 N x H x W, where their resized images come to lie. Raises SpeccError E479, E524."""
    _, height, width = masks.images.resized_shape(how)
    if len(masks) * height * width > free_memory():
        message = f"{counted(len(masks), 'mask')} of {height}x{width} do not fit into memory"
        raise SpeccError("E479", message, help="a smaller `resize`", status=1)
    labels = torch.empty(len(masks), height, width, dtype=torch.uint8)

    def read(number: int) -> Pixels:
        pixels = masks.images.mask(number)
        if how is None:
            return pixels
        assert ignore is not None
        return resize(pixels, how._replace(by="nearest", fill=ignore))

    for number, pixels in enumerate(ordered(read, range(len(masks)))):
        labels.numpy()[number] = np.ascontiguousarray(pixels)
    return labels
