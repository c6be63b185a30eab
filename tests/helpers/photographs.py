"""Photographs of all shapes and kinds as files, and a way from a file to pixels that shares no code with specc."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import sklearn.datasets
from numpy.typing import NDArray
from PIL import Image

PLACE = Path(sklearn.datasets.__file__).parent / "images"
BY = {
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "nearest": Image.Resampling.NEAREST,
}
WINDOW = (200, 3300)  # what is black and white in the 16-bit photograph


def write_photographs(folder: Path) -> list[Path]:
    """Of scikit-learn, and of scikit-image where it is installed: wide, tall, tiny, one pixel high, gray, palette, …"""
    photo = Image.open(PLACE / "china.jpg").resize((320, 213), BY["bilinear"])
    flower = Image.open(PLACE / "flower.jpg").crop((150, 50, 373, 275))
    gray = np.asarray(photo.convert("L"), np.uint16)
    fade = photo.crop((0, 0, 120, 150))
    fade.putalpha(Image.linear_gradient("L").resize(fade.size))
    images = {
        "wide": photo,
        "tall": photo.transpose(Image.Transpose.ROTATE_90),
        "odd": flower,
        "tiny": photo.crop((100, 100, 107, 105)),
        "row": photo.crop((0, 100, 320, 101)),
        "column": photo.crop((160, 0, 161, 213)),
        "dot": photo.crop((9, 9, 10, 10)),
        "gray": flower.convert("L"),
        "palette": photo.quantize(32),
        "fade": fade,
        "deep": Image.fromarray(gray * 16),
    }
    for name, image in images.items():
        image.save(folder / f"{name}.png")
    return sorted([*folder.glob("*.png"), *_of_scikit_image()])


def _of_scikit_image() -> list[Path]:
    found = find_spec("skimage")
    if found is None or found.origin is None:
        return []
    place = Path(found.origin).parent / "data"
    names = ("astronaut.png", "chelsea.png", "coins.png", "horse.png", "page.png", "rocket.jpg", "text.png")
    return [place / name for name in names if (place / name).exists()]


def pillow_pixels(
    path: Path,
    channels: int,
    fit: str,
    size: tuple[int, int],
    by: str,
    fill: int = 0,
    view: tuple[int, int] | None = None,
) -> NDArray[np.int64]:
    """An image file as Pillow and NumPy read and resize it, C x H x W. `WINDOW` is for 16-bit files."""
    with Image.open(path) as opened:
        image = opened.copy()
    if image.mode.startswith("I;16"):
        low, high = WINDOW
        values = np.clip(np.asarray(image, np.float64), low, high)
        image = Image.fromarray(np.rint(255 * ((values - low) / (high - low))).astype(np.uint8))
    if image.has_transparency_data:
        white = Image.new("RGB", image.size, "white")
        white.paste(image.convert("RGB"), mask=image.convert("RGBA").getchannel("A"))
        image = white
    pixels = _fitted(image.convert("L" if channels == 1 else "RGB"), fit, size, by, fill)
    pixels = pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)
    if view:
        top, left = (round((whole - part) / 2.0) for whole, part in zip(size, view, strict=True))
        pixels = pixels[:, top : top + view[0], left : left + view[1]]
    return pixels.astype(np.int64)


def _fitted(image: Image.Image, fit: str, size: tuple[int, int], by: str, fill: int) -> NDArray[np.uint8]:
    (height, width), (tall, wide) = size, image.size[::-1]
    if fit == "stretch":
        return _scaled(image, size, by)
    if (height * wide >= width * tall) == (fit == "cover"):
        scaled = height, max(1, int(height * wide / tall))
    else:
        scaled = max(1, int(width * tall / wide)), width
    pixels = _scaled(image, scaled, by)
    if fit == "cover":
        top, left = round((scaled[0] - height) / 2.0), round((scaled[1] - width) / 2.0)
        return pixels[top : top + height, left : left + width]
    top, left = round((height - scaled[0]) / 2.0), round((width - scaled[1]) / 2.0)
    canvas = np.full((height, width, *pixels.shape[2:]), fill, np.uint8)
    canvas[top : top + scaled[0], left : left + scaled[1]] = pixels
    return canvas


def _scaled(image: Image.Image, size: tuple[int, int], by: str) -> NDArray[np.uint8]:
    if by != "nearest":
        return np.asarray(image.resize((size[1], size[0]), BY[by]))
    rows, columns = (nearest_of_pillow(old, new) for old, new in zip(image.size[::-1], size, strict=True))
    return np.asarray(image)[rows][:, columns]


def nearest_of_pillow(old: int, new: int) -> NDArray[np.int64]:
    """The pixels that Pillow takes of a row of `old`: those of a row of numbers, NEAREST.

    Where a new pixel's center is exactly between two old ones, Pillow's sum of steps falls to either; here it is the
    second.
    """
    numbers = np.arange(old, dtype=np.int32)[None]
    taken = np.asarray(Image.fromarray(numbers).resize((new, 1), BY["nearest"]))[0].astype(np.int64)
    between = (2 * np.arange(new) + 1) * old % (2 * new) == 0
    exact = np.rint((np.arange(new) + 0.5) * old / new).astype(np.int64)
    assert ((taken == exact) | (taken == exact - 1))[between].all()
    return np.where(between, exact, taken)
