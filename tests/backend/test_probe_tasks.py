"""`specc probe` on networks that learn tags, numbers or masks: what a blind guess costs."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from specc.backend.probe import probe
from specc.check import check
from specc.report.probe import Probed, probe_json, probe_table
from specc.source import Source
from tests.helpers.task_runs import trained


def probed(folder: Path, task: str, **settings: Any) -> Probed:
    run = trained(folder, task, **settings)
    return probe(check(Source("tiny.cnn", (run / "spec.cnn").read_text())), device="cpu", base=folder)


@pytest.mark.parametrize(
    ("task", "guess", "words"),
    [
        ("multi-label", math.log(2), "guessing of 4 tags gives 0.69"),
        ("segmentation", math.log(3), "guessing among 3 classes gives 1.10"),
        ("classification", math.log(3), "guessing among 3 classes gives 1.10"),
    ],
)
def test_guess_of_answers_that_are_equally_likely(tmp_path: Path, task: str, guess: float, words: str) -> None:
    found = probed(tmp_path, task)
    assert probe_json(found)["loss_of_a_guess"] == pytest.approx(guess, rel=1e-9)
    assert words in probe_table(found) and found.verdict.kind != "exploding"


def test_guess_of_numbers_is_their_mean(tmp_path: Path) -> None:
    found = probed(tmp_path, "regression", data="targets = none", train_with="optimizer = adam(lr=1e-4)")
    with np.load(tmp_path / "pictures.npz") as arrays:
        labels = arrays["y_train"]
    assert 0 < found.guess < 3 * labels.var(axis=0).mean()  # of one batch
    assert "predicting the mean gives" in probe_table(found)
    assert found.verdict.kind == "exploding"  # the loss of numbers about 1,900 that begin at 0
