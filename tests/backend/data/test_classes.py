"""Classes: their counts, their table, and their natural order."""

from pathlib import Path
from typing import Any

import numpy as np

from specc.backend.data.classes import class_table, odd_classes
from specc.backend.data.order import natural
from specc.backend.tasks.bound import bind
from specc.tasks import CLASSIFICATION, MULTILABEL, REGRESSION, SEGMENTATION
from tests.helpers.tiny_data import levels, read, refused


def test_what_is_odd_is_said_in_the_words_of_the_task() -> None:
    assert odd_classes(bind(CLASSIFICATION, ("a", "A", "b")), (3, 1, 0), (2, 0, 0)) == [
        "classes whose names look alike: a, A",
        "no image to train on in class b",
        "a single image to train on in class A",
        "no image to validate on in 2 classes: A, b",
    ]
    assert odd_classes(bind(MULTILABEL, ("a", "b")), (3, 0), (2, 1)) == ["no image to train on with tag b"]
    assert odd_classes(bind(SEGMENTATION, ("a", "b")), (0, 9), (2, 0)) == [
        "no pixel to train on in class a",
        "no pixel to validate on in class b",
    ]
    assert odd_classes(bind(REGRESSION, ("x", "y")), (), ()) == []


def test_the_table_has_every_class_with_its_number_in_each_part() -> None:
    assert class_table(("2", "ten"), [("training", (1000, 2)), ("validation", (3, 0))]) == [
        "class  training  validation",
        "2         1,000           3",
        "ten           2           0",
    ]
    names = [f"c{number}" for number in range(100)]
    (line,) = class_table(names, [("training", range(100)), ("validation", range(100))])
    assert line.startswith("100 classes (training / validation images): c0 0/0, c1 1/1") and line.endswith("c99 99/99")


def test_natural_order() -> None:
    ordered = ["", "0", "1", "1.5", "2", "007", "10", "a", "a1", "a02", "a2", "a2b", "a10", "b", "é1", "é10"]
    assert len("1" * 5000) == len(sorted(["1" * 5000, "2" * 5000], key=natural)[0])  # no limit on digits
    assert sorted([*ordered[9:], *ordered[:9]], key=natural) == ordered


def test_a_class_that_is_measured_and_not_learned_is_refused(tmp_path: Path) -> None:
    arrays: dict[str, Any] = {
        "x_train": levels(6, 5, 5),
        "y_train": np.arange(6) % 2,
        "x_test": levels(3, 5, 5, seed=1),
    }
    np.savez(tmp_path / "a.npz", **arrays, y_test=np.arange(3))
    found = refused("E407", 'npz("a.npz")', base=tmp_path)
    assert "no image to train on in class 2, which validation images have" in found
    assert read('npz("a.npz")', "validation = split(2)", base=tmp_path).classes == ("0", "1", "2")
