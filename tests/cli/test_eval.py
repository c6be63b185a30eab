"""`specc eval`: scores by class, in text and as JSON."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.helpers.tiny_run import CLASSES, trained, write_pictures


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
