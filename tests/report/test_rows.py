"""Rows of images as CSV, which other programs read back, and the worst of them as tables."""

import csv
from io import StringIO
from typing import Any

from specc.report.rows import csv_text, mistakes_text
from specc.tasks import CLASSIFICATION, MULTILABEL, REGRESSION, SEGMENTATION


def test_what_is_written_is_read_back() -> None:
    name = 'a "b", c\nd;e.png'
    rows: list[dict[str, Any]] = [
        {"image": name, "tags": ["x", "y"], "p": {"x": 0.1 + 0.2, "y": 1.0}, "loss": None},
        {"image": "2.png", "tags": [], "p": {"x": 0.0, "z": 1.0}, "loss": 0.5},
    ]
    first, second = csv.DictReader(StringIO(csv_text(rows), newline=""))
    assert first == {"image": name, "tags": "x;y", "p.x": "0.30000000000000004", "p.y": "1.0", "loss": "", "p.z": ""}
    assert second["p.y"] == "" and second["p.z"] == "1.0" and second["tags"] == ""


def test_the_worst_classes_as_a_table() -> None:
    row = {"image": "a.png", "label": "cat", "answer": "dog", "probability_of_label": 0.015, "loss": 4.2}
    rows = [row | {"probability_of_answer": 0.9}, row | {"image": "b\n.png", "probability_of_answer": 0.5}]
    assert mistakes_text(rows, CLASSIFICATION, 7, 30).splitlines() == [
        "7 of 30 images are classified wrongly; the worst, by the probability of the true class:",
        "",
        "image      class  answer  p(class)  p(answer)",
        "---------  -----  ------  --------  ---------",
        "a.png      cat    dog        1.50%     90.00%",
        "b\\x0a.png  cat    dog        1.50%     50.00%",
    ]
    assert mistakes_text([], CLASSIFICATION, 0, 30) == "no mistakes"


def test_the_worst_of_other_tasks() -> None:
    tags = {"image": "a.png", "missing": ["sun"], "extra": [], "loss": 0.5}
    assert mistakes_text([tags], MULTILABEL, 1, 1).splitlines()[-1].split() == ["a.png", "sun", "–", "0.5000"]
    numbers = {"image": "a.png", "numbers": {"year": 1900.0}, "answers": {"year": 1912.5}, "errors": {"year": 12.5}}
    assert mistakes_text([numbers], REGRESSION, 1, 1).splitlines()[-1].split() == ["a.png", "1900", "1912.5", "+12.5"]
    mask = {"image": "a.png", "mean_iou": 0.5, "pixel_accuracy": 0.9, "loss": None}
    assert mistakes_text([mask], SEGMENTATION, 1, 1).splitlines()[-1].split() == ["a.png", "50.00%", "90.00%", "–"]
