"""MNIST and Fashion-MNIST: IDX files, gzip or not; a damaged one is named, with what is wrong."""

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

from tests.helpers.tiny_data import idx, images_of, levels, read, refused, unprivileged, write_mnist

IMAGES, LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize(
    ("source", "folder", "first"), [("mnist", "mnist", "0"), ("fashion_mnist", "fashion-mnist", "T-shirt/top")]
)
def test_reads_what_the_files_hold(tmp_path: Path, packed: bool, source: str, folder: str, first: str) -> None:
    write_mnist(tmp_path, folder, packed)
    data = read(source, data_dir=tmp_path)
    assert data.shape == (1, 28, 28) and len(data.classes) == 10 and data.classes[0] == first
    assert (images_of(data.train).numpy()[:, 0] == levels(30, 28, 28)).all()
    assert (images_of(data.validation).numpy()[:, 0] == levels(10, 28, 28)).all()
    assert data.train.labels.tolist() == [n % 10 for n in range(30)]
    assert data.validated_on == "the test part, 10 images"


def test_gzip_is_told_by_its_content_not_its_name(tmp_path: Path) -> None:
    folder = write_mnist(tmp_path, packed=True)
    packed = folder / f"{IMAGES}.gz"
    packed.write_bytes(gzip.decompress(packed.read_bytes()))
    assert len(read("fashion_mnist", data_dir=tmp_path).train) == 30


def spoil(folder: Path, name: str, content: bytes) -> Path:
    path = folder / f"{name}.gz"
    path.write_bytes(content)
    return path


def good(folder: Path, name: str = IMAGES) -> bytes:
    return gzip.decompress((folder / f"{name}.gz").read_bytes())


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (IMAGES, lambda c: c[:-1], "is truncated: its header promises 23,520 bytes, 23,519 are there"),
        (IMAGES, lambda c: gzip.compress(c)[:-20], "is truncated"),
        (IMAGES, lambda c: gzip.compress(c)[:30], r"is only \d+ bytes long: too short for an IDX header"),
        (IMAGES, lambda c: c[:7], "is only 7 bytes long"),
        (IMAGES, lambda c: b"", "is only 0 bytes long"),
        (IMAGES, lambda c: c + b"x", "continues after the 23,520 bytes"),
        (IMAGES, lambda c: gzip.compress(c + bytes(10_000)), "continues after the 23,520 bytes"),
        (IMAGES, lambda c: b"<html>not found</html>", "is not an IDX file of images: it is an HTML page"),
        (IMAGES, lambda c: b"\x1f\x8bgarbage", "is damaged gzip"),
        (IMAGES, lambda c: gzip.compress(c)[:-8] + bytes(8), "is damaged gzip: .*incorrect data check"),
        (IMAGES, lambda c: gzip.compress(c) + gzip.compress(b"x"), "is damaged gzip: there is more after its end"),
        (IMAGES, lambda c: b"\x1f\x8b\x08\x08" + bytes(6) + b"n" * 1_000_000, "bytes long: too short|is damaged gzip"),
        (IMAGES, lambda c: idx(levels(30, 27, 28)), "holds images of 27 x 28; they should be 28 x 28"),
        (IMAGES, lambda c: idx(levels(30)), "is not an IDX file of images"),
        (IMAGES, lambda c: struct.pack(">4I", 0x803, 2**32 - 1, 28, 28), "says that it holds 4,294,967,295 items"),
        (IMAGES, lambda c: struct.pack(">4I", 0x803, 0, 28, 28), "says that it holds 0 items"),
        (LABELS, lambda c: idx(np.full(30, 10, np.uint8)), "has labels above 9; the first is number 0, which is 10"),
        (LABELS, lambda c: idx(np.zeros(29, np.uint8)), "holds 29 labels, but .* holds 30 images"),
        (LABELS, lambda c: idx(levels(30, 28, 28)), "is not an IDX file of labels"),
    ],
)  # fmt: skip
def test_a_damaged_file_is_named(tmp_path: Path, name: str, content: object, message: str) -> None:
    folder = write_mnist(tmp_path)
    path = spoil(folder, name, content(good(folder, name)))  # type: ignore[operator]
    found = refused("E402", "fashion_mnist", data_dir=tmp_path)
    assert str(path) in found
    assert pytest.raises(AssertionError, match=message).matches(AssertionError(found)), found


def test_a_gzip_bomb_is_read_no_further_than_its_header_promises(tmp_path: Path) -> None:
    folder = write_mnist(tmp_path)
    spoil(folder, IMAGES, gzip.compress(good(folder) + bytes(1 << 28)))  # a quarter of a gigabyte, 260 kB packed
    assert "continues after the 23,520 bytes" in refused("E402", "fashion_mnist", data_dir=tmp_path)


def test_a_file_that_may_not_be_read_is_named(tmp_path: Path) -> None:
    write_mnist(tmp_path)
    read("fashion_mnist", data_dir=tmp_path)  # everything is imported
    with unprivileged() as place:
        folder = write_mnist(place)
        (folder / f"{IMAGES}.gz").chmod(0)
        found = refused("E410", "fashion_mnist", data_dir=place)
        assert f"{folder / IMAGES}.gz cannot be read: Permission denied" in found
