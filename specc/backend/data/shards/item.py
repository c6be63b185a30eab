"""An image and its label, as they are packed."""

import hashlib
import json
from io import BytesIO
from typing import Any, NamedTuple

import numpy as np
from PIL import Image
from torch import Tensor

from specc.backend.data.masks import read_mask
from specc.backend.data.raw import Files, Part
from specc.backend.data.reading import Reading
from specc.backend.data.shards.images import Packed, PackedMasks
from specc.backend.data.survey import moments, picture_hash
from specc.backend.images import BadImage, Pixels, decode_bytes, decode_image
from specc.backend.resizing import resize
from specc.errors import clean
from specc.tasks import CLASSIFICATION, REGRESSION, Task

Size = tuple[int, ...]


class Item(NamedTuple):
    """What is packed of an image.

    stored: uint8 C x H x W where it is packed raw, else the bytes of a JPEG file. digest: SHA-256 of what is stored.
    picture: of the pixels. sums, squares: of the levels of each channel. mask: uint8 H x W, or None. size: of the image
    before it was resized. deep: as `decode_image` has it.
    """

    stored: Pixels | bytes
    digest: bytes
    picture: bytes
    shape: Size
    sums: list[int]
    squares: list[int]
    mask: Pixels | None
    size: Size
    deep: tuple[int, int] | None


def read_item(part: Part, number: int, how: Reading, jpeg: int | None, ignore: int | None) -> Item | str:
    """An image of a part; else what is wrong with it, completing "FILE …"."""
    try:
        read, deep = _pixels(part, number, how)
    except BadImage as error:
        return clean(str(error))
    except OSError as error:
        return f"cannot be read: {error.strerror or clean(str(error))}"
    pixels = np.ascontiguousarray(read if how.resize is None else resize(read, how.resize))
    mask = _mask(part, number, how, ignore)
    if mask is not None and mask.shape != pixels.shape[1:]:
        return f"is {pixels.shape[1]}x{pixels.shape[2]}, but its mask is {mask.shape[0]}x{mask.shape[1]}"
    stored: Pixels | bytes = pixels
    digest = picture = picture_hash(pixels)
    if jpeg is not None:
        stored = encode(pixels, jpeg)
        pixels = decode_bytes(stored, pixels.shape[0])
        digest, picture = hashlib.sha256(stored).digest(), picture_hash(pixels)
    sums, squares = (list(map(int, row.tolist())) for row in moments(pixels))
    return Item(stored, digest, picture, pixels.shape, sums, squares, mask, read.shape[1:], deep)


def _pixels(part: Part, number: int, how: Reading) -> tuple[Pixels, tuple[int, int] | None]:
    """An image before it is resized. Raises BadImage or OSError."""
    images = part.images
    if isinstance(images, Files):
        return decode_image(images.content(number), how.channels, how.range)
    if isinstance(images, Packed):
        return images.pixels(number), None
    pixels: Pixels = images[number].numpy()
    return pixels, None


def _mask(part: Part, number: int, how: Reading, ignore: int | None) -> Pixels | None:
    """The mask of an image where it has one, uint8 H x W, where its resized image comes to lie."""
    labels = part.labels
    if isinstance(labels, Files):
        return read_mask(labels, number, how.resize, ignore)[0]
    if isinstance(labels, PackedMasks):
        mask = labels.images.mask(number)
    elif labels.ndim == 3:
        mask = labels[number].numpy()
    else:
        return None
    if how.resize is None:
        return mask
    assert ignore is not None
    return resize(mask, how.resize._replace(by="nearest", fill=ignore))


def encode(pixels: Pixels, quality: int) -> bytes:
    """A JPEG file, uint8 C x H x W of 1 or 3 channels."""
    buffer = BytesIO()
    levels = pixels[0] if len(pixels) == 1 else pixels.transpose(1, 2, 0)
    Image.fromarray(np.ascontiguousarray(levels)).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def label_of(labels: Tensor, number: int, task: Task) -> Any:
    """The label of an image as the table has it; not for masks."""
    if task == CLASSIFICATION:
        return int(labels[number])
    row = labels[number]
    return row.tolist() if task == REGRESSION else row.nonzero().flatten().tolist()


def label_file(label: Any, task: Task) -> tuple[str, bytes]:
    """The ending and the content of the file that holds a label for others than specc."""
    if task == CLASSIFICATION:
        return "cls", str(label).encode()
    return "json", json.dumps({"targets" if task == REGRESSION else "labels": label}).encode()
