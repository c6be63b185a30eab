"""The accuracy on training images, and a run that is gone on with on its part of the data."""

from pathlib import Path

import pytest
import torch

from specc.backend.data.dataset import load
from specc.backend.data.subset import subset_of
from specc.backend.run.manifest import read_info
from specc.backend.run.metrics import read_lines
from specc.backend.study import measure
from specc.backend.tasks.figures.classification import confusion
from specc.backend.train.job import train
from specc.backend.train.resume import resume
from specc.check import check
from specc.source import Source

SPEC = """
data { source = digits; augment = noise(0.5) }
network N { conv(4) -> batch_norm -> relu -> dropout(50%) -> global_avg_pool -> dense(10) }
train { epochs = 1; batch = 50; optimizer = adam(lr=1e-2) }
"""


def test_the_last_weights_are_measured_on_images_as_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither noise nor dropout: the loss is that of the training images taken as validation images."""
    checked = check(Source("n.cnn", SPEC))
    spec = checked.trainable()
    dataset = subset_of(load(spec.data), 200)
    run = train(checked, out=tmp_path / "run", subset=200, quiet=True).path
    found = measure.on_training_images(spec, run, dataset, torch.device("cpu"))
    assert len(found.records) == 200
    swapped = dataset._replace(validation=dataset.train)
    again = train(checked, out=tmp_path / "swapped", dataset=swapped, quiet=True)
    assert again.best is not None
    assert found.figure("accuracy") == again.best.figures["accuracy"] and found.loss == pytest.approx(again.best.loss)
    monkeypatch.setattr(measure, "MOST", 50)
    few = measure.on_training_images(spec, run, dataset, torch.device("cpu"))
    assert confusion(few.records, 10).sum(axis=1).tolist() == [5] * 10


def test_a_run_remembers_its_part_of_the_data(tmp_path: Path) -> None:
    checked = check(Source("n.cnn", SPEC), sets=["train.epochs=2"])
    run = train(checked, out=tmp_path / "run", subset=150, quiet=True).path
    assert read_info(run)["subset"] == 150 and read_info(run)["images"] == {"train": 150, "validation": 150}
    before = (run / "last.safetensors").read_bytes(), [line["val_loss"] for line in read_lines(run / "metrics.jsonl")]
    for file in (run / "checkpoints").glob("00000006*"):
        file.unlink()
    assert resume(run, quiet=True).step == 6
    after = (run / "last.safetensors").read_bytes(), [line["val_loss"] for line in read_lines(run / "metrics.jsonl")]
    assert before == after
