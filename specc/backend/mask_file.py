"""Masks: image files that hold the number of a class for each pixel. They are read as the numbers that were written."""

from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from specc.backend.images import KINDS, BadImage, Pixels, explained, refuse_huge
from specc.backend.jpeg import ORIENTATION
from specc.backend.traps import heavy, trap

# How pixels may be stored, in Pillow's words, and what it multiplies them by: two and four bits of gray are spread over
# eight. Palettes give indices; `1` is black or white, class 0 or 1.
STORED = {
    "L": 1, "L;2": 85, "L;4": 17, "1": 1, "P": 1, "P;1": 1, "P;2": 1, "P;4": 1,
    "I;16": 1, "I;16B": 1, "I;16L": 1, "I;16N": 1,
}  # fmt: skip
LOSSY = ("JPEG", "WEBP")
MODES = {
    "RGB": "colors", "RGBA": "colors", "LA": "gray with transparency", "PA": "a palette with transparency",
    "CMYK": "colors for print", "YCbCr": "colors", "F": "floating-point numbers", "I": "integers of 32 bits",
}  # fmt: skip
HIGHEST = 255
NEEDED = "a mask has 8 or 16 bits of gray, or a palette"
TURNED = (5, 6, 7, 8)  # EXIF orientations that exchange height and width


def decode_mask(content: bytes) -> Pixels:
    """The class numbers of a mask: uint8, height x width, turned upright as its EXIF entry says.

    content: of a PNG, TIFF, BMP, GIF (its first picture) or PPM file of gray levels or with a palette, whose indices
    are meant then, not its colors.

    Raises BadImage: what cannot be read, is too large to be meant, has colors, numbers above 255, or a format that does
    not keep the numbers.
    """
    if wrong := trap(content):
        raise BadImage(wrong)
    with explained(content), Image.open(BytesIO(content), formats=KINDS) as image:
        refuse_huge(image)
        factor = _factor(image)
        image.load()
        if wrong := heavy(image.info.get("exif")) or heavy(image.info.get("Raw profile type exif")):
            raise BadImage(wrong)
        ImageOps.exif_transpose(image, in_place=True)
        numbers = np.asarray(image)
    if numbers.max() > HIGHEST:
        raise BadImage(f"has class numbers up to {numbers.max():,}, but at most {HIGHEST} are possible")
    levels: Pixels = numbers.astype(np.uint8) // factor
    return levels


def upright_size(content: bytes) -> tuple[int, int] | None:
    """Height and width of an image as `decode_image` gives it, without decoding it; None where it cannot be used."""
    if trap(content):
        return None
    try:
        with Image.open(BytesIO(content), formats=KINDS) as image:
            refuse_huge(image)
            if heavy(image.info.get("exif")) or heavy(image.info.get("Raw profile type exif")):
                return None
            is_turned = image.getexif().get(ORIENTATION) in TURNED
            return (image.width, image.height) if is_turned else (image.height, image.width)
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - as above; the first look at the images says what is wrong
        return None


def _factor(image: Image.Image) -> int:
    """What the numbers of a mask have been multiplied by. Raises BadImage where they are no class numbers."""
    if image.format in LOSSY:
        raise BadImage(f"is a {image.format} file, which does not keep the numbers: save masks as PNG")
    if image.mode in MODES and not (image.mode == "I" and image.format in ("PNG", "PPM")):
        raise BadImage(f"holds {MODES[image.mode]} ({image.mode}): {NEEDED}")
    tiles: Any = getattr(image, "tile", ())
    arguments: Any = tiles[0].args if tiles else None
    if image.format == "GIF":  # which always has a palette; of gray ones the levels are the indices
        return 1
    stored, *rest = [arguments] if isinstance(arguments, str) else (arguments or [image.mode])
    if image.format == "PPM" and rest and rest[0] != HIGHEST:
        raise BadImage(f"has {rest[0]:,} as its highest level, by which its numbers are stretched: save it as PNG")
    if stored not in STORED:
        raise BadImage(f"stores its pixels as {stored}: {NEEDED}")
    return STORED[stored]
