"""`masks`: images and masks of the same names, their parts, and every mask that cannot be used."""

import io
import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from specc.backend.data.raw import Files, Part, Unlabeled
from specc.errors import SpeccError
from tests.helpers.tiny_data import picture, raw_of, read, refused_raw

BOTH = 'masks("i", "m", classes=[ground, cat])'
BARE = 'masks("i", "m")'
IMAGE = picture()
SIZE = (6, 5)


def mask(*numbers: int, size: tuple[int, int] = SIZE) -> bytes:
    """A mask that holds these numbers, and 0."""
    pixels = np.zeros(size, np.uint8)
    pixels.reshape(-1)[: len(numbers)] = numbers
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "png")
    return buffer.getvalue()


TRAINED = {"i/train/a.png": IMAGE, "m/train/a.png": mask(1)}


def write(folder: Path, files: Mapping[str, bytes]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def names(part: object) -> tuple[list[str], list[str]]:
    assert isinstance(part, Part) and isinstance(part.images, Files) and isinstance(part.labels, Files)
    return part.images.names, part.labels.names


def test_pairs_have_one_name_whatever_its_ending(tmp_path: Path) -> None:
    files = {"i/b.jpg": picture(kind="jpeg"), "i/a.png": IMAGE, "i/x/a.png": IMAGE, "i/Thumbs.db": b""}
    files |= {"m/a.png": mask(0, 1, 255), "m/b.png": mask(1), "m/x/a.PNG": mask(0), "m/notes.txt": b"hi"}
    found = raw_of(BOTH, write(tmp_path, files))
    assert names(found.train) == (["a.png", "b.jpg", "x/a.png"], ["a.png", "b.png", "x/a.PNG"])
    assert (found.task.name, found.classes, found.ignore) == ("segmentation", ("ground", "cat"), 255)
    assert found.notes == ("not used, since no images: notes.txt in m",)
    assert isinstance(found.train.labels, Files) and found.train.labels.root == tmp_path / "m"


def test_classes_without_names_are_numbers(tmp_path: Path) -> None:
    found = raw_of(BARE, write(tmp_path, {"i/a.png": IMAGE, "m/a.png": mask(2, 5, 255)}))
    assert found.classes == ("0", "1", "2", "3", "4", "5")
    assert found.notes == ("no pixel to train on in 1, 3, 4",)
    message = refused_raw("E416", 'masks("i", "m", ignore=none)', tmp_path)
    assert "holds 255, and no number is left for pixels that do not count" in message


def test_parts_in_any_dress(tmp_path: Path) -> None:
    files: dict[str, bytes] = {}
    for images, masks, name in (("Training", "train", "a"), ("val", "VAL", "b"), ("test_set", "test", "c")):
        files |= {f"i/{images}/x/{name}.png": IMAGE, f"m/{masks}/x/{name}.png": mask(1)}
    found = raw_of(BOTH, write(tmp_path, files))
    assert names(found.train) == (["Training/x/a.png"], ["train/x/a.png"])
    assert names(found.validation) == (["val/x/b.png"], ["VAL/x/b.png"])
    assert names(found.test) == (["test_set/x/c.png"], ["test/x/c.png"])
    assert found.names == {"train": "Training", "validation": "val", "test": "test_set"} and found.notes == ()


def test_a_folder_that_is_called_like_a_part_may_be_one_of_many(tmp_path: Path) -> None:
    files = {"i/train/a.png": IMAGE, "i/bus/a.png": IMAGE, "m/train/a.png": mask(1), "m/bus/a.png": mask(0)}
    assert names(raw_of(BOTH, write(tmp_path, files)).train)[0] == ["bus/a.png", "train/a.png"]


def test_what_lies_beside_the_parts_is_said(tmp_path: Path) -> None:
    files = {
        f"{top}/{part}/a.png": content for top, content in (("i", IMAGE), ("m", mask(1))) for part in ("train", "test")
    }
    found = raw_of(BOTH, write(tmp_path, files | {"i/new/a.png": IMAGE, "i/loose.png": IMAGE}))
    assert found.notes == ("not used: new, loose.png in i, beside its parts",)


@pytest.mark.parametrize(
    ("files", "messages"),
    [
        ({"i/a.png": IMAGE, "i/b.png": IMAGE, "m/b.png": mask(1)}, ["1 image without a mask: a.png"]),
        ({"i/b.png": IMAGE, "m/a.png": mask(1), "m/b.png": mask(1), "m/c.png": b""},
         ["2 masks without an image: a.png, c.png"]),
        ({"i/a.png": IMAGE, "i/a.jpg": IMAGE, "m/a.png": mask(1)}, ["1 pair of one name: a.jpg and a.png"]),
        ({"i/a.png": IMAGE, "i/b.png": IMAGE, "m/a_mask.png": mask(1), "m/b_mask.png": mask(1)},
         ["2 images without a mask", "leave out `_mask` in the names of the masks"]),
        ({"i/train/a.png": IMAGE, "i/test/b.png": IMAGE, "m/a.png": mask(1)}, ["holds the parts train, test,"]),
        ({"i/a.png": IMAGE, "m/train/a.png": mask(1), "m/test/b.png": mask(1)}, ["/i holds none"]),
        ({"i/val/a.png": IMAGE, "i/test/b.png": IMAGE, "m/a.png": mask(1)}, ["has no training part"]),
        ({"i/train/a.png": IMAGE, "i/training/b.png": IMAGE, "m/a.png": mask(1)}, ["train, training may both be"]),
        ({"i/readme.txt": b"", "m/readme.txt": b""}, ["holds no images"]),
    ],
)  # fmt: skip
def test_what_is_no_pair_is_named(tmp_path: Path, files: dict[str, bytes], messages: list[str]) -> None:
    found = refused_raw("E415", BOTH, write(tmp_path, files))
    assert all(message in found for message in messages), found


def test_of_many_files_twenty_are_named(tmp_path: Path) -> None:
    (tmp_path / "m").mkdir()
    found = refused_raw("E415", BOTH, write(tmp_path, {f"i/{number:03}.png": IMAGE for number in range(50)}))
    assert "50 images without a mask: 000.png" in found and "019.png and 30 more" in found


def test_images_and_masks_are_in_folders_of_their_own(tmp_path: Path) -> None:
    write(tmp_path, {"i/a.png": IMAGE, "i/m/a.png": mask(1)})
    assert "are the same folder" in refused_raw("E415", 'masks("i", "i")', tmp_path)
    assert "lie one in the other" in refused_raw("E415", 'masks("i", "i/m")', tmp_path)


def test_masks_that_cannot_be_used_are_named_at_once(tmp_path: Path) -> None:
    files = {f"i/{name}.png": IMAGE for name in "abcdef"}
    files |= {"m/a.png": mask(1), "m/b.png": mask(1, size=(5, 6)), "m/c.png": IMAGE, "m/d.png": mask(1)[:45]}
    files |= {"m/e.png": mask(7, 9, 1, 255)}
    (tmp_path / "m").mkdir()
    os.mkfifo(tmp_path / "m/f.png")
    found = refused_raw("E416", BOTH, write(tmp_path, files))
    for line in (
        "5 of 6 masks in",
        "b.png is 5x6, but its image b.png is 6x5",
        "c.png holds colors (RGB)",
        "d.png is damaged",
        "e.png holds 7, 9, which are no classes",
        "f.png is not an image file, but a pipe, a socket or a device",
    ):
        assert line in found
    files = {f"i/{name}.png": IMAGE for name in "ab"} | {"m/a.png": mask(1), "m/b.png": mask(3)}
    found = refused_raw("E416", 'masks("i", "m", classes=[ground, cat], ignore=9)', write(tmp_path / "n", files))
    assert "b.png holds 3, which is no class" in found
    assert "the classes have the numbers 0 to 1; `ignore` is 9" in found


@pytest.mark.parametrize(
    ("source", "numbers", "messages"),
    [
        (BOTH, (255,), ["hold only one class, ground, and 255, which is ignored", "0 and 255 are black and white"]),
        ('masks("i", "m", classes=[ground, cat], ignore=none)', (255,), ["holds 255", "0 and 255 are black and white"]),
        (BOTH, (0,), ["hold only one class, ground", "at least two classes"]),
        (BARE, (0,), ["hold only one class, 0"]),
        ('masks("i", "m", ignore=0)', (1,), ["`ignore=0` lies among the numbers of the classes, 0 to 1"]),
    ],
)
def test_there_are_two_classes(tmp_path: Path, source: str, numbers: tuple[int, ...], messages: list[str]) -> None:
    found = refused_raw("E416", source, write(tmp_path, {"i/a.png": IMAGE, "m/a.png": mask(*numbers)}))
    assert all(message in found for message in messages), found


def test_an_image_that_cannot_be_read_is_left_to_the_first_look(tmp_path: Path) -> None:
    files = {"i/a.png": IMAGE, "i/b.png": b"<html>", "m/a.png": mask(1), "m/b.png": mask(1, size=(9, 9))}
    assert names(raw_of(BOTH, write(tmp_path, files)).train)[0] == ["a.png", "b.png"]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"i/test/b.png": IMAGE, "m/test/b.png": mask(2)}, "b.png holds 2, which is no class"),
        ({"i/test/b.png": IMAGE, "m/test/c.png": mask(1)}, "1 image without a mask: test/b.png"),
        ({"m/test/c.png": mask(1)}, "1 mask without an image: test/c.png"),
    ],
)
def test_what_is_wrong_with_a_part_stops_only_what_uses_it(
    tmp_path: Path, files: dict[str, bytes], message: str
) -> None:
    test = raw_of(BOTH, write(tmp_path, TRAINED | {"i/val/b.png": IMAGE, "m/val/b.png": mask(1)} | files)).test
    assert isinstance(test, SpeccError) and message in test.message


def test_a_part_without_masks_is_no_error(tmp_path: Path) -> None:
    found = raw_of(BOTH, write(tmp_path, TRAINED | {"i/test/b.png": IMAGE, "i/test/c.png": IMAGE}))
    assert found.test == Unlabeled("2 images without masks")


@pytest.mark.parametrize("memory", [None, 0])
def test_broken_pairs_are_left_out_when_the_spec_says_so(tmp_path: Path, memory: int | None) -> None:
    files: dict[str, bytes] = {}
    for number in range(8):
        files |= {f"i/{number}.png": picture(number), f"m/{number}.png": mask(0, 1, number % 2)}
    spoiled = {"m/1.png": mask(1)[:45], "m/2.png": mask(1, size=(9, 9)), "i/3.png": b"", "i/4.png": b"<html>"}
    write(tmp_path, files | spoiled)
    skipping = BOTH.replace("cat]", "cat], skip_broken=true")
    data = read(skipping, "validation = split(1)", base=tmp_path, memory=memory)
    assert (len(data.train), len(data.validation)) == (3, 1)
    said = [note for note in data.notes if note.startswith("left out by skip_broken")]
    assert len(said) == 2 and "2 of 8 masks in" in said[0] and "2.png is 9x9, but its image" in said[0]
    assert "2 of 6 images in" in said[1] and "3.png is empty; 4.png is not a readable image" in said[1]
    for name in spoiled:
        (tmp_path / f"i/{Path(name).name}").unlink()
        (tmp_path / f"m/{Path(name).name}").unlink()
    assert read(BOTH, "validation = split(1)", base=tmp_path, memory=memory).hash == data.hash


def test_numbers_that_are_no_class_and_parts_without_a_sound_mask_are_never_skipped(tmp_path: Path) -> None:
    skipping = BOTH.replace("cat]", "cat], skip_broken=true")
    write(tmp_path, {"i/a.png": IMAGE, "i/b.png": IMAGE, "m/a.png": mask(1), "m/b.png": mask(7)})
    assert "b.png holds 7" in refused_raw("E416", skipping, tmp_path)
    write(tmp_path, {"m/a.png": b"", "m/b.png": b""})
    assert "2 of 2 masks" in refused_raw("E416", skipping, tmp_path)


@pytest.mark.parametrize("memory", [None, 0])
def test_the_whole_set_can_be_read(tmp_path: Path, memory: int | None) -> None:
    files: dict[str, bytes] = {}
    for number in range(6):
        files |= {f"i/{number}.png": picture(number), f"m/{number}.png": mask(0, 1, number % 2, 255)}
    data = read(BOTH, "validation = split(2)", base=write(tmp_path, files), memory=memory)
    assert (len(data.train), len(data.validation), data.train.labels.shape) == (4, 2, (4, 6, 5))
    rows = {tuple(labels.reshape(-1)[:4].tolist()) for labels in data.train.labels}
    assert rows <= {(0, 1, 0, 255), (0, 1, 1, 255)} and data.train.labels.dtype == torch.uint8
    before = data.hash
    write(tmp_path, {"m/0.png": mask(0, 1, 1, 255)})
    assert read(BOTH, "validation = split(2)", base=tmp_path, memory=memory).hash != before
