"""Stochastic weight averaging against torch.optim.swa_utils, in float64, and what becomes of it at a stop."""

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.optim.swa_utils import AveragedModel, update_bn

from specc.backend.engine.average import EpochMean
from specc.backend.engine.trainer import Trainer
from specc.backend.evaluation.evaluate import evaluate
from specc.backend.precision import Precision
from specc.backend.run.checkpoint import load_checkpoint, save_checkpoint
from tests.backend.engine.test_state import differences, run, without_time
from tests.helpers.losses import cross_entropy as plain
from tests.helpers.tiny_training import NETWORK, Exact

Make = Callable[..., Trainer]
WITHOUT_NOISE = """
network Tiny {
  input(1, 4x4)
  conv(4) -> batch_norm -> relu
  conv(4, bias=true) -> batch_norm(momentum=0.3) -> relu
  global_avg_pool -> dense(3)
}
"""
SETTINGS = ("epochs = 5", "optimizer = sgd(lr=0.2, momentum=0.9)", "average = swa(start=40%)")


def snapshot(trainer: Trainer) -> EpochMean:
    assert isinstance(trainer.state.snapshot, EpochMean)
    return trainer.state.snapshot


def test_it_is_what_swa_utils_gives(make_trainer: Make, recorder: Any) -> None:
    """The ends of epochs 2 to 5 count; statistics are those of update_bn over the first epoch's batches."""
    trainer = make_trainer(*SETTINGS, network=WITHOUT_NOISE, loader=Exact(), dtype=torch.float64)
    other = make_trainer(*SETTINGS[:2], network=WITHOUT_NOISE, loader=Exact(), dtype=torch.float64)
    other.state.net.train()
    mean = None
    for step in range(1, 31):
        other.step()
        if step % 6 == 0 and step >= 12:
            mean = mean or AveragedModel(other.state.net)
            mean.update_parameters(other.state.net)
    assert mean is not None and int(mean.n_averaged) == 4
    images = [Exact().training(0, index)[0] for index in range(6)]
    update_bn(images, mean)
    run(trainer, recorder)
    kept, expected = trainer.state.model(), mean.module.state_dict()
    floats = [name for name, value in kept.items() if value.is_floating_point()]
    assert all((kept[name] - expected[name]).abs().max() < 1e-10 for name in floats)
    assert differences(trainer.state, other.state) == [f"snapshot/{name}" for name in sorted(floats)] + ["results"]
    found = evaluate(mean.module, Exact().validation(), Exact.task, plain(3), Precision("fp32", "exact"))
    assert recorder.lines[-1]["val_loss"] == pytest.approx(found.loss, rel=1e-6)
    assert without_time(recorder.lines)[0] == {**without_time(other_lines(make_trainer))[0]}


def other_lines(make_trainer: Make) -> list[dict[str, Any]]:
    """The lines of the same training without it."""
    from tests.helpers.tiny_training import Recorder

    recorder = Recorder()
    run(make_trainer(*SETTINGS[:2], network=WITHOUT_NOISE, loader=Exact(), dtype=torch.float64), recorder)
    return recorder.lines


@pytest.mark.parametrize("stop", [3, 12, 16, 24])
@pytest.mark.parametrize("rest", ["", "freeze = freeze(conv1, until=2)", "lookahead = lookahead(steps=4)"])
def test_it_goes_on_exactly(make_trainer: Make, recorder: Any, tmp_path: Path, stop: int, rest: str) -> None:
    """Before the start, at its first epoch's end, within an epoch, at an epoch's end; dropout draws nothing for it."""
    settings = (*SETTINGS, rest)
    straight, stopped, resumed = (make_trainer(*settings, network=NETWORK) for _ in range(3))
    run(straight, recorder)
    before, after = type(recorder)(), type(recorder)()
    run(stopped, before, stop)
    save_checkpoint(tmp_path, stopped.state)
    _, tensors, scalars, _ = load_checkpoint(tmp_path)
    resumed.state.restore(tensors, scalars)
    run(resumed, after)
    assert snapshot(resumed).count == snapshot(straight).count == 4
    assert differences(straight.state, resumed.state) == []
    assert without_time(before.lines + after.lines) == without_time(recorder.lines)


@pytest.mark.parametrize("part", ["snapshot/", "snapshots"])
def test_each_part_of_its_state_matters(make_trainer: Make, recorder: Any, part: str) -> None:
    straight, stopped, resumed = (make_trainer(*SETTINGS) for _ in range(3))
    run(straight, recorder)
    run(stopped, type(recorder)(), 20)
    tensors, scalars = stopped.state.tensors(), stopped.state.scalars()
    tensors = {name: value + 1 if name.startswith(part) else value for name, value in tensors.items()}
    scalars = {name: value + 1 if name == part else value for name, value in scalars.items()}
    resumed.state.restore(tensors, scalars)
    run(resumed, type(recorder)())
    assert any(name.startswith("snapshot/") for name in differences(straight.state, resumed.state))


def test_what_is_frozen_or_rests_keeps_its_statistics(make_trainer: Make, recorder: Any) -> None:
    trainer = make_trainer(*SETTINGS, "freeze = [batch_norm1]", network=WITHOUT_NOISE)
    before = deepcopy(trainer.state.net.state_dict())
    run(trainer, recorder)
    kept = trainer.state.model()
    same = [name for name, value in kept.items() if torch.equal(value, before[name])]
    assert same == [name for name in before if name.startswith("batch_norm1.")]


def test_a_start_that_is_never_reached_changes_nothing(make_trainer: Make, recorder: Any) -> None:
    trainer = make_trainer(*SETTINGS[:2], "average = swa(start=6)", network=WITHOUT_NOISE)
    run(trainer, recorder)
    assert trainer.state.kept is None
    assert all(
        torch.equal(value, trainer.state.model()[name]) for name, value in trainer.state.net.state_dict().items()
    )
