"""What a column may be for."""

import pytest

from specc.backend.starter.columns import describe

WORDS = ["owl", "gull", "owl", "gull", "owl"]
CELLS = {
    "images": ["a.jpg", "b.JPG", "c d.PNG", "e.tiff", "ü.webp"],
    "part": ["train", "train", "val", "Test", "train"],
    "classes": WORDS,
    "tags": ["sea;sky", "sky", "sea", ";", "sea; sky"],
    "flags": ["0", "1", "1", "0.0", "true"],
    "whole": ["3", "4", "-5", "1e2", "3"],
    "numbers": ["3", "4.5", "", "6", "3"],
    "other": ["2024-05-01", "2024-05-01 10:30", "2024-05-01", "2024-05-03", "2024-05-03"],
}


@pytest.mark.parametrize("kind", CELLS)
def test_kinds(kind):
    assert describe("x", CELLS[kind]).kind == kind


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["same"] * 5, "other"),
        (["", "", "", "", ""], "other"),
        (["one of", "five", "different", "texts", "here"], "other"),
        (["a, b and c", "a well-known bird, seen at dawn", "x", "y", "z"], "other"),
        (["train", "", "val", "val", "train"], "classes"),  # the part of a row is not known
        (["nan", "1", "2", "nan", "3"], "other"),
    ],
)
def test_what_is_none(cells, kind):
    assert describe("x", cells).kind == kind


@pytest.mark.parametrize(
    ("name", "is_group"),
    [("patient_id", True), ("PatientID", True), ("nest group", True), ("patient_age", False), ("label", False)],
)
def test_groups(name, is_group):
    assert (describe(name, WORDS).group_rank >= 0) == is_group


def test_amounts():
    assert describe("Age (years)", ["3", "4", "5"]).is_amount
    assert not describe("stage", ["3", "4", "5"]).is_amount
