"""`specc new NAME --data PATH`: what is written for each kind of data checks, is formatted, and trains as it stands."""

import csv
import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits, load_sample_images

from tests.helpers.tiny_data import levels

Write = Callable[[Path], Sequence[str]]


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def picture(path: Path, height: int, width: int, seed: int = 0, mode: str = "RGB") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(levels(height, width, 3, seed=seed)).convert(mode).save(path)


def table(path: Path, header: Sequence[str], rows: Sequence[Sequence[object]], delimiter: str = ",") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter=delimiter).writerows([header, *rows])


def pictured(path: Path, count: int = 24, size: tuple[int, int] = (20, 30)) -> list[str]:
    """Image files in a folder; their names."""
    names = [f"bird {number}.PNG" for number in range(count)]
    for number, name in enumerate(names):
        picture(path / name, *size, seed=number)
    return names


def photographs(place: Path) -> Sequence[str]:
    """Crops of two real photographs, of odd names and sizes, seven of one class and two of another."""
    for name, image, count in zip(("Ta j Mahal's", "Blüte"), load_sample_images().images, (7, 2), strict=True):
        (place / "photos" / name).mkdir(parents=True)
        for number in range(count):
            top, left = 20 * number, 30 * number
            crop = image[top : top + 200 + 3 * number, left : left + 220 + 9 * number]
            Image.fromarray(crop).save(place / "photos" / name / f"{number} ö.JPG")
    return ("photos",)


def digits(place: Path) -> Sequence[str]:
    images, labels = load_digits(return_X_y=True)
    for number, (image, label) in enumerate(zip(images[:60], labels[:60], strict=True)):
        path = place / "digits" / ("train" if number < 40 else "test") / str(label) / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray((image.reshape(8, 8) * 15).astype(np.uint8)).save(path)
    return ("digits",)


def deep(place: Path) -> Sequence[str]:
    """16-bit grays of which only 12 bits are used."""
    for number in range(12):
        path = place / "x-rays" / ("healthy", "ill")[number % 2] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        values = np.random.default_rng(number).integers(0, 4000, (40, 40), dtype=np.uint16)
        Image.fromarray(values).save(path)
    return ("x-rays",)


def many_classes(place: Path) -> Sequence[str]:
    for number in range(400):  # two of each
        picture(place / "many" / f"kind {number // 2}" / f"{number}.png", 9, 9, seed=number)
    return ("many",)


def classes(place: Path) -> Sequence[str]:
    names = pictured(place / "birds")
    rows = [
        [number, name, ("robin", "great tit", 'the "owl"')[number % 3], "2024-05-01", 3 + number, number // 2]
        for number, name in enumerate(names)
    ]
    table(place / "birds" / "labels.csv", ["id", "file", "Species (Latin)", "date", "age", "nest group"], rows, ";")
    return ("birds/labels.csv", "--label", "Species (Latin)")


def parts(place: Path) -> Sequence[str]:
    names = pictured(place / "birds")
    rows = [[name, "ab"[n % 2], ("train", "train", "val", "test")[n // 2 % 4]] for n, name in enumerate(names)]
    table(place / "birds" / "labels.csv", ["image", "label", "split"], rows)
    return ("birds/labels.csv",)


def tags(place: Path) -> Sequence[str]:
    names = pictured(place / "birds")
    rows = [[name, ("sea;sky", "sky", "sea", ";")[number % 4]] for number, name in enumerate(names)]
    table(place / "birds" / "labels.csv", ["file", "what is on it"], rows)
    return ("birds/labels.csv",)


def flags(place: Path) -> Sequence[str]:
    names = pictured(place / "birds")
    table(place / "birds" / "labels.csv", ["f", "sea", "in"], [[n, i % 2, i // 2 % 2] for i, n in enumerate(names)])
    return ("birds/labels.csv",)


def ages(place: Path) -> Sequence[str]:
    names = pictured(place / "birds")
    table(place / "birds" / "a.tsv", ["file", "age"], [[n, 10 + 7 * i % 50] for i, n in enumerate(names)], "\t")
    return ("birds/a.tsv",)


def positions(place: Path) -> Sequence[str]:
    names = pictured(place / "birds")
    table(place / "birds" / "xy.csv", ["file", "x", "y"], [[n, i / 7, 3.5 - i] for i, n in enumerate(names)])
    return ("birds/xy.csv", "--target", "x, y")


def cells(place: Path) -> Sequence[str]:
    for number in range(10):
        height, width = 40 + number, 70 - 2 * number
        picture(place / "cells" / "JPEGImages" / f"{number}.jpg", height, width, seed=number)
        mask = np.zeros((height, width), np.uint8)
        mask[4:12, 4:20] = 1 + number % 2
        (place / "cells" / "Masks").mkdir(exist_ok=True)
        Image.fromarray(mask).save(place / "cells" / "Masks" / f"{number}.png")
    return ("cells",)


def medical(place: Path) -> Sequence[str]:
    arrays: dict[str, Any] = {}
    for part, count in (("train", 30), ("val", 10), ("test", 10)):
        arrays |= {f"{part}_images": levels(count, 28, 28), f"{part}_labels": np.arange(count)[:, None] % 3}
    np.savez(place / "med.npz", **arrays)
    return ("med.npz",)


def arrays(labels: np.ndarray[Any, Any], *size: int) -> Write:
    def write(place: Path) -> Sequence[str]:
        np.savez(place / "a.npz", images=levels(len(labels), *size, 3), labels=labels)
        return ("a.npz",)

    return write


COUNT = np.arange(24)
KINDS: dict[str, tuple[Write, list[str]]] = {
    "photographs": (photographs, ['folder("photos")', "cover(144x144)", "view", "-> flip", "sample", "balanced_acc"]),
    "digits": (digits, ["channels   = gray", "8x8", "no flip", "split(20%)", "test part measures once"]),
    "16 bits": (deep, ["channels   = gray", "range      = (0, 4095)", "resize     = 40x40", "no flip"]),
    "many classes": (many_classes, ["classes=200", "-> flip", "in 200 classes (2 each)"]),
    "csv": (classes, ['label="Species (Latin)"', 'group="nest group"', "not used: the columns id, date, age"]),
    "csv with parts": (parts, ["part=split", "validation = given", "test part measures once"]),
    "tags": (tags, ['labels="what is on it", separator=";"', "tags=2"]),
    "flags": (flags, ['labels=[sea, "in"]']),
    "one number": (ages, ["target=age", "# age: 10 to", "flatten -> dense(64)", "numbers=1"]),
    "two numbers": (positions, ["targets=[x, y]", "only colors", "numbers=2"]),
    "masks": (cells, ['masks("cells/JPEGImages", "cells/Masks")', "contain(32x32)", "dice", "moves the masks"]),
    "npz of MedMNIST": (medical, ['npz("med.npz")', "input(1, 28x28)", "validation = given", "may be digits"]),
    "npz of tags": (arrays(np.stack([COUNT % 2, COUNT // 2 % 2], 1), 16, 20), ["tags=2", "input(3, 16x20)"]),
    "npz of numbers": (arrays(COUNT / 7, 12, 12), ["numbers=1", "input(3, 12x12)"]),
    "npz of masks": (arrays(np.indices((24, 36, 20)).sum(0) % 3, 36, 20), ["depth=2", "input(3, 36x20)"]),
    "large npz": (arrays(COUNT % 2, 150, 200), ["input(3, 120x160)", "resize     = 120x160"]),
}


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_written_checks_and_trains(kind, specc, tmp_path):
    write, texts = KINDS[kind]
    path, *options = write(tmp_path)
    answer = specc("new", "mine", "--data", path, *options)
    assert (answer.status, answer.out.splitlines()[0]) == (0, "wrote mine.cnn"), answer.err
    text = (tmp_path / "mine.cnn").read_text(encoding="utf-8")
    assert [wanted for wanted in texts if wanted not in text] == [], text
    assert max(map(len, text.splitlines())) <= 120
    assert answer.err.splitlines()[0] in text
    checked = specc("check", "--strict", "mine.cnn")
    assert (checked.status, checked.out) == (0, "mine.cnn: no problems\n"), checked.err
    assert specc("fmt", "--check", "mine.cnn").status == 0
    quick = ["--plan"] if kind == "many classes" else []  # which reads the data, and trains nothing
    trained = specc("train", "mine.cnn", "--set", "train.epochs=1", "--device", "cpu", "--quiet", *quick)
    assert trained.status == 0, trained.err


def test_what_was_seen_is_said(specc, tmp_path):
    answer = specc("new", "mine", "--data", *parts(tmp_path))
    assert answer.err == (
        "24 images in 2 classes (6 each), 20 x 30, RGB; 12 to train on, 6 to validate on, 6 to test on\n"
        "images to train on: a 6, b 6\n"
    )


def test_json(specc, tmp_path):
    facts = json.loads(specc("new", "mine", "--data", *cells(tmp_path), "--json").out)
    assert facts["format"] == 1 and facts["file"] == "mine.cnn"
    assert facts["task"] == "segmentation" and facts["images"] == {"train": 10}
    assert (facts["smallest"], facts["largest"], facts["channels"]) == ([49, 52], [40, 70], 3)
    assert sum(facts["counts"]) == sum((40 + n) * (70 - 2 * n) for n in range(10))
    assert json.loads(specc("new", "other", "--json").out) == {"format": 1, "file": "other.cnn"}


def test_masks_of_another_folder(specc, tmp_path):
    cells(tmp_path)
    assert specc("new", "mine", "--data", "cells/JPEGImages", "--masks", "cells/Masks").status == 0
    assert 'masks("cells/JPEGImages", "cells/Masks")' in (tmp_path / "mine.cnn").read_text()


def test_paths_count_from_the_folder_of_the_spec(specc, tmp_path):
    digits(tmp_path)
    (tmp_path / "nets").mkdir()
    assert specc("new", "nets/mine", "--data", "digits").status == 0
    assert 'folder("../digits")' in (tmp_path / "nets" / "mine.cnn").read_text()
    assert specc("new", "nets/other", "--data", tmp_path / "digits").status == 0
    assert f'folder("{tmp_path}/digits")' in (tmp_path / "nets" / "other.cnn").read_text()


@pytest.mark.parametrize("folder", ['a "b" \\n', "ü # {x}", "a\nb"])
def test_odd_names(folder, specc, tmp_path):
    pictured(tmp_path / folder / "one\n# two", 4)
    pictured(tmp_path / folder / "other", 4)
    assert specc("new", "mine", "--data", folder).status == 0
    assert specc("check", "--strict", "mine.cnn").status == 0
    assert specc("train", "mine.cnn", "--plan", "--device", "cpu", "--quiet").status == 0  # which reads the data


def test_damaged_files_are_named_and_left_out(specc, tmp_path):
    digits(tmp_path)
    (tmp_path / "digits" / "train" / "3" / "broken.png").write_bytes(b"<html>")
    answer = specc("new", "mine", "--data", "digits")
    assert "skip_broken leaves out 1 image: train/3/broken.png is not a readable image" in answer.err
    text = (tmp_path / "mine.cnn").read_text()
    assert 'folder("digits", skip_broken=true)' in text and "train/3/broken.png" in text
    assert specc("train", "mine.cnn", "--plan", "--device", "cpu", "--quiet").status == 0


def test_missing_files_of_a_table_are_named_and_left_out(specc, tmp_path):
    parts(tmp_path)
    (tmp_path / "birds" / "bird 1.PNG").unlink()
    answer = specc("new", "mine", "--data", "birds/labels.csv")
    assert "bird 1.PNG cannot be read: No such file or directory" in answer.err
    assert "split, skip_broken=true)" in (tmp_path / "mine.cnn").read_text()


def test_a_class_that_has_only_damaged_files_is_refused(specc, tmp_path):
    pictured(tmp_path / "set" / "a", 4)
    (tmp_path / "set" / "b").mkdir()
    (tmp_path / "set" / "b" / "1.png").write_bytes(b"no")
    answer = specc("new", "mine", "--data", "set")
    assert answer.status == 1 and "error[E405]: no image of b can be used" in answer.err
    assert not (tmp_path / "mine.cnn").exists()


def test_damaged_images_of_masks_are_refused(specc, tmp_path):
    cells(tmp_path)
    (tmp_path / "cells" / "JPEGImages" / "3.jpg").write_bytes(b"\xff\xd8no")
    answer = specc("new", "mine", "--data", "cells")
    assert answer.status == 1 and "error[E405]: 1 image cannot be used" in answer.err and "3.jpg" in answer.err


def test_single_images_and_copies_are_named(specc, tmp_path):
    for name, count in (("a", 5), ("b", 5), ("c", 1)):
        pictured(tmp_path / "set" / name, count)
    answer = specc("new", "mine", "--data", "set")
    assert "a single image to train on, and none to validate: c" in answer.err
    assert "identical pictures in different classes: a/bird 0.PNG = b/bird 0.PNG = c/bird 0.PNG" in answer.err


def test_whole_numbers_are_asked_for(specc, tmp_path):
    names = pictured(tmp_path / "birds", 20)
    table(tmp_path / "birds" / "labels.csv", ["file", "y"], [[name, n % 10] for n, name in enumerate(names)])
    answer = specc("new", "mine", "--data", "birds/labels.csv")
    assert answer.status == 1
    assert "error[E425]: the column `y` of birds/labels.csv holds the whole numbers 0 to 9" in answer.err
    for option, wanted in (("--label", "label=y"), ("--target", "target=y"), ("--labels", "labels=y")):
        assert specc("new", f"with{option[2:]}", "--data", "birds/labels.csv", option, "y").status == 0
        assert wanted in (tmp_path / f"with{option[2:]}.cnn").read_text()


REFUSED = {
    "nowhere": ("nowhere", "E403", "there is nothing at nowhere"),
    "backslashes": ("sets\\one", "E403", "write sets/one"),
    "an empty folder": ("sets/empty", "E404", "is empty"),
    "one class": ("sets/one", "E404", "holds only one class"),
    "a text": ("sets/a.json", "E427", "no data source reads sets/a.json"),
    "parts above masks": ("sets/inside out", "E427", "swap the levels"),
    "no header": ("sets/no header.csv", "E426", "write the names first"),
    "an odd option": ("sets/one --label x", "E475", "--label names a column of a table"),
    "another column": ("sets/birds.csv --label spezies", "E413", "did you mean `species`?"),
    "backslashes in a table": ("sets/windows.csv", "E414", "write `/` between folders"),
    "two tasks": ("sets/birds.csv --label species --target age", "E475", "a network learns one task"),
    "black and white masks": ("sets/masks", "E416", "0 and 255 are black and white"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_told_is_refused(case, specc, tmp_path):
    sets = tmp_path / "sets"
    (sets / "empty").mkdir(parents=True)
    pictured(sets / "one" / "a", 2)
    (sets / "a.json").write_text("{}")
    for part in ("train", "test"):
        for kind in ("images", "masks"):
            picture(sets / "inside out" / part / kind / "1.png", 9, 9)
    table(sets / "no header.csv", ["1.png", "cat"], [["2.png", "dog"]])
    names = pictured(sets, 4)
    table(sets / "birds.csv", ["file", "species", "age"], [[n, "ab"[i % 2], i] for i, n in enumerate(names)])
    table(sets / "windows.csv", ["file", "label"], [[f"x\\{i}.png", "ab"[i % 2]] for i in range(4)])
    for number in range(2):
        picture(sets / "masks" / "images" / f"{number}.png", 9, 9)
        (sets / "masks" / "masks").mkdir(exist_ok=True)
        Image.fromarray(np.eye(9, dtype=np.uint8) * 255).save(sets / "masks" / "masks" / f"{number}.png")
    arguments, code, words = REFUSED[case]
    path, *options = arguments.split(" --")  # a path may hold spaces
    answer = specc("new", "mine", "--data", path, *(word for one in options for word in f"--{one}".split()))
    assert answer.status in (1, 2) and f"error[{code}]" in answer.err and words in answer.err, answer.err
    assert "internal error" not in answer.err
    assert not (tmp_path / "mine.cnn").exists()


def test_overwrites_nothing_and_looks_at_nothing_first(specc, tmp_path):
    (tmp_path / "mine.cnn").write_text("mine")
    answer = specc("new", "mine", "--data", "nowhere")
    assert answer.status == 2 and "error[E480]" in answer.err
    assert (tmp_path / "mine.cnn").read_text() == "mine"
    assert "error[E481]" in specc("new", "no/folder", "--data", "nowhere").err


def test_options_need_data(specc):
    answer = specc("new", "mine", "--label", "x")
    assert answer.status == 2 and "error[E475]: --label only works with --data" in answer.err


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes here")
def test_a_pipe_is_not_waited_for(specc, tmp_path):
    os.mkfifo(tmp_path / "pipe.csv")
    answer = specc("new", "mine", "--data", "pipe.csv")
    assert answer.status in (1, 2) and "error[E4" in answer.err


def test_rows_of_another_length_are_named(specc):
    Path("birds.csv").write_text("image,label\na.png,1,owl\nb.png,2,crow\nc.png\n")
    answer = specc("new", "net", "--data", "birds.csv")
    assert answer.status == 1 and "error[E414]: 3 of 3 rows of birds.csv cannot be used" in answer.err
    assert "line 2: 3 cells, but the first row has 2" in answer.err
