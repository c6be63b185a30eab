"""Image files of every kind become the same plain arrays, or are refused with a reason."""

import struct
import zlib
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from specc.backend.images import BadImage, decode, decode_bytes

RGB = np.random.default_rng(0).integers(0, 256, (12, 9, 3), dtype=np.uint8)
GRAY = RGB[..., 0]


def saved(folder: Path, image: Image.Image, name: str = "image.png", **options: Any) -> Path:
    image.save(folder / name, **options)
    return folder / name


def test_rgb_png_is_decoded_as_stored(tmp_path: Path) -> None:
    assert (decode(saved(tmp_path, Image.fromarray(RGB)), 3) == RGB.transpose(2, 0, 1)).all()


def test_gray_png_is_decoded_as_stored_and_spread_over_three_channels(tmp_path: Path) -> None:
    path = saved(tmp_path, Image.fromarray(GRAY))
    assert (decode(path, 1) == GRAY[None]).all()
    assert (decode(path, 3) == np.stack([GRAY] * 3)).all()


def test_color_becomes_gray_by_its_luma(tmp_path: Path) -> None:
    pixels = decode(saved(tmp_path, Image.fromarray(RGB)), 1)
    assert np.abs(pixels[0] - RGB @ [0.299, 0.587, 0.114]).max() <= 1


def test_palette_image_gives_its_colors(tmp_path: Path) -> None:
    palette = Image.fromarray(RGB).quantize(16)
    assert (decode(saved(tmp_path, palette), 3) == np.asarray(palette.convert("RGB")).transpose(2, 0, 1)).all()


def test_black_and_white_image_uses_the_whole_range(tmp_path: Path) -> None:
    pixels = decode(saved(tmp_path, Image.fromarray(GRAY > 127)), 1)
    assert (pixels[0] == np.where(GRAY > 127, 255, 0)).all()


def test_transparent_pixels_are_laid_on_white(tmp_path: Path) -> None:
    layered = np.dstack([RGB, np.full(GRAY.shape, 255, np.uint8)])
    layered[:6, :, 3] = 0
    pixels = decode(saved(tmp_path, Image.fromarray(layered)), 3)
    assert (pixels[:, :6] == 255).all() and (pixels[:, 6:] == RGB[6:].transpose(2, 0, 1)).all()


def test_sixteen_bit_gray_is_scaled_to_eight_bits(tmp_path: Path) -> None:
    assert (decode(saved(tmp_path, Image.fromarray(GRAY.astype(np.uint16) * 257)), 1) == GRAY[None]).all()


def test_cmyk_jpeg_becomes_rgb(tmp_path: Path) -> None:
    path = saved(tmp_path, Image.new("RGB", (8, 8), (200, 30, 30)).convert("CMYK"), "image.jpg", quality=95)
    assert np.abs(decode(path, 3).mean(axis=(1, 2)) - [200, 30, 30]).max() < 8


@pytest.mark.parametrize(("orientation", "turn"), [(1, 0), (3, 2), (6, 3), (8, 1)])
def test_exif_rotation_is_applied(tmp_path: Path, orientation: int, turn: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = saved(tmp_path, Image.fromarray(RGB), exif=exif)
    assert (decode(path, 3) == np.rot90(RGB, turn).transpose(2, 0, 1)).all()


def test_floating_point_image_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path, Image.fromarray(GRAY.astype(np.float32)), "image.tiff")
    with pytest.raises(BadImage, match="floating-point pixels of unknown range"):
        decode(path, 1)


def test_truncated_image_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path, Image.fromarray(RGB))
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(BadImage, match="is damaged"):
        decode(path, 3)


def test_text_and_nothing_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_text("no image")
    (tmp_path / "b.png").write_bytes(b"")
    with pytest.raises(BadImage, match="is not a readable image"):
        decode(tmp_path / "a.png", 3)
    with pytest.raises(BadImage, match="is empty"):
        decode(tmp_path / "b.png", 3)


def test_image_made_to_explode_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0))
    data = chunk(b"IDAT", zlib.compress(bytes(1000)))
    (tmp_path / "bomb.png").write_bytes(b"\x89PNG\r\n\x1a\n" + header + data + chunk(b"IEND", b""))
    with pytest.raises(BadImage, match="more than 67,108,864 pixels"):
        decode(tmp_path / "bomb.png", 3)


def test_model_of_five_channels_takes_no_image_file(tmp_path: Path) -> None:
    with pytest.raises(BadImage, match="5 channels"):
        decode(saved(tmp_path, Image.fromarray(RGB)), 5)


def png_header(width: int, height: int) -> bytes:
    """A PNG file that says it is as large as that, and holds next to nothing."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(100))) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    ("width", "height", "message"),
    [
        (8193, 8192, "has more than 67,108,864 pixels, the limit: 8,192 x 8,193"),
        (30_000, 30_000, "has more than 67,108,864 pixels"),
        (2**31 - 1, 2**31 - 1, "has more than 67,108,864 pixels"),
        (16_385, 1, "has a side of more than 16,384 pixels"),
    ],
)
def test_huge_images_are_refused_before_they_are_decoded(width: int, height: int, message: str) -> None:
    with pytest.raises(BadImage, match=message):
        decode_bytes(png_header(width, height), 3)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\0\0\0\x18ftypheic\0\0\0\0", "it is a HEIC photo; convert it"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "it is a PostScript document"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "it is an SVG drawing"),
        (b"\x1b[2Jowned", "it begins with 1b 5b 32 4a"),
        (b"GIF89a", "is"),
    ],
)
def test_other_kinds_are_named_and_never_given_to_other_programs(content: bytes, message: str) -> None:
    with pytest.raises(BadImage, match=message):
        decode_bytes(content, 3)


@pytest.mark.parametrize("kind", ["png", "jpeg", "gif", "bmp", "webp", "tiff", "ppm"])
def test_a_file_with_any_byte_changed_is_an_image_or_a_bad_one(kind: str) -> None:
    """Pillow's decoders raise many kinds of errors; only BadImage comes out."""
    buffer = BytesIO()
    Image.fromarray(RGB).save(buffer, kind)
    content, random = buffer.getvalue(), np.random.default_rng(0)
    for _ in range(150):
        changed = bytearray(content[: random.integers(len(content) // 2, len(content) + 1)])
        for place in random.integers(0, min(len(changed), 100), 2):
            changed[place] = random.integers(0, 256)
        try:
            found = str(decode_bytes(bytes(changed), 3).dtype)
        except BadImage as error:
            found = str(error)
        assert found == "uint8" or found.startswith(("is ", "has "))
