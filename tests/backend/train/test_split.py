"""What measures a training does not depend on its seed; what was split by another draw is not measured anew."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from specc.backend.data.dataset import load
from specc.backend.data.loader import DataLoader
from specc.backend.evaluation.of_run import evaluate_run
from specc.backend.run.load import open_run
from specc.backend.study.cache import key_of
from specc.backend.train.job import train
from specc.backend.train.prepare import Request, prepare
from specc.backend.train.resume import resume
from specc.check import Checked, check
from specc.errors import SpeccError
from specc.source import Source
from tests.helpers.tiny_data import levels

SPEC = """
data { source = npz("a.npz"); validation = split(25%) }
network N { input(1, 5x5); conv(4) -> relu; global_avg_pool -> dense(3) }
train { epochs = 2; batch = 20 }
"""


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """60 images of three classes, and a published test part of 12."""
    labels = np.arange(60) % 3
    arrays: dict[str, Any] = {"x_test": levels(12, 5, 5, seed=1), "y_test": labels[:12]}
    np.savez(tmp_path / "a.npz", x_train=levels(60, 5, 5), y_train=labels, classes=["1", "2", "10"], **arrays)
    return tmp_path


def spec(*sets: str) -> Checked:
    return check(Source("n.cnn", SPEC), sets=sets)


def begin(here: Path, name: str, *sets: str, **options: Any) -> Path:
    return train(spec(*sets), out=here / name, base=here, device="cpu", quiet=True, **options).path


def change(run: Path, **values: Any) -> None:
    """None takes the entry away."""
    info = json.loads((run / "run.json").read_text()) | values
    (run / "run.json").write_text(
        json.dumps({name: value for name, value in info.items() if values.get(name, "") is not None})
    )


@pytest.mark.parametrize("subset", [None, 12])
def test_every_seed_of_the_training_measures_on_the_same_images(here: Path, subset: int | None) -> None:
    loaders = []
    for sets in (("train.seed=0",), ("train.seed=1",), ("data.seed=1",)):
        loader = prepare(Request(spec(*sets).trainable(), "cpu", base=here, subset=subset)).trainer.loader
        assert isinstance(loader, DataLoader)
        loaders.append(loader)
    first, same, other = ([part.gather(torch.arange(len(part)), torch.device("cpu")) for part in
                           (loader.dataset.train, loader.dataset.validation)] for loader in loaders)  # fmt: skip
    assert all(torch.equal(one, two) for one, two in zip(first, same, strict=True))
    assert not any(torch.equal(one, two) for one, two in zip(first, other, strict=True))


def test_a_run_says_how_it_was_split(here: Path) -> None:
    info = json.loads((begin(here, "run") / "run.json").read_text())
    assert (info["drawn"], info["split_version"]) == (True, 2)
    assert info["class_images"] == {"train": [15, 15, 15], "validation": [5, 5, 5]}
    assert "the test part, 12 images: measured once, after the training" in info["applied"]
    assert (
        "5 of 45 training images are left out of each epoch, different ones each time, "
        "so that every batch is full: 2 of 20" in info["applied"]
    )


def test_a_run_of_the_old_split_is_not_measured_or_gone_on_with(here: Path) -> None:
    run = begin(here, "run")
    evaluate_run(open_run(run), device="cpu")
    change(run, split_version=None, drawn=None)
    for use in (lambda: resume(run, quiet=True), lambda: evaluate_run(open_run(run), device="cpu")):
        with pytest.raises(SpeccError, match="its split was drawn by another version of specc") as caught:
            use()
        assert caught.value.code == "E441"


def test_a_run_with_a_published_part_goes_on_whatever_drew_its_splits(here: Path) -> None:
    run = begin(here, "run", "data.validation=test")
    change(run, split_version=None, drawn=None)
    assert resume(run, quiet=True).status == 0
    evaluate_run(open_run(run), device="cpu")
    part = begin(here, "part", "data.validation=test", subset=9)
    change(part, split_version=None)
    with pytest.raises(SpeccError, match="its split was drawn by another version of specc"):
        resume(part, quiet=True)


def test_classes_in_another_order_are_the_reason_that_is_given(here: Path) -> None:
    run = begin(here, "run")
    change(run, classes=["1", "10", "2"], data_sha256="0" * 64)
    with pytest.raises(SpeccError, match="the same classes in a different order: `10` before, `2` now") as caught:
        resume(run, quiet=True)
    assert caught.value.code == "E441" and "natural order" in caught.value.message


@pytest.mark.parametrize("change_to", ["data.seed=1", "data.validation=split(50%)", "data.validation=fold(1, of=4)"])
def test_no_run_goes_on_with_another_split(here: Path, change_to: str) -> None:
    run = begin(here, "run")
    with pytest.raises(SpeccError) as caught:
        resume(run, quiet=True, spec=spec(change_to), base=here, inexact=True)
    assert caught.value.code == "E488"


def test_weights_from_another_split_are_said(here: Path) -> None:
    run = begin(here, "run")

    def notes(*sets: str) -> list[str]:
        started = spec(*sets, f'train.start=weights("{run}")').trainable()
        begun = prepare(Request(started, "cpu", base=here))
        return [note for note in begun.notes if "was trained on other images" in note]

    assert notes("train.seed=5") == [] and notes("data.validation=test") == []
    (note,) = notes("data.seed=5")
    assert "there 15 of 60 training images, drawn from data.seed 0 measured" in note
    assert notes("data.validation=split(50%)")


def test_the_classes_are_told_before_the_first_epoch(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    weights = 'train.loss=cross_entropy(weights=[("10", 3)])'
    train(spec(weights), out=here / "run", base=here, device="cpu")
    lines = capsys.readouterr().err.splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith("epoch "))
    table = lines.index("class  training  validation  test")
    assert [line.split() for line in lines[table + 1 : table + 4]] == [
        [name, "15", "5", "4"] for name in ("1", "2", "10")
    ]
    assert table < lines.index("class weights of cross_entropy: 1: 1, 2: 1, 10: 3") < first


def test_balanced_weights_are_those_of_the_whole_training_part(here: Path) -> None:
    run = begin(here, "run", "train.loss=cross_entropy(weights=balanced)", subset=9)
    info = json.loads((run / "run.json").read_text())
    assert "class weights of cross_entropy: 1: 1, 2: 1, 10: 1" in info["applied"]
    evaluate_run(open_run(run), device="cpu")


def test_a_study_knows_runs_of_another_draw_apart(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trained = spec().trainable()
    data = load(trained.data, base=here)
    before = key_of(trained, data.hash, None, torch.device("cpu"))
    folds = [spec(f"data.validation=fold({number}, of={of})").trainable() for number, of in ((1, 3), (2, 3), (2, 4))]
    assert len({before, *(key_of(fold, data.hash, None, torch.device("cpu")) for fold in folds)}) == 4
    monkeypatch.setattr("specc.backend.study.cache.DRAW", 3)
    assert key_of(trained, data.hash, None, torch.device("cpu")) != before
