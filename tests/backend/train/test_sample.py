"""`data.sample = balanced` from the text to the run: the draw, what is said of it, and what does not fit."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from specc.backend.data.loader import DataLoader
from specc.backend.run.checkpoint import load_checkpoint
from specc.backend.train.job import Outcome, train
from specc.backend.train.prepare import Request, prepare
from specc.backend.train.resume import resume
from specc.check import Checked, check
from specc.errors import SpeccError
from specc.source import Source
from tests.helpers.tiny_data import levels, read

SPEC = """
data { source = npz("a.npz"); validation = split(10%); augment = noise(0.1); sample = balanced }
network N { input(1, 5x5); conv(4) -> relu; global_avg_pool -> dense(2) }
train { epochs = 2; batch = 20 }
"""


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """200 images, 4 of which have a defect."""
    arrays: dict[str, Any] = {"images": levels(200, 5, 5), "labels": (np.arange(200) % 50 == 0).astype(int)}
    np.savez(tmp_path / "a.npz", **arrays, classes=["good", "defect"])
    return tmp_path


def spec(*sets: str) -> Checked:
    return check(Source("n.cnn", SPEC), sets=sets)


def begin(here: Path, name: str, *sets: str) -> Outcome:
    return train(spec(*sets), out=here / name, base=here, device="cpu", quiet=True)


def test_batches_are_balanced_and_an_image_never_looks_the_same_twice(here: Path) -> None:
    dataset, data = read('npz("a.npz")', "validation = split(10%)", base=here), spec().trainable().data
    loader = DataLoader(dataset, data, 20, seed=0, device=torch.device("cpu"))
    batches = [loader.training(0, number) for number in range(loader.batches)]
    labels = torch.cat([labels for _, labels in batches])
    assert loader.batches == 9 and labels.bincount().tolist() == [90, 90]
    defects = torch.cat([images for images, _ in batches])[labels == 1].flatten(1)
    assert len(defects.unique(dim=0)) == 90


def test_a_run_says_how_often_each_class_is_drawn(here: Path) -> None:
    applied = json.loads((begin(here, "a").path / "run.json").read_text())["applied"]
    assert (
        "sample = balanced: each class is drawn 90 times an epoch, an image of good 0.508 times, of defect 30 times"
        in applied
    )
    applied = json.loads((begin(here, "b", "data.sample=none").path / "run.json").read_text())["applied"]
    assert not any("sample" in note for note in applied)


def test_a_balanced_training_that_is_resumed_comes_to_the_same_weights(here: Path) -> None:
    straight = begin(here, "straight").path
    stopped = train(spec(), out=here / "stopped", base=here, device="cpu", quiet=True, until=lambda *_: 8)
    assert stopped.step == 8
    assert resume(stopped.path, quiet=True).step == 18
    one, two = (load_checkpoint(path / "checkpoints")[1] for path in (straight, stopped.path))
    assert all(torch.equal(one[name], two[name]) for name in one)


def test_images_of_several_tags_cannot_be_drawn_by_class(tmp_path: Path) -> None:
    """Which only reading tells."""
    tags = (np.arange(60).reshape(30, 2) % 3 == 0).astype(int)
    np.savez(tmp_path / "a.npz", images=levels(30, 5, 5), labels=tags)
    request = Request(spec().trainable(), "cpu", base=tmp_path)
    with pytest.raises(SpeccError, match="draws images by their class, but the task is multi-label") as caught:
        prepare(request)
    assert caught.value.code == "E317" and caught.value.help
