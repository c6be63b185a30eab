"""Image files of every kind that is read, all of random pixels."""

import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

DRAW = np.random.default_rng(7)
RGB = DRAW.integers(0, 256, (24, 18, 3), dtype=np.uint8)
GRAY = RGB[..., 0]
DEEP = DRAW.integers(0, 1 << 16, (16, 16), dtype=np.uint16)


def png(path: Path, pixels: np.ndarray, color: int) -> None:
    """A PNG of 16 bits a channel, which Pillow cannot write in color."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    height, width = pixels.shape[:2]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, color, 0, 0, 0))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def turned(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


def write_kinds(folder: Path) -> list[Path]:
    """A file of each kind, with and without transparency, deep, turned; gives their paths, sorted."""
    half = np.dstack([RGB, np.where(GRAY > 127, 255, 60).astype(np.uint8)])
    images = {
        "rgb.png": Image.fromarray(RGB),
        "rgb.jpg": Image.fromarray(RGB),
        "gray.png": Image.fromarray(GRAY),
        "gray.jpg": Image.fromarray(GRAY),
        "two_levels.png": Image.fromarray(GRAY > 99),
        "palette.png": Image.fromarray(RGB).quantize(16),
        "see_through_palette.gif": Image.fromarray(half).quantize(16),
        "rgba.png": Image.fromarray(half),
        "gray_alpha.png": Image.fromarray(half).convert("LA"),
        "cmyk.jpg": Image.fromarray(RGB).convert("CMYK"),
        "deep_gray.png": Image.fromarray(DEEP),
        "deep_gray.tif": Image.fromarray(DEEP),
    }
    for name, image in images.items():
        image.save(folder / name)
    for orientation in range(2, 9):
        Image.fromarray(RGB).save(folder / f"turned{orientation}.jpg", exif=turned(orientation))
    png(folder / "deep_rgb.png", np.dstack([DEEP, DEEP.T, DEEP[::-1]]), 2)
    png(folder / "deep_rgba.png", np.dstack([DEEP, DEEP.T, DEEP[::-1], DEEP]), 6)
    return sorted(folder.iterdir())
