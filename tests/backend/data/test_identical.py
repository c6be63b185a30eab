"""Identical pictures: on one side of a split, and named, whatever kind of source they come from."""

import io
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from specc.backend.data.dataset import DataSet
from tests.helpers.tiny_data import levels, read, refused, write_shard

PIXELS = levels(8, 6, 5, 3)


def as_folder(path: Path, images: list[tuple[int, int]]) -> str:
    """images: for each a picture's number and its label."""
    for number, (picture, label) in enumerate(images):
        (path / "data" / f"c{label}").mkdir(parents=True, exist_ok=True)
        kind = ("png", "bmp")[number % 2]  # other files, the same pixels
        Image.fromarray(PIXELS[picture]).save(path / "data" / f"c{label}" / f"{number:02}.{kind}")
    return f'folder("{path}/data")'


def as_npz(path: Path, images: list[tuple[int, int]]) -> str:
    pictures, labels = zip(*images, strict=True)
    np.savez(path / "a.npz", images=PIXELS[list(pictures)], labels=np.array(labels), classes=["c0", "c1"])
    return f'npz("{path}/a.npz")'


def as_shard(path: Path, images: list[tuple[int, int]]) -> str:
    members: dict[str, bytes] = {}
    for number, (picture, label) in enumerate(images):
        buffer = io.BytesIO()
        Image.fromarray(PIXELS[picture]).save(buffer, ("png", "bmp")[number % 2])
        members |= {f"{number}.{('png', 'bmp')[number % 2]}": buffer.getvalue(), f"{number}.cls": f"c{label}".encode()}
    write_shard(path / "a.tar", members)
    return f'webdataset("{path}/a.tar")'


Writer = Callable[[Path, list[tuple[int, int]]], str]
SOURCES = pytest.mark.parametrize("write", [as_folder, as_npz, as_shard])
ROOMS = pytest.mark.parametrize("memory", [None, 0])


def pictures(data: DataSet) -> list[set[bytes]]:
    import torch

    return [
        {image.numpy().tobytes() for image in part.gather(torch.arange(len(part)), torch.device("cpu"))}
        for part in (data.train, data.validation)
    ]


@SOURCES
@ROOMS
@pytest.mark.parametrize("seed", range(3))
def test_every_picture_twice(tmp_path: Path, write: Writer, memory: int | None, seed: int) -> None:
    source = write(tmp_path, [(picture, picture % 2) for picture in range(8)] * 2)
    data = read(source, f"validation = split(30%); seed = {seed}", base=tmp_path, memory=memory)
    train, validation = pictures(data)
    assert not train & validation and len(validation) == 2 and len(data.validation) == 4
    (note,) = (note for note in data.notes if "copies" in note)
    assert note.startswith("8 of 16 images are copies of others, pixel by pixel: ") and "and 5 more" in note


@SOURCES
@ROOMS
def test_contradictory_labels_are_named(tmp_path: Path, write: Writer, memory: int | None) -> None:
    source = write(tmp_path, [*((picture, picture % 2) for picture in range(8)), (2, 1)])
    data = read(source, "validation = split(50%)", base=tmp_path, memory=memory)
    train, validation = pictures(data)
    assert not train & validation
    (note,) = (note for note in data.notes if "contradictory" in note)
    assert note.startswith("1 picture has contradictory labels: ") and "(c0) = " in note and "(c1)" in note


@ROOMS
def test_pictures_of_two_published_parts_are_named_and_stay(tmp_path: Path, memory: int | None) -> None:
    for part, first in (("train", 0), ("val", 4)):
        for number in range(4):
            folder = tmp_path / "data" / part / f"c{number % 2}"
            folder.mkdir(parents=True, exist_ok=True)
            Image.fromarray(PIXELS[first + number]).save(folder / f"{number}.png")
    source = f'folder("{tmp_path}/data")'
    assert not read(source, base=tmp_path, memory=memory).notes
    Image.fromarray(PIXELS[0]).save(tmp_path / "data" / "val" / "c0" / "0.bmp")
    data = read(source, base=tmp_path, memory=memory)
    assert "1 of 5 validation images are training images, too: train/c0/0.png = val/c0/0.bmp" in data.notes
    assert (len(data.train), len(data.validation)) == (4, 5)
    shutil.copy(tmp_path / "data" / "train" / "c1" / "1.png", tmp_path / "data" / "val" / "c0" / "9.png")
    notes = read(source, base=tmp_path, memory=memory).notes
    assert "1 picture has contradictory labels: train/c1/1.png (c1) = val/c0/9.png (c0)" in notes


def test_nothing_but_copies_cannot_be_split(tmp_path: Path) -> None:
    source = as_npz(tmp_path, [(0, 0), (0, 0), (1, 1), (1, 1)])
    assert "no class has two different ones" in refused("E409", source, "validation = split(50%)")
