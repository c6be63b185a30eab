"""How one image file becomes what is trained on: decoded, and resized, as the section `data` says."""

import hashlib
from collections.abc import Callable
from typing import NamedTuple

from specc.backend.data.raw import Files
from specc.backend.images import Pixels, Range, decode_image
from specc.backend.resizing import resize, stored
from specc.tricks.resize import Resize
from specc.tricks.sections import DataSettings


class Reading(NamedTuple):
    """How image files become pixels, as the section `data` says: see `decode_image` and `resize`."""

    channels: int = 3
    range: Range | None = None
    resize: Resize | None = None


def reading(data: DataSettings) -> Reading:
    """How the image files of a checked section `data` are read."""
    return Reading(data.image_channels or 3, data.range, data.resizing)


class Opened(NamedTuple):
    """A sound image file as it is trained on: uint8 C x H x W, and the SHA-256 of its bytes. deep: the range of
    the values of a 16-bit image."""

    pixels: Pixels
    digest: bytes
    deep: tuple[int, int] | None = None


def open_image(files: Files, number: int, how: Reading) -> Opened:
    """An image file, read once. Raises BadImage or OSError."""
    content = files.content(number)
    return open_content(content, how, hashlib.sha256(content).digest())


def open_content(
    content: bytes, how: Reading, digest: bytes, place: Callable[[tuple[int, ...]], Pixels | None] = lambda shape: None
) -> Opened:
    """An image file of this content and its SHA-256. Raises BadImage.

    place: gives the memory for pixels of a shape; where it gives None, they are put anywhere.
    """
    pixels, deep = decode_image(content, how.channels, how.range)
    if how.resize is not None:
        return Opened(resize(pixels, how.resize, place((how.channels, *how.resize.size))), digest, deep)
    return Opened(stored(pixels, place(pixels.shape)), digest, deep)
