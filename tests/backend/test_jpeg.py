"""simplejpeg, where it is installed, gives Pillow's pixels and Pillow's refusals, whatever the file."""

import random
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from PIL import Image

from specc.backend import images
from specc.backend.images import BadImage, decode_bytes

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
    exif[images.ORIENTATION] = orientation
    return exif


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
}


@pytest.mark.parametrize("name", FILES)
def test_pixels_are_pillows(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    for channels in (3, 1):
        quick, slow = (outcome(monkeypatch, FILES[name], channels, quick=quick) for quick in (True, False))
        assert isinstance(quick, bytes) and quick == slow


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
