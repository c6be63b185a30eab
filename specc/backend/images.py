"""Images as arrays: reading one from a file, and the one definition of resizing.

Training data, prediction and the exported graph all stand on these definitions, so that a model sees the same pixels
everywhere. No torch here: prediction with an exported file does not need it.
"""

import warnings
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from specc.values import Size

Pixels = NDArray[np.uint8]

# Once for the process: `catch_warnings` around each image would not be safe in the threads that decode training data.
warnings.filterwarnings("ignore", module=r"PIL\.")  # odd metadata is of no interest here
warnings.filterwarnings("error", category=Image.DecompressionBombWarning)

MODES = {1: "L", 3: "RGB"}

# Sums that fall on x.5 go up, with this margin, so that two ways of adding up float32 numbers round alike.
TIE = 2.0**-9


class BadImage(ValueError):
    """An image file that cannot serve. The message completes "FILE …", as in "is not an image"."""


def decode(path: Path, channels: int) -> Pixels:
    """The pixels of an image file: uint8, channels x height x width, turned upright as its EXIF entry says.

    channels: 3 (RGB) or 1 (grey: ITU-R 601 luma of a colour image). Transparent pixels are laid on white; 16-bit greys
    are scaled to 8 bits.

    Raises BadImage: what cannot be read, is too large to be meant, or has pixels whose range nobody knows; OSError
    where the file itself cannot be opened.
    """
    if channels not in MODES:
        raise BadImage(f"cannot be given to a model of {channels} channels: an image file has 1 (grey) or 3 (RGB)")
    with path.open("rb") as file:
        try:
            with Image.open(file) as image:
                image.load()
                upright = ImageOps.exif_transpose(image)
        except UnidentifiedImageError:
            raise BadImage("is empty" if path.stat().st_size == 0 else "is not an image that can be read") from None
        except (Image.DecompressionBombWarning, Image.DecompressionBombError):
            raise BadImage(f"has more than {Image.MAX_IMAGE_PIXELS:,} pixels, too many to be meant") from None
        except (OSError, ValueError, SyntaxError, EOFError) as error:  # what Pillow's decoders raise
            raise BadImage(f"is damaged: {error}") from None
    plain = opaque(eight_bits(upright)).convert(MODES[channels])
    pixels = np.asarray(plain)
    return np.ascontiguousarray(pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1))


def eight_bits(image: Image.Image) -> Image.Image:
    """An image of 8 bits a channel. Greys of 16 bits are scaled; other deep images have no known range."""
    if image.mode.startswith("I;16") or (image.mode == "I" and image.format == "PNG"):
        deep = np.asarray(image).astype(np.float64)
        return Image.fromarray(np.rint(deep / 257).astype(np.uint8))
    if image.mode in ("I", "F"):
        raise BadImage(f"has {'32-bit integer' if image.mode == 'I' else 'floating-point'} pixels of unknown range")
    return image


def opaque(image: Image.Image) -> Image.Image:
    """The image laid on white where it is transparent."""
    if not image.has_transparency_data:
        return image
    layered = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", layered.size, "white"), layered).convert("RGB")


@lru_cache(maxsize=256)
def resize_weights(old: int, new: int) -> NDArray[np.float32]:
    """How much each of `old` pixels counts for each of `new` ones along one axis: a new x old matrix, rows sum to 1.

    Antialiased linear interpolation, pixel centres at half-integers: a triangle as wide as the larger of the two
    pixels, cut off at the border (Pillow's BILINEAR, `interpolate(mode="bilinear", antialias=True)` of PyTorch).
    """
    scale = old / new
    reach = max(scale, 1.0)
    centre = (np.arange(new, dtype=np.float64) + 0.5) * scale
    distance = np.abs(np.arange(old, dtype=np.float64) + 0.5 - centre[:, None])
    weights = np.maximum(1 - distance / reach, 0)
    rows: NDArray[np.float64] = weights / weights.sum(axis=1, keepdims=True)
    return rows.astype(np.float32)


@lru_cache(maxsize=256)
def _taps(old: int, new: int) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """`resize_weights` without its zeros: for each new pixel the first old one that counts, and weights from there."""
    weights = resize_weights(old, new)
    counts = weights > 0
    first = counts.argmax(axis=1)
    width = int((old - counts[:, ::-1].argmax(axis=1) - first).max())
    first = np.minimum(first, old - width)
    return first, np.take_along_axis(weights, first[:, None] + np.arange(width), axis=1)


def _resize_rows(pixels: NDArray[Any], new: int) -> NDArray[np.float32]:
    """`pixels`, … x height x width, with `new` rows. Not by a product of matrices: most of the weights are zero."""
    first, weights = _taps(pixels.shape[-2], new)
    result = np.zeros((*pixels.shape[:-2], new, pixels.shape[-1]), dtype=np.float32)
    for tap in range(weights.shape[1]):
        result += weights[:, tap, None] * pixels[..., first + tap, :]
    return result


def resize(pixels: Pixels, size: Size) -> Pixels:
    """uint8 images, … x height x width, brought to `size`; antialiased bilinear, rounded to the nearest level."""
    if pixels.shape[-2:] == tuple(size):
        return pixels
    down = np.ascontiguousarray(_resize_rows(pixels, size.height).swapaxes(-1, -2))
    both = _resize_rows(down, size.width).swapaxes(-1, -2)
    levels: Pixels = np.floor(both + np.float32(0.5 + TIE)).clip(0, 255).astype(np.uint8, order="C")
    return levels
