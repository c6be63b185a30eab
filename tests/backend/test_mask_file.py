"""Masks are read as the numbers that were written, or not at all."""

import io
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from PIL import Image

from specc.backend.images import BadImage, decode_bytes
from specc.backend.mask_file import decode_mask, upright_size

NUMBERS = np.array([[0, 1, 2, 3], [3, 3, 0, 0], [1, 0, 2, 2]], dtype=np.uint8)


def file(image: Image.Image, kind: str = "PNG", **how: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **how)
    return buffer.getvalue()


def palette(numbers: np.ndarray = NUMBERS) -> Image.Image:
    image = Image.new("P", numbers.shape[::-1])
    image.putpalette([255, 255, 255, 200, 0, 0, 0, 0, 0, 9, 9, 9] * (64 if numbers.max() > 3 else 1))
    image.putdata(numbers.reshape(-1).tolist())
    return image


def png(bits: int, rows: list[bytes], width: int) -> bytes:
    """A gray PNG of fewer than 8 bits, which Pillow does not write."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    header = struct.pack(">IIBBBBB", width, len(rows), bits, 0, 0, 0, 0)
    data = zlib.compress(b"".join(b"\0" + row for row in rows))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


GRAY, DEEP = Image.fromarray(NUMBERS), Image.fromarray(NUMBERS.astype(np.uint16))


@pytest.mark.parametrize(
    "content",
    [
        *(file(GRAY, kind) for kind in ("PNG", "TIFF", "BMP", "GIF", "PPM")),
        *(file(palette(), kind) for kind in ("PNG", "TIFF", "BMP")),
        file(palette(), "PNG", bits=8),
        file(palette(), "PNG", transparency=0),
        *(file(DEEP, kind) for kind in ("PNG", "TIFF", "PPM")),
        file(GRAY, "TIFF", compression="tiff_lzw"),
        png(2, [b"\x1b", b"\xf0", b"\x4a"], 4),
        png(4, [b"\x01\x23", b"\x33\x00", b"\x10\x22"], 4),
        b"P5 4 3 255\n" + NUMBERS.tobytes(),
    ],
)
def test_numbers_as_they_were_written(content: bytes) -> None:
    found = decode_mask(content)
    assert found.dtype == np.uint8 and found.tolist() == NUMBERS.tolist()


def test_black_and_white_are_0_and_1() -> None:
    assert decode_mask(png(1, [b"\x50"], 4)).tolist() == [[0, 1, 0, 1]]
    assert decode_mask(file(Image.fromarray(NUMBERS > 1), "TIFF")).tolist() == (NUMBERS > 1).tolist()


def test_every_number_of_8_bits() -> None:
    numbers = np.arange(256, dtype=np.uint8).reshape(16, 16)
    for image in (Image.fromarray(numbers), Image.fromarray(numbers.astype(np.uint16)), palette(numbers)):
        assert decode_mask(file(image)).tolist() == numbers.tolist()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (file(GRAY.convert("RGB")), r"holds colors \(RGB\): a mask has 8 or 16 bits of gray, or a palette"),
        (file(GRAY.convert("RGBA")), r"holds colors \(RGBA\)"),
        (file(GRAY.convert("LA")), r"holds gray with transparency \(LA\)"),
        (file(GRAY.convert("CMYK"), "TIFF"), r"holds colors for print \(CMYK\)"),
        (file(GRAY.convert("F"), "TIFF"), r"holds floating-point numbers \(F\)"),
        (file(GRAY.convert("I"), "TIFF"), r"holds integers of 32 bits \(I\)"),
        (file(GRAY, "JPEG"), "is a JPEG file, which does not keep the numbers"),
        (file(GRAY, "WEBP", lossless=True), "is a WEBP file"),
        (file(Image.fromarray(NUMBERS.astype(np.uint16) * 100)), "has class numbers up to 300, but at most 255"),
        (b"P5 4 1 3\n\0\1\2\3", "has 3 as its highest level, by which its numbers are stretched"),
        (b"P4 8 1\n\3", "stores its pixels as 1;I"),
        (file(GRAY)[:50], "is damaged"),
        (b"<html>", "is not a readable image: it is an HTML page"),
        (b"", "is not a readable image"),
        (b"P5 99999 99999 255\n", "has more than 67,108,864 pixels, the limit"),
    ],
)
def test_what_is_no_mask(content: bytes, message: str) -> None:
    with pytest.raises(BadImage, match=message):
        decode_mask(content)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_masks_are_turned_as_their_images_are(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = file(GRAY, exif=exif)
    assert decode_mask(content).tolist() == decode_bytes(content, 1)[0].tolist()
    photo = file(Image.new("RGB", (5, 2)), "JPEG", exif=exif)
    assert upright_size(photo) == decode_bytes(photo, 3).shape[1:]


def test_the_size_of_what_cannot_be_used_is_not_known() -> None:
    assert upright_size(b"<html>") is upright_size(b"P5 99999 99999 255\n") is upright_size(b"P2 1 1 1 1\n") is None
