"""Damaged images, and images made to explode: by name, the file, the code and a phrase of the message."""

import io
import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, PngImagePlugin

PIXELS = np.random.default_rng(0).integers(0, 256, (4, 4, 3), dtype=np.uint8)


def saved(kind: str = "png", image: Image.Image | None = None, **how: Any) -> bytes:
    buffer = io.BytesIO()
    (image or Image.fromarray(PIXELS)).save(buffer, kind, **how)
    return buffer.getvalue()


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(width: int, height: int, data: bytes, *before: bytes) -> bytes:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(before) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def tags() -> bytes:
    """A TIFF file of 3 MB, with 60,000 tags each of which is 2 MB: read one by one, they take 120 GB."""
    entries = b"".join(struct.pack("<HHII", number, 7, 2_000_000, 800_000) for number in range(60_000))
    return struct.pack("<4sIH", b"II*\0", 8, 60_000) + entries + bytes(2_100_000)


def texts() -> bytes:
    """An image with 8 MB of text, packed."""
    info = PngImagePlugin.PngInfo()
    info.add_text("comment", "a" * (8 << 20), zip=True)
    return saved(pnginfo=info)


def made(content: Callable[[], bytes]) -> Callable[[Path], Any]:
    """Large content, made when it is needed: every process imports this."""
    return lambda path: path.write_bytes(content())


IMAGES: dict[str, tuple[bytes | Callable[[Path], Any], str, str]] = {
    "empty": (b"", "E461", "is empty"),
    "text": (b"hello", "E461", "is not a readable image: it begins with 68 65 6c 6c 6f"),
    "escape codes": (b"\x1b]0;owned\x07", "E461", "it begins with 1b 5d"),
    "PNG cut short": (saved()[:60], "E461", "is damaged"),
    "JPEG cut short": (saved("jpeg")[:-200], "E461", "is damaged"),
    "GIF cut short": (saved("gif")[:-30], "E461", "is not a readable image"),
    "WebP cut short": (saved("webp")[:-20], "E461", "is"),
    "TIFF that points outside": (saved("tiff")[:4] + b"\xff\xff\xff\x7f" + saved("tiff")[8:], "E461", "is"),
    "BMP of -1 rows": (
        b"BM" + bytes(12) + struct.pack("<IiiHHI", 40, 4, -(2**31), 1, 24, 0) + bytes(60),
        "E461",
        "pixels",
    ),
    "PNG whose data explode": (made(lambda: png(8000, 8000, zlib.compress(bytes(1 << 24)))), "E461", "is damaged"),
    "PNG of 2^62 pixels": (png(2**31 - 1, 2**31 - 1, b""), "E461", "has more than 67,108,864 pixels"),
    "PNG of 16,385 columns": (png(16_385, 1, b""), "E461", "has a side of more than 16,384 pixels"),
    "PNG whose texts explode": (made(texts), "E461", "is damaged: Decompressed data too large"),
    "PPM of nonsense": (b"P6\n99999999 99999999\n255\n", "E461", "pixels"),
    "PPM without an end": (made(lambda: b"P6\n" + b"#" * 20_000_000), "E461", "header is not that of a binary PPM"),
    "PPM in words": (made(lambda: b"P3\n4000 4000\n255\n" + b"1 " * 10_000_000), "E461", "not that of a binary PPM"),
    "TIFF whose tags explode": (made(tags), "E461", "is damaged: its tags are larger than the file"),
    "PNG whose EXIF explodes": (
        made(lambda: png(4, 4, zlib.compress(bytes(52)), chunk(b"eXIf", tags()))),
        "E461",
        "bytes of EXIF data",
    ),
    "JPEG of 1,000 scans": (
        saved("jpeg")[:-2] + b"\xff\xda\0\x08\x01\x01\0\0\0\0" * 1000,
        "E461",
        "more than 100 scans",
    ),
    "BigTIFF": (b"II+\0\x08\0\0\0" + bytes(20), "E461", "it is a BigTIFF file"),
    "float pixels": (saved("tiff", Image.new("F", (4, 4))), "E461", "floating-point pixels of unknown range"),
    "EPS": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 4 4\n", "E461", "it is a PostScript document"),
    "pipe": (os.mkfifo, "E461", "but a pipe, a socket or a device"),
    "device": (lambda path: path.symlink_to("/dev/zero"), "E461", "but a pipe, a socket or a device"),
    "folder": (Path.mkdir, "E460", "is a folder"),
    "linked to itself": (lambda path: path.symlink_to(path), "E460", "does not exist"),
    "not there": (lambda path: None, "E460", "does not exist"),
}
