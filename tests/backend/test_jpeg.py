"""simplejpeg, where it is installed, gives Pillow's pixels and Pillow's refusals, whatever the file."""

import random
import struct
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from PIL import Image

from specc.backend import images
from specc.backend.images import BadImage, decode_bytes
from specc.backend.jpeg import ORIENTATION, photograph_size

pytest.importorskip("simplejpeg")


def photograph(height: int, width: int) -> Image.Image:
    """Smooth, with some noise."""
    draw = np.random.default_rng(height * width)
    rows, columns = np.mgrid[:height, :width]
    waves = [np.sin(rows / (3 + band)) * np.cos(columns / (5 - band)) for band in range(3)]
    levels = 127 + 90 * np.stack(waves, -1) + draw.normal(0, 12, (height, width, 3))
    return Image.fromarray(levels.clip(0, 255).astype(np.uint8))


def encoded(image: Image.Image, **options: Any) -> bytes:
    buffer = BytesIO()
    image.save(buffer, "jpeg", **options)
    return buffer.getvalue()


def outcome(monkeypatch: pytest.MonkeyPatch, content: bytes, channels: int, *, quick: bool) -> bytes | str:
    with monkeypatch.context() as patch:
        if not quick:
            patch.setattr(images, "simplejpeg", None)
        try:
            pixels = decode_bytes(content, channels)
        except BadImage as error:
            return str(error)
        return repr(pixels.shape).encode() + pixels.tobytes()


def _exif(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x010F], exif[0x011A], exif[0x0128] = "A maker of cameras", 72.0, 2
    exif[ORIENTATION] = orientation
    return exif


def _with(marker: int, body: bytes) -> bytes:
    """A photograph with one more segment at its beginning."""
    content = encoded(photograph(20, 30), exif=_exif(1))
    return content[:2] + struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body + content[2:]


FILES = {
    **{
        f"{height}x{width} quality {quality} subsampling {subsampling}{' progressive' if progressive else ''}": encoded(
            photograph(height, width), quality=quality, subsampling=subsampling, progressive=progressive
        )
        for height, width in ((64, 48), (17, 33), (1, 1), (8, 1))
        for quality in (30, 95)
        for subsampling in (0, 1, 2)
        for progressive in (False, True)
    },
    "gray": encoded(photograph(20, 30).convert("L")),
    "CMYK": encoded(photograph(20, 30).convert("CMYK")),
    "RGB inside": encoded(photograph(20, 30), keep_rgb=True),
    "restarts": encoded(photograph(40, 30), restart_marker_blocks=2),
    **{f"turned {number}": encoded(photograph(20, 30), exif=_exif(number)) for number in range(10)},
    "turned by XMP": _with(0xE1, b'http://ns.adobe.com/xap/1.0/\0<x tiff:Orientation="6"/>'),
    "color profile": encoded(photograph(20, 30), icc_profile=bytes(300)),
    "comment": encoded(photograph(20, 30), comment=b"hello"),
    "Photoshop": _with(0xED, b"Photoshop 3.0\x008BIM\x03\xed\0\0\0\0\0\x10" + bytes(16)),
    "Adobe": _with(0xEE, b"Adobe\0d\0\0\0\0\1"),
    "Adobe RGB": _with(0xEE, b"Adobe\0d\0\0\0\0\0"),
}


@pytest.mark.parametrize("name", FILES)
def test_pixels_are_pillows(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    for channels in (3, 1):
        quick, slow = (outcome(monkeypatch, FILES[name], channels, quick=quick) for quick in (True, False))
        assert isinstance(quick, bytes) and quick == slow


ORDINARY = ["64x48 quality 95 subsampling 2", "turned 1", "color profile", "comment", "restarts"]


@pytest.mark.parametrize("name", ORDINARY)
def test_what_cameras_write_is_not_read_by_pillow(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    def refuse(*given: Any, **more: Any) -> None:
        raise AssertionError(given)

    monkeypatch.setattr(Image, "open", refuse)
    decode_bytes(FILES[name], 3)


@pytest.mark.filterwarnings("ignore")  # as specc does: Pillow warns of odd metadata
def test_odd_headers_end_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is recognized without Pillow is what Pillow reads, too, upright."""
    draw = random.Random(1)  # noqa: S311 - no secret
    recognized = 0
    for number in range(1500):
        changed = bytearray(FILES[draw.choice(ORDINARY)])
        header = changed.rfind(b"\xff\xda") + 14
        for _ in range(draw.randrange(1, 4)):
            place = draw.randrange(header)
            changed[place] = draw.choice([0, 1, 2, 255, draw.randrange(256), changed[place] ^ 1 << draw.randrange(8)])
        if photograph_size(bytes(changed)) is not None:
            recognized += 1
            quick, slow = (outcome(monkeypatch, bytes(changed), 3, quick=quick) for quick in (True, False))
            assert quick == slow, number
    assert recognized > 100


def test_damaged_files_end_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    content = FILES["64x48 quality 95 subsampling 2"]
    draw = random.Random(0)  # noqa: S311 - no secret
    damaged = [content[: draw.randrange(len(content))] for _ in range(60)]
    for _ in range(240):
        changed = bytearray(content)
        for _ in range(draw.randrange(1, 4)):
            changed[draw.randrange(len(changed))] = draw.randrange(256)
        damaged.append(bytes(changed))
    for number, given in enumerate(damaged):
        quick, slow = (outcome(monkeypatch, given, 3, quick=quick) for quick in (True, False))
        assert quick == slow, number
