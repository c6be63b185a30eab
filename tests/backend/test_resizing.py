"""Resizing: what Pillow and PyTorch give, for photographs of all shapes, and the geometry of torchvision."""

from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from onnx import TensorProto, checker
from torch.nn.functional import interpolate

from specc.backend import resizing as resizing_module
from specc.backend.images import decode
from specc.backend.onnx import resizing
from specc.backend.onnx.builder import Builder
from specc.backend.onnx.session import open_session, run
from specc.backend.resizing import resize, resize_weights
from specc.tricks.resize import Axis, Resize
from specc.values import Size
from tests.helpers.photographs import WINDOW, pillow_pixels, write_photographs

SIZES = [((32, 32), (64, 64)), ((32, 32), (24, 24)), ((100, 75), (32, 32)), ((60, 60), (32, 100)), ((7, 5), (1, 1))]
FITS = ("stretch", "cover", "contain")
KERNELS = ("bilinear", "bicubic", "nearest")


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return write_photographs(tmp_path_factory.mktemp("photographs"))


def how_of(fit: str, by: str, size: tuple[int, int] = (48, 40)) -> Resize:
    return Resize(Size(*size), fit, by, 93 if fit == "contain" else 0)  # type: ignore[arg-type]


@pytest.mark.parametrize("by", ["bilinear", "bicubic"])
@pytest.mark.parametrize(("old", "new"), SIZES)
def test_resize_is_the_antialiased_one_of_pytorch(old: tuple[int, int], new: tuple[int, int], by: str) -> None:
    pixels = np.random.default_rng(1).integers(60, 196, (3, *old), dtype=np.uint8)  # no cubic overshoots
    exact = interpolate(torch.from_numpy(pixels)[None].double(), size=new, mode=by, antialias=True)[0].numpy()
    resized = resize(pixels, how_of("stretch", by, new))
    assert resized.dtype == np.uint8 and resized.shape == (3, *new)
    assert np.abs(resized - exact).max() <= 0.502


def _tap_by_tap(pixels: NDArray[np.uint8], weights: NDArray[np.float32], axis: int) -> NDArray[np.float32]:
    """Each new pixel as the sum of the old ones, added up in their order, in float32."""
    old = np.moveaxis(pixels, axis, -1)
    result = np.zeros((*old.shape[:-1], len(weights)), dtype=np.float32)
    for number in range(old.shape[-1]):
        result += weights[:, number] * old[..., number, None]
    return np.moveaxis(result, -1, axis)


@pytest.mark.parametrize("block", [1 << 22, 3000, 1])
@pytest.mark.parametrize("by", ["bilinear", "bicubic"])
@pytest.mark.parametrize("shape", [(3, 60, 41), (2, 3, 20, 30), (1, 9, 7), (1, 1, 5)])
def test_the_order_of_additions_depends_on_nothing(
    monkeypatch: pytest.MonkeyPatch, shape: tuple[int, ...], by: str, block: int
) -> None:
    """However images lie in memory, and whatever is worked on at once: the same bits."""
    monkeypatch.setattr(resizing_module, "BLOCK", block)
    pixels = np.random.default_rng(2).integers(0, 256, shape, dtype=np.uint8)
    rows, columns = (
        resize_weights(Axis(old, new, 0, new), by)  # type: ignore[arg-type]
        for old, new in zip(shape[-2:], (24, 17), strict=True)
    )
    if by == "bilinear":
        both = _tap_by_tap(_tap_by_tap(pixels, rows, -2), columns, -1)  # type: ignore[arg-type]
    else:
        both = _tap_by_tap(_tap_by_tap(pixels, columns, -1).clip(0, 255), rows, -2)
    levels = np.floor(both + np.float32(0.5 + resizing_module.TIE)).clip(0, 255).astype(np.uint8)
    turned = np.ascontiguousarray(np.moveaxis(pixels, -3, -1))
    for given in (pixels, np.moveaxis(turned, -1, -3)):
        resized = resize(given, how_of("stretch", by, (24, 17)))
        assert (resized == levels).all() and resized.flags.c_contiguous


@pytest.mark.parametrize("by", ["bilinear", "bicubic"])
def test_scipy_without_its_inner_function_gives_the_same(monkeypatch: pytest.MonkeyPatch, by: str) -> None:
    pixels = np.random.default_rng(3).integers(0, 256, (3, 90, 70), dtype=np.uint8)
    how = how_of("cover", by)
    expected = resize(pixels, how)
    monkeypatch.setattr(resizing_module, "_sparse_product", lambda: resizing_module._public_product)
    assert (resize(pixels, how) == expected).all()


@pytest.mark.parametrize(("fit", "by"), list(product(FITS, KERNELS)))
def test_resize_to_the_same_size_changes_nothing(fit: str, by: str) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (3, 12, 9), dtype=np.uint8)
    assert (resize(pixels, how_of(fit, by, (12, 9))) == pixels).all()
    if by != "nearest":
        assert (resize_weights(Axis(8, 8, 0, 8), by) == np.eye(8)).all()  # type: ignore[arg-type]


@pytest.mark.parametrize(("size", "channels"), [((48, 40), 3), ((48, 40), 1), ((230, 221), 3)])
@pytest.mark.parametrize(("fit", "by"), list(product(FITS, KERNELS)))
def test_photographs_are_resized_as_pillow_does(
    photographs: list[Path], fit: str, by: str, channels: int, size: tuple[int, int]
) -> None:
    """Within one level: Pillow rounds after the first direction. Transparency, too, may be rounded either way."""
    how = how_of(fit, by, size)
    for path in photographs:
        given = resize(decode(path, channels, WINDOW), how)
        apart = np.abs(given - pillow_pixels(path, channels, fit, size, by, how.fill))
        allowed = 0 if by == "nearest" else 1
        assert apart.max() <= allowed + (path.stem == "fade"), path.name
        assert apart.mean() < 0.3, path.name


@pytest.mark.parametrize("view", [None, Size(31, 24)], ids=["whole", "view"])
@pytest.mark.parametrize(("fit", "by"), list(product(FITS, KERNELS)))
def test_the_graph_resizes_photographs_as_the_data_are(
    photographs: list[Path], fit: str, by: str, view: Size | None
) -> None:
    """Of any height and width; within one level where a sum falls on x.5."""
    how = how_of(fit, by)
    ask = session_of(how, view)
    for path in photographs:
        pixels = decode(path, 3, WINDOW)[None]
        expected = resize(pixels, how)
        if view:
            expected = expected[:, :, 8:39, 8:32]  # (48 - 31) / 2 = 8.5, which is rounded to even
        apart = np.abs(ask(pixels) - expected)
        assert apart.max() <= 1 and apart.mean() < 1e-3, path.name


def session_of(how: Resize, view: Size | None = None, opset: int = 18):
    """What a graph that only resizes gives for uint8 N x 3 x H x W."""
    g = Builder(opset)
    images = g.input("images", TensorProto.UINT8, ["N", 3, "height", "width"])
    g.scope = "preprocess"
    real = g.node("Cast", [images], to=TensorProto.FLOAT)
    g.output(resizing.resize(g, images, real, how, view), ["N", 3, *(view or how.size)])
    model = g.model("Resize")
    checker.check_model(model, full_check=True)
    session = open_session(model.SerializeToString())

    def ask(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        return run(session, pixels)

    return ask


@pytest.mark.parametrize("opset", [18, 22])
@pytest.mark.parametrize("old", [(32, 32), (24, 24), (64, 48), (8, 8), (333, 500), (1, 1), (7, 90), (1, 300), (300, 1)])
def test_noise_of_any_size_is_resized_alike_by_every_opset(opset: int, old: tuple[int, int]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (2, 3, *old), dtype=np.uint8)
    for fit, by in product(FITS, KERNELS):
        how = how_of(fit, by, (24, 32))
        apart = np.abs(session_of(how, opset=opset)(pixels) - resize(pixels, how))
        assert apart.max() <= 1 and apart.mean() < 1e-4, (fit, by)


@pytest.mark.parametrize(
    ("fit", "size", "old", "scaled", "start"),
    [
        ("cover", (256, 256), (480, 640), (256, 341), (0, 42)),  # 42.5, to even
        ("cover", (256, 256), (640, 427), (383, 256), (64, 0)),  # 383.7 is truncated; 63.5, to even
        ("cover", (224, 224), (100, 101), (224, 226), (0, 1)),
        ("cover", (60, 100), (480, 640), (75, 100), (8, 0)),  # 7.5, to even
        ("cover", (60, 100), (100, 640), (60, 384), (0, 142)),
        ("contain", (224, 224), (480, 640), (168, 224), (-28, 0)),
        ("contain", (224, 224), (640, 427), (224, 149), (0, -38)),  # 149.45 is truncated; 37.5, to even
        ("contain", (64, 64), (1, 1000), (1, 64), (-32, 0)),  # never less than a pixel; 31.5, to even
        ("stretch", (64, 48), (1000, 7), (64, 48), (0, 0)),
    ],
)
def test_the_geometry_is_torchvision_s(
    fit: str, size: tuple[int, int], old: tuple[int, int], scaled: tuple[int, int], start: tuple[int, int]
) -> None:
    """Worked out by hand: int(size * long / short), and int(round((scaled - size) / 2.0))."""
    how = how_of(fit, "bilinear", size)
    assert how.scaled(Size(*old)) == scaled
    assert tuple(axis.start for axis in how.axes(Size(*old))) == start


def test_a_mask_keeps_its_classes_and_stays_on_its_image() -> None:
    """The same geometry with `nearest` and a class for what is outside."""
    image = np.zeros((1, 60, 40), np.uint8)
    image[:, 20:40, 10:30] = 200
    mask = (image[0] > 0).astype(np.uint8) * 7
    for fit in FITS:
        how = how_of(fit, "bilinear", (30, 30))
        seen, labels = resize(image, how)[0], resize(mask, how._replace(by="nearest", fill=255))
        assert set(np.unique(labels)) <= {0, 7, 255}
        assert ((seen > 100) == (labels == 7)).mean() > 0.97
        assert ((labels == 255) == (seen == how.fill)).all() or fit != "contain"
