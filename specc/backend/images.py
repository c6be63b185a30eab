"""Images as arrays: reading one from a file.

Training data and prediction both stand on this definition, so that a model sees the same pixels everywhere. No torch
here: prediction with an exported file does not need it.
"""

import re
import stat
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from specc.backend.foreign import described
from specc.backend.jpeg import ORIENTATION, photograph_size
from specc.backend.traps import heavy, trap
from specc.files import open_file

try:
    import simplejpeg
except ImportError:  # the extra `jpeg`
    simplejpeg = None

Pixels = NDArray[np.uint8]

# Once for the process: `catch_warnings` around each image would not be safe in the threads that decode training data.
warnings.filterwarnings("ignore", module=r"PIL\.")  # odd metadata is of no interest here
warnings.filterwarnings("error", category=Image.DecompressionBombWarning)

MODES = {1: "L", 3: "RGB"}

# Pillow knows fifty kinds, among them some that run other programs (EPS) or are hardly ever meant.
KINDS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
SUFFIXES = {
    ".apng", ".bmp", ".gif", ".jfif", ".jpe", ".jpeg", ".jpg", ".pbm", ".pgm", ".png", ".pnm", ".ppm", ".tif",
    ".tiff", ".webp",
}  # fmt: skip
MOST_PIXELS = 1 << 26  # of an image: 8,192 x 8,192, which take 200 MB
LONGEST = 1 << 14  # pixels of a side
STRIP = 1 << 20  # pixels that are converted at once
INTERLEAVED = 1 << 24  # pixels of an image that may be copied as a whole to be put in another order
MOST_BYTES = 1 << 28  # of an image file

DEEP = re.compile(";16[BLN]")  # in how Pillow says that pixels are stored: 16 bits a channel

Range = tuple[int, int]
WHOLE: Range = (0, 65_535)  # of 16 bits


def is_quick() -> bool:
    """Whether simplejpeg is there to decode color photographs."""
    return simplejpeg is not None


class BadImage(ValueError):
    """An image file that cannot serve. The message completes "FILE …", as in "is not an image"."""


class Decoded(NamedTuple):
    """An image. pixels: uint8, channels x height x width. deep: the lowest and highest value, of 0 to 65,535, of a
    16-bit image (of a color image in steps of 257: Pillow keeps its upper 8 bits)."""

    pixels: Pixels
    deep: tuple[int, int] | None = None


def decode(path: Path, channels: int, window: Range | None = None) -> Pixels:
    """The pixels of an image file, as `decode_bytes` gives them.

    Raises BadImage as `decode_bytes` and `read_bytes` do; OSError where the file itself cannot be opened.
    """
    return decode_bytes(read_bytes(path), channels, window)


def read_bytes(path: Path, start: int = 0, length: int | None = None) -> bytes:
    """What is in an image file; or `length` bytes from `start` on, where it is one of many in an archive.

    Raises BadImage: it is not a regular file, which might never end, or is empty, cut short or too large to be meant;
    OSError where it cannot be opened.
    """
    status = path.stat()
    if not stat.S_ISREG(status.st_mode) and not stat.S_ISDIR(status.st_mode):
        raise BadImage("is not an image file, but a pipe, a socket or a device")
    size = status.st_size if length is None else length
    if size > MOST_BYTES:
        raise BadImage(f"has {size:,} bytes, but at most {MOST_BYTES:,} are allowed for an image")
    with open_file(path) as file:
        file.seek(start)
        content = file.read(size)
    if not content:
        raise BadImage("is empty")
    if length is not None and len(content) < length:
        raise BadImage("is truncated, like its archive")
    return content


def decode_bytes(content: bytes, channels: int, window: Range | None = None) -> Pixels:
    """The pixels of an image, as `decode_image` gives them, contiguous."""
    return np.ascontiguousarray(decode_image(content, channels, window).pixels)


def decode_image(content: bytes, channels: int, window: Range | None = None) -> Decoded:
    """The pixels of an image: uint8, channels x height x width, turned upright as its EXIF entry says. In memory
    the channels of a pixel lie together, except in huge images.

    content: of a BMP, GIF (its first picture), JPEG, PNG, PPM, TIFF or WebP file. channels: 3 (RGB) or 1 (gray: ITU-R
    601 luma of a color image). Transparent pixels are laid on white. window: the values of 16-bit grays that become 0
    and 255, 0 and 65,535 where it is None; what lies outside is clipped.

    Raises BadImage: what cannot be read, is too large to be meant, or has pixels whose range nobody knows; with a
    `window`, also 16-bit colors, of which Pillow keeps only the upper 8 bits.
    """
    if channels not in MODES:
        raise BadImage(f"cannot be used with a model of {channels} channels: an image file has 1 (gray) or 3 (RGB)")
    if (quick := _photograph(content, channels)) is not None:
        return Decoded(quick)
    if wrong := trap(content):
        raise BadImage(wrong)
    with explained(content), Image.open(BytesIO(content), formats=KINDS) as image:
        refuse_huge(image)
        is_deep = any(DEEP.search(str(tile[3])) for tile in image.tile)
        if (quick := _opened_photograph(content, image, channels)) is not None:
            return Decoded(quick)
        image.load()
        _refuse_heavy(image)
        ImageOps.exif_transpose(image, in_place=True)
        if window and is_deep and not _is_deep_gray(image):
            raise BadImage("has 16-bit colors, of which only the upper 8 bits are read: `range` is for gray images")
        deep = deep_range(image, is_deep)
        return Decoded(_pixels(eight_bits(image, window or WHOLE), channels), deep)


def _photograph(content: bytes, channels: int) -> Pixels | None:
    """The pixels of an ordinary photograph, upright, by simplejpeg where it is installed; None for anything else."""
    if simplejpeg is None or channels != 3 or (size := photograph_size(content)) is None:
        return None
    return _quick(content, size) if size[0] * size[1] <= MOST_PIXELS and max(size) <= LONGEST else None


def _opened_photograph(content: bytes, image: Image.Image, channels: int) -> Pixels | None:
    """`_photograph` where it takes Pillow to know that it is one, as with Photoshop's and Adobe's entries."""
    if simplejpeg is None or image.format != "JPEG" or image.mode != "RGB" or channels != 3:
        return None
    _refuse_heavy(image)
    if image.getexif().get(ORIENTATION, 1) != 1:
        return None
    try:
        is_usual = simplejpeg.decode_jpeg_header(content)[2] == "YCbCr"
    except ValueError:
        return None
    return _quick(content, (image.height, image.width)) if is_usual else None


def _quick(content: bytes, size: tuple[int, int]) -> Pixels | None:
    """The pixels of a photograph of this height and width by simplejpeg; None where Pillow has to say what is wrong.

    Both stand on libjpeg-turbo, and give the same bits. What is odd in any way is Pillow's: damaged files, CMYK.
    """
    try:
        rows: Pixels = simplejpeg.decode_jpeg(content, "RGB")
    except ValueError:
        return None
    return rows.transpose(2, 0, 1) if rows.shape[:2] == size else None


def _refuse_heavy(image: Image.Image) -> None:
    """Raise BadImage for EXIF data that would take long to read."""
    if wrong := heavy(image.info.get("exif")) or heavy(image.info.get("Raw profile type exif")):
        raise BadImage(wrong)


def pixels_of_image(image: Image.Image, channels: int, window: Range | None = None) -> Pixels:
    """The pixels of an image of Pillow's, as `decode_image` gives those of a file.

    Raises BadImage: too large to be meant, of an unknown range, damaged where its file is only read now.
    """
    if channels not in MODES:
        raise BadImage(f"cannot be used with a model of {channels} channels: an image has 1 (gray) or 3 (RGB)")
    refuse_huge(image)
    try:
        upright = ImageOps.exif_transpose(image)
    except Exception as error:  # noqa: BLE001 - a damaged file makes Pillow's decoders raise nearly anything
        raise BadImage(f"is damaged: {error or type(error).__name__}") from None
    return _pixels(eight_bits(upright, window or WHOLE), channels)


@contextmanager
def explained(content: bytes) -> Iterator[None]:
    """Whatever Pillow raises while it decodes a file of this content, as BadImage."""
    try:
        yield
    except (BadImage, MemoryError):
        raise
    except UnidentifiedImageError:
        raise BadImage(f"is not a readable image: {described(content)}") from None
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        raise BadImage(f"has more than {MOST_PIXELS:,} pixels, the limit") from None
    except Exception as error:  # noqa: BLE001 - a damaged file makes Pillow's decoders raise nearly anything
        raise BadImage(f"is damaged: {error or type(error).__name__}") from None


def _pixels(image: Image.Image, channels: int) -> Pixels:
    """An image of 8 bits a channel as an array, channels x height x width; strip by strip, so that no copy is whole."""
    if image.width * image.height > INTERLEAVED:
        result = np.empty((channels, image.height, image.width), dtype=np.uint8)
    else:
        result = np.empty((image.height, image.width, channels), dtype=np.uint8).transpose(2, 0, 1)
    for top, strip in _strips(image):
        plain = opaque(strip)
        rows = np.asarray(plain if plain.mode == MODES[channels] else plain.convert(MODES[channels]))
        result[:, top : top + plain.height] = rows if rows.ndim == 2 else rows.transpose(2, 0, 1)
    return result


def _strips(image: Image.Image) -> Iterator[tuple[int, Image.Image]]:
    """An image in pieces of its whole width, each with its first row."""
    height = max(1, STRIP // image.width)
    if height >= image.height:
        yield 0, image
        return
    for top in range(0, image.height, height):
        yield top, image.crop((0, top, image.width, min(top + height, image.height)))


def refuse_huge(image: Image.Image) -> None:
    """Raise BadImage for an image of more pixels than can be meant, before any is decoded."""
    size = f"{image.height:,} x {image.width:,}"
    if image.width * image.height > MOST_PIXELS:
        raise BadImage(f"has more than {MOST_PIXELS:,} pixels, the limit: {size}")
    if max(image.size) > LONGEST:
        raise BadImage(f"has a side of more than {LONGEST:,} pixels, the limit: {size}")


def deep_range(image: Image.Image, is_deep: bool) -> tuple[int, int] | None:
    """The lowest and highest value of a 16-bit image, of 0 to 65,535; None for any other. is_deep: its file says so."""
    is_gray = _is_deep_gray(image)
    if not is_gray and (not is_deep or image.mode not in ("RGB", "RGBA")):
        return None
    extremes: Any = image.getextrema()  # of each channel where there are several
    if is_gray:
        return int(extremes[0]), int(extremes[1])
    return 257 * min(low for low, _ in extremes[:3]), 257 * max(high for _, high in extremes[:3])


def _is_deep_gray(image: Image.Image) -> bool:
    """Whether it is a gray image of 16 bits. Pillow spreads a PPM file's values over 16 bits, whatever its largest."""
    return image.mode.startswith("I;16") or (image.mode == "I" and image.format in ("PNG", "PPM"))


def eight_bits(image: Image.Image, window: Range = WHOLE) -> Image.Image:
    """An image of 8 bits a channel. Grays of 16 bits are scaled; other deep images have no known range."""
    if _is_deep_gray(image):
        low, high = window
        levels = np.empty((image.height, image.width), dtype=np.uint8)
        for top, strip in _strips(image):
            values = np.asarray(strip).astype(np.float64).clip(low, high)
            levels[top : top + strip.height] = np.rint((values - low) * 255 / (high - low))
        return Image.fromarray(levels)
    if image.mode in ("I", "F"):
        raise BadImage(f"has {'32-bit integer' if image.mode == 'I' else 'floating-point'} pixels of unknown range")
    return image


def opaque(image: Image.Image) -> Image.Image:
    """The image laid on white where it is transparent."""
    if not image.has_transparency_data:
        return image
    layered = image if image.mode == "RGBA" else image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", layered.size, "white"), layered).convert("RGB")
