"""Parts and classes are told apart: whatever a part is called, and whatever a class is called."""

import shutil
import zlib
from itertools import product
from pathlib import Path

import pytest
import torch
from PIL import Image

from specc.backend.data.parts import part_name
from tests.helpers.tiny_data import levels, read, refused, write_folder

TRAIN = ("train", "training", "trn")
VALIDATION = ("val", "valid", "validation", "dev")
TEST = ("test", "testing", "tst")
DRESSES = ("{}", "seg_{}", "{}_images", "1_{}", "{}2017", "{}-set", "{}set", "dataset {}", "{}_data")
CASES = (str.lower, str.upper, str.title)


def folder(path: Path) -> str:
    return f'folder("{path}")'


def part(path: Path, each: int = 3, classes: int = 2, first: int = 0) -> None:
    """Class folders whose images are no other part's."""
    write_folder(path, classes=classes, each=each)
    for number, image in enumerate(sorted(path.rglob("*.png"))):
        Image.fromarray(levels(6, 5, 3, seed=1000 + first + number)).save(image)


def images(path: Path, count: int = 4) -> None:
    """Images that lie in a folder itself."""
    path.mkdir(parents=True)
    for number in range(count):
        Image.fromarray(levels(6, 5, 3, seed=zlib.crc32(path.name.encode()) % 10_000 + number)).save(
            path / f"{number}.png"
        )


def test_every_name_of_a_part_is_known_in_every_case_and_dress() -> None:
    kinds = {"train": TRAIN, "validation": VALIDATION, "test": TEST}
    for (kind, words), dress, case in product(kinds.items(), DRESSES, CASES):
        for word in words:
            name = dress.format(case(word))
            found = part_name(name)
            assert found is not None and (found.part, found.rest) == (kind, ()), name


@pytest.mark.parametrize("name", ["cat", "trainer", "contest", "value", "invalid", "devon", "train_val", "traintest"])
def test_other_names_are_none(name: str) -> None:
    assert part_name(name) is None


@pytest.mark.parametrize(
    ("train", "measured", "words"),
    [
        ("Training", "Testing", "the test part (Testing)"),
        ("TRAIN", "VAL", "the validation part (VAL)"),
        ("Train", "Test", "the test part (Test)"),
        ("seg_train", "seg_test", "the test part (seg_test)"),
        ("1_train", "2_val", "the validation part (2_val)"),
        ("flowers_train", "flowers_dev", "the validation part (flowers_dev)"),
        ("train_images", "test_images", "the test part (test_images)"),
        ("TrainData", "TestData", "the test part (TestData)"),
        ("train", "test", "the test part"),
    ],
)
def test_parts_are_never_classes(tmp_path: Path, train: str, measured: str, words: str) -> None:
    part(tmp_path / train, each=5)
    part(tmp_path / measured, each=2, first=100)
    data = read(folder(tmp_path))
    assert data.classes == ("class0", "class1")
    assert (len(data.train), data.validated_on) == (10, f"{words}, 4 images")


def test_parts_may_be_wrapped_twice_with_something_beside_them(tmp_path: Path) -> None:
    part(tmp_path / "seg_train" / "seg_train")
    part(tmp_path / "seg_test" / "seg_test", first=100)
    images(tmp_path / "seg_pred" / "seg_pred")
    data = read(folder(tmp_path), base=tmp_path)
    assert data.classes == ("class0", "class1") and data.notes == ("not used: seg_pred (the folders seg_pred)",)


# A folder that is called like a part, beside classes: it is one, too, or nobody knows.


@pytest.mark.parametrize("name", ["train", "test", "val", "valid", "dev", "Testing"])
def test_a_class_called_like_a_part_hides_no_other(tmp_path: Path, name: str) -> None:
    for called in (name, "bus", "car"):
        images(tmp_path / called)
    assert set(read(folder(tmp_path)).classes) == {name, "bus", "car"}
    shutil.rmtree(tmp_path / name)
    for inner in ("steam", "diesel"):
        images(tmp_path / name / inner)
    assert set(read(folder(tmp_path)).classes) == {name, "bus", "car"}


UNCLEAR = [  # folders of class folders, and folders of images
    ("", "train test"),
    ("", "train test sample"),
    ("val test", ""),
    ("train Train", ""),
    ("train val dev", ""),
    ("train holdout", ""),
    ("train_val test", ""),
    ("train", "class0 class1"),
    ("train", "extra"),
]


@pytest.mark.parametrize(("divided", "pictured"), UNCLEAR)
def test_what_is_unclear_is_refused_with_what_was_seen(tmp_path: Path, divided: str, pictured: str) -> None:
    for name in divided.split():
        part(tmp_path / name)
    for name in pictured.split():
        images(tmp_path / name)
    found = refused("E404", folder(tmp_path))
    for entry in tmp_path.iterdir():
        assert f"  {entry.name} looks like " in found


def test_parts_within_the_classes_are_refused(tmp_path: Path) -> None:
    for name, inner in product(("cat", "dog"), ("train", "test")):
        images(tmp_path / name / inner)
    assert "the parts are within the class folders" in refused("E404", folder(tmp_path))


# Which part is used, and what is said of the others.


@pytest.mark.parametrize(
    ("setting", "words", "left", "unused"),
    [
        ("", "the validation part (val), 4 images", 6, "the test part, 6 images"),
        ("validation = auto", "the validation part (val), 4 images", 6, "the test part, 6 images"),
        ("validation = given", "the validation part (val), 4 images", 6, "the test part, 6 images"),
        ("validation = test", "the test part, 6 images", None, "the validation part (val), 4 images"),
        ("validation = split(2)", "2 of 10 training images, drawn from data.seed 0", 6, "the test part, 6 images"),
    ],
)
def test_of_three_parts_the_one_that_is_meant_is_used(
    tmp_path: Path, setting: str, words: str, left: int | None, unused: str
) -> None:
    for name, each, first in (("train", 5, 0), ("val", 2, 100), ("test", 3, 200)):
        part(tmp_path / name, each, first=first)
    data = read(folder(tmp_path), setting)
    assert data.validated_on == words and f"not used: {unused}" in data.notes
    labels = data.test.labels if data.test else None
    assert (None if labels is None else len(labels)) == left


def test_a_test_part_without_labels_stops_nothing_that_does_not_use_it(tmp_path: Path) -> None:
    part(tmp_path / "train", each=10)
    images(tmp_path / "test")
    note = "not used: the test part, 4 images without class folders"
    data = read(folder(tmp_path))
    assert data.validated_on.startswith("2 of 20 training images") and note in data.notes
    found = refused("E408", folder(tmp_path), "validation = test")
    assert "it holds 4 images without class folders" in found and "split(10%)" in found
    part(tmp_path / "val", first=100)
    data = read(folder(tmp_path))
    assert data.validated_on.startswith("the validation part (val)") and note in data.notes and data.test is None


def test_what_is_wrong_with_a_part_that_is_not_used_is_said(tmp_path: Path) -> None:
    part(tmp_path / "train")
    part(tmp_path / "test", classes=3, first=100)
    assert "does not have: class2" in refused("E407", folder(tmp_path))
    part(tmp_path / "val", first=200)
    assert any("not used: the test part; " in note and "class2" in note for note in read(folder(tmp_path)).notes)
    (tmp_path / "test" / "class0" / "0.png").write_bytes(b"")
    assert len(read(folder(tmp_path)).validation) == 6  # nothing of it was opened


def test_a_part_that_measures_may_lack_a_class_and_the_training_part_may_not(tmp_path: Path) -> None:
    part(tmp_path / "train", classes=3)
    part(tmp_path / "val", classes=2, first=100)
    assert "no image to validate on in class class2" in read(folder(tmp_path)).notes
    (tmp_path / "val" / "class2").mkdir()
    assert "no image to validate on in class class2" in read(folder(tmp_path)).notes
    for path in (tmp_path / "train" / "class2").iterdir():
        path.unlink()
    assert "class folders without a file: class2" in refused("E404", folder(tmp_path))


def test_classes_are_in_natural_order(tmp_path: Path) -> None:
    for name in ("10", "2", "1", "img12", "img3"):
        images(tmp_path / name)
    assert read(folder(tmp_path)).classes == ("1", "2", "10", "img3", "img12")


def test_a_link_brings_no_class_another_one_s_files(tmp_path: Path) -> None:
    part(tmp_path / "data")
    (tmp_path / "data" / "class0" / "all").symlink_to(tmp_path / "data")
    (tmp_path / "data" / "class0" / "other").symlink_to(tmp_path / "data" / "class1")
    (tmp_path / "data" / "class1" / "self").symlink_to(tmp_path / "data" / "class1")
    images(tmp_path / "more" / "deep")
    (tmp_path / "data" / "class1" / "more").symlink_to(tmp_path / "more")
    data = read(folder(tmp_path / "data"), base=tmp_path)
    assert torch.cat([data.train.labels, data.validation.labels]).bincount().tolist() == [3, 7]
    assert "links that leave their class were not followed: class0/all, class0/other" in data.notes
