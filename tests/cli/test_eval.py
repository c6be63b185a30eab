"""`specc eval`: scores by class, in text and as JSON."""

import csv
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.helpers.tiny_run import CLASSES, files_trained, trained, write_pictures


@pytest.fixture(scope="module")
def without_green(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of which no validation image is green."""
    folder = tmp_path_factory.mktemp("run")
    write_pictures(folder)
    with np.load(folder / "pictures.npz") as arrays:
        values = dict(arrays)
    there = values["y_test"] != CLASSES.index("green")
    values |= {name: values[name][there] for name in ("x_test", "y_test")}
    np.savez(folder / "pictures.npz", **values)
    return trained(folder, train_with="loss = cross_entropy(weights=[1, 2, 3])")


def test_a_class_without_images_has_no_recall(specc: Callable[..., Any], without_green: Path) -> None:
    answer = specc("eval", str(without_green), "--device", "cpu", "--json")
    found = json.loads(answer.out)
    red, green, blue = found["classes"]
    assert green["recall"] is None and green["support"] == 0
    assert red["recall"] is not None and blue["recall"] is not None
    assert found["macro"]["classes"] == 2
    assert found["macro"]["recall"] == pytest.approx((red["recall"] + blue["recall"]) / 2)


def test_what_chose_is_called_optimistic(specc: Callable[..., Any], without_green: Path) -> None:
    why = "the best of 2 epochs, chosen on the test part itself, so optimistic: no other images measure it"
    assert why in specc("eval", str(without_green), "--device", "cpu").out.splitlines()
    found = json.loads(specc("eval", str(without_green), "--device", "cpu", "--part", "test", "--json").out)
    assert (found["part"], found["optimistic"], found["looks"]) == ("test", why, 1)
    assert found["measured_on"] == "the test part, 24 images" and found["confidence"] == 0.95
    train = specc("eval", str(without_green), "--device", "cpu", "--part", "train").out
    assert "optimistic" not in train and "the network learned from these images" in train
    assert "train: the images that it was trained on, 60 of them, as they are" in train.splitlines()


def test_it_is_printed_as_a_dash(specc: Callable[..., Any], without_green: Path) -> None:
    answer = specc("eval", str(without_green), "--device", "cpu")
    lines = answer.out.splitlines()
    (green,) = [re.split("  +", line) for line in lines if line.startswith("green")]
    assert green[2] == "–" and green[-1] == "0"
    assert any(line.startswith("mean ") for line in lines)
    assert "on 24 images; in parentheses: 95% intervals" in lines
    red = next(line for line in lines if line.startswith("red"))
    assert re.search(r" \d+\.\d\d% \(\d+\.\d - \d+\.\d\)  ", red)
    assert "left out of the mean, because they have no validation images: green" in lines


def test_the_worst_images_are_named(specc: Callable[..., Any], without_green: Path) -> None:
    found = json.loads(specc("eval", without_green, "--device", "cpu", "--json", "--mistakes", "4").out)
    rows = found["each_image"]
    assert [row["image"] for row in rows] == [f"test[{number}]" for number in range(24)]
    wrong = [row for row in rows if row["label"] != row["answer"]]
    assert found["accuracy"] == pytest.approx(1 - len(wrong) / 24)
    worst = sorted(wrong, key=lambda row: row["probability_of_label"])
    assert found["mistakes"] == worst[:4]
    assert np.average([row["loss"] for row in rows], weights=[1 + 2 * (row["label"] == "blue") for row in rows]) == (
        pytest.approx(found["loss"])
    )
    lines = specc("eval", without_green, "--device", "cpu", "--mistakes", "4").out.splitlines()
    assert (
        f"{len(wrong)} of 24 images are classified wrongly; the worst, by the probability of the true class:" in lines
    )
    table = [line.split() for line in lines[-4:]]
    assert [(row[0], row[2], row[4]) for row in table] == [
        (row["image"], row["answer"], f"{row['probability_of_answer']:.2%}") for row in worst[:4]
    ]


def test_every_image_in_a_csv_file(specc: Callable[..., Any], without_green: Path, tmp_path: Path) -> None:
    file = tmp_path / "images.csv"
    answer = specc("eval", without_green, "--device", "cpu", "--csv", file)
    assert answer.status == 0 and f"{file}: 24 rows" in answer.out
    with file.open(newline="") as opened:
        rows = list(csv.DictReader(opened))
    expected = json.loads(specc("eval", without_green, "--device", "cpu", "--json").out)["each_image"]
    assert [row["label"] for row in rows] == [row["label"] for row in expected]
    assert float(rows[3]["probability_of_answer"]) == expected[3]["probability_of_answer"]


@pytest.mark.parametrize("source", ["folder", "split"])
def test_what_images_are_called(specc: Callable[..., Any], tmp_path: Path, source: str) -> None:
    """Files by their paths; images of arrays by their place in the part as it was published, after a split as well."""
    run = files_trained(tmp_path) if source == "folder" else trained(tmp_path, data="validation = split(20%)")
    rows = json.loads(specc("eval", run, "--device", "cpu", "--json").out)["each_image"]
    names = [row["image"] for row in rows]
    if source == "folder":
        assert names and all(Path(name).is_file() for name in names)
        assert all(Path(row["image"]).parent.name == row["label"] for row in rows)
        return
    with np.load(tmp_path / "pictures.npz") as arrays:
        labels = arrays["y_train"]
    numbers = [int(name.removeprefix("train[").removesuffix("]")) for name in names]
    assert len(set(numbers)) == len(rows) == 12
    assert [CLASSES[labels[number]] for number in numbers] == [row["label"] for row in rows]
