"""Which runs a study takes from before, and which figure of a run it counts."""

import json
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from specc.backend.study import job
from tests.helpers.tiny_run import write_pictures

Specc = Callable[..., Any]
SPEC = """
data { source = npz("pictures.npz"); normalize = unit }
network Small { input(3, 4x4) -> global_avg_pool -> dense(3) }
train { epochs = 2; batch = 8 }
"""


@pytest.fixture
def study(specc: Specc, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """`study("--subset", "24")`: runs a study of one seed on pictures; what it says on standard error."""
    monkeypatch.chdir(tmp_path)
    for name, nothing in (
        ("look", nullcontext),
        ("study_figure", Mock()),
        ("save", Mock()),
    ):  # the picture takes longest
        monkeypatch.setattr(job, name, nothing)
    write_pictures(tmp_path, (4, 4))
    Path("small.cnn").write_text(SPEC)

    def call(*options: str) -> str:
        answer = specc("study", "small.cnn", "--seeds", "1", "--device", "cpu", *options)
        assert answer.status == 0, answer.err
        text: str = answer.err
        return text

    return call


def written() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path("studies/small/study.json").read_text())
    return found


def variant() -> dict[str, Any]:
    found: dict[str, Any] = written()["variants"][0]
    return found


def test_the_figure_is_that_of_the_last_epoch_not_of_the_best(study: Callable[..., str]) -> None:
    study("--subset", "24")
    [result] = Path("studies/small/runs").glob("*/result.json")
    kept = json.loads(result.read_text())
    for line, accuracy in zip(kept["curve"], (0.75, 0.5), strict=True):
        line["val_accuracy"] = accuracy
    result.write_text(json.dumps(kept))
    assert "(reused)" in study("--subset", "24")
    assert variant()["val_accuracy"]["mean"] == variant()["runs"][0]["val_accuracy"] == 0.5


def test_a_run_is_reused_for_the_same_part_of_the_same_images_only(study: Callable[..., str]) -> None:
    assert "(reused)" not in study("--subset", "24")
    first = written()
    assert first["images"] == {"train": 24, "validation": 24}
    assert Path(variant()["runs"][0]["run"]).name.startswith("base-file-seed0-")
    assert "(reused)" in study("--subset", "24")
    again = written()
    assert {**again, "started": "", "ended": ""} == {**first, "started": "", "ended": ""}
    assert "(reused)" not in study("--subset", "27"), "other images of the same data"
    assert "(reused)" not in study(), "all of them"
    write_pictures(Path(), (4, 4), seed=1)
    assert "(reused)" not in study("--subset", "24"), "other data"
    assert len(list(Path("studies/small/runs").iterdir())) == 4


def test_the_record_of_another_training_is_not_taken(study: Callable[..., str]) -> None:
    """Its folder has a part of the key in its name only."""
    study("--subset", "24")
    [result] = Path("studies/small/runs").glob("*/result.json")
    kept = json.loads(result.read_text())
    result.write_text(json.dumps(kept | {"key": kept["key"][:-1] + "x"}))
    assert "(reused)" not in study("--subset", "24")


def test_variants_that_cannot_be_trained_are_not_taken_for_the_same(specc: Specc, study: Callable[..., str]) -> None:
    text = SPEC.replace("Small", "Small(units=3)").replace("dense(3)", "dense(units)")
    Path("small.cnn").write_text(text + "".join(f"variant of{n} {{ network.units = {n} }}\n" for n in (4, 5)))
    answer = specc("study", "small.cnn", "--seeds", "1", "--device", "cpu")
    assert answer.status == 1
    assert [one["same_as"] for one in written()["variants"]] == [None, None, None]
    assert [bool(one["error"]) for one in written()["variants"]] == [False, True, True]
    assert [one["val_accuracy"] is None for one in written()["variants"]] == [False, True, True]
