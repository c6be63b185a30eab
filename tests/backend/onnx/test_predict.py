"""Image files of every kind give the same classes through PyTorch and through the exported file, or a clear refusal."""

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tiny_run import trained, write_pictures

from specc.backend.onnx.export import export_run
from specc.backend.predict import Classifier, from_file, from_run, predict
from specc.errors import SpeccError

DRAW = np.random.default_rng(7)
RGB = DRAW.integers(0, 256, (24, 18, 3), dtype=np.uint8)
GREY = RGB[..., 0]
DEEP = DRAW.integers(0, 1 << 16, (16, 16), dtype=np.uint16)


def png(path: Path, pixels: np.ndarray, colour: int) -> None:
    """A PNG of 16 bits a channel, which Pillow cannot write in colour."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    height, width = pixels.shape[:2]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, colour, 0, 0, 0))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def turned(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("pictures")
    half = np.dstack([RGB, np.where(GREY > 127, 255, 60).astype(np.uint8)])
    images = {
        "rgb.png": Image.fromarray(RGB),
        "rgb.jpg": Image.fromarray(RGB),
        "grey.png": Image.fromarray(GREY),
        "grey.jpg": Image.fromarray(GREY),
        "two_levels.png": Image.fromarray(GREY > 99),
        "palette.png": Image.fromarray(RGB).quantize(16),
        "see_through_palette.gif": Image.fromarray(half).quantize(16),
        "rgba.png": Image.fromarray(half),
        "grey_alpha.png": Image.fromarray(half).convert("LA"),
        "cmyk.jpg": Image.fromarray(RGB).convert("CMYK"),
        "deep_grey.png": Image.fromarray(DEEP),
        "deep_grey.tif": Image.fromarray(DEEP),
    }
    for name, image in images.items():
        image.save(folder / name)
    for orientation in range(2, 9):
        Image.fromarray(RGB).save(folder / f"turned{orientation}.jpg", exif=turned(orientation))
    png(folder / "deep_rgb.png", np.dstack([DEEP, DEEP.T, DEEP[::-1]]), 2)
    png(folder / "deep_rgba.png", np.dstack([DEEP, DEEP.T, DEEP[::-1], DEEP]), 6)
    return sorted(folder.iterdir())


def grey_run(folder: Path) -> Path:
    """A run on grey images of 16 x 16."""
    write_pictures(folder)
    with np.load(folder / "pictures.npz") as arrays:
        values = {name: value[:, :1] if name.startswith("x_") else value for name, value in arrays.items()}
    np.savez(folder / "pictures.npz", **values)
    return trained(folder, network_input="input(1, 16x16)")


def resizing_run(folder: Path) -> Path:
    write_pictures(folder, (21, 34))
    return trained(folder, data="resize = 16x16")


RUNS = {"colour": (trained, 1e-5), "grey": (grey_run, 1e-5), "resizing": (resizing_run, 1e-3)}


@pytest.fixture(scope="module", params=RUNS)
def both(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Classifier, Classifier, float]:
    """The same model in PyTorch and as a file, and how far their probabilities may be apart."""
    torch.set_num_threads(1)
    make, allowed = RUNS[request.param]
    run = make(tmp_path_factory.mktemp(request.param))
    (exported,) = export_run(run, device="cpu")
    return from_run(run), from_file(exported.path), allowed


def test_every_kind_of_image_gives_the_same_classes(
    both: tuple[Classifier, Classifier, float], pictures: list[Path]
) -> None:
    ours, theirs, allowed = both
    assert len(pictures) == 21
    for picture in pictures:
        one, other = (predict(classifier, picture, top=3) for classifier in (ours, theirs))
        assert one.resized == other.resized
        found, expected = dict(other.classes), dict(one.classes)
        assert all(abs(found[name] - expected[name]) <= allowed for name in expected), picture.name
        (first, most), (_, next_) = one.classes[:2]
        assert other.classes[0][0] == first or most - next_ <= 2 * allowed, picture.name


@pytest.mark.parametrize("turn", range(2, 9))
def test_a_turned_photograph_is_the_upright_one(
    both: tuple[Classifier, Classifier, float], tmp_path: Path, turn: int
) -> None:
    """Each orientation of EXIF undone by hand, without loss."""
    undo = {2: "FLIP_LEFT_RIGHT", 3: "ROTATE_180", 4: "FLIP_TOP_BOTTOM", 5: "TRANSPOSE", 6: "ROTATE_270",
            7: "TRANSVERSE", 8: "ROTATE_90"}  # fmt: skip
    image = Image.fromarray(RGB)
    image.save(tmp_path / "turned.png", exif=turned(turn))
    image.transpose(Image.Transpose[undo[turn]]).save(tmp_path / "upright.png")
    for classifier in both[:2]:
        one, other = (predict(classifier, tmp_path / name, 3).classes for name in ("turned.png", "upright.png"))
        assert one == other


REFUSED = {
    "float.tif": (Image.fromarray(GREY.astype(np.float32)), "floating-point pixels of unknown range"),
    "integers.tif": (Image.fromarray(GREY.astype(np.int32)), "32-bit integer pixels of unknown range"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_pixels_of_unknown_range_are_refused(
    both: tuple[Classifier, Classifier, float], tmp_path: Path, name: str
) -> None:
    image, reason = REFUSED[name]
    image.save(tmp_path / name)
    for classifier in both[:2]:
        with pytest.raises(SpeccError, match=reason) as caught:
            predict(classifier, tmp_path / name, 1)
        assert (caught.value.code, caught.value.status) == ("E461", 1)
