"""The state of a training goes to the disk after any step and comes back exactly."""

from collections.abc import Callable
from pathlib import Path
from signal import SIGINT, Signals
from typing import Any

import pytest
import torch

from specc.backend.engine.state import TrainState
from specc.backend.engine.trainer import Trainer
from specc.backend.interrupt import Interrupt
from specc.backend.progress import Quiet
from specc.backend.run.checkpoint import load_checkpoint, save_checkpoint

OPTIMIZERS = [
    "sgd(lr=0.1)",
    "sgd(lr=0.1, momentum=0.9, nesterov=true, weight_decay=0.01)",
    "adam(lr=0.01, amsgrad=true)",
    "adamw(lr=0.01)",
    "rmsprop(lr=0.01, momentum=0.9, centered=true)",
    "lamb(lr=0.01)",
    "muon(lr=0.02, weight_decay=0.1)",
    "muon(lr=0.02, normalize=true, last=true, others=sgd(lr=0.1, momentum=0.9))",
]
FREE = """
network Tiny { input(1, 4x4); conv(4, bias=true) -> batch_norm -> relu -> conv(4) -> global_avg_pool -> dense(3) }
"""
REST = ("epochs = 3", "ema = 0.9", "regularize = l1_l2(1e-4, 1e-3)", "clip = 1", "schedule = warmup(1) -> cosine")


class StopAt(Interrupt):
    """A Ctrl-C that comes in a certain step."""

    def __init__(self, trainer: Trainer, step: int) -> None:
        self.trainer, self.step = trainer, step

    @property
    def signal(self) -> Signals | None:  # type: ignore[override]  # an attribute in `Interrupt`, which only reads it
        return SIGINT if self.trainer.state.step >= self.step else None


def run(trainer: Trainer, recorder: Any, stop: int = 1000) -> None:
    trainer.run(recorder, Quiet(), StopAt(trainer, stop))


def without_time(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{k: v for k, v in line.items() if k not in ("seconds", "images_per_second")} for line in lines]


def differences(a: TrainState, b: TrainState) -> list[str]:
    """The names of what is not bit for bit the same in two states."""
    first, second = a.tensors(), b.tensors()
    names = sorted(first.keys() ^ second.keys())
    names += [name for name in first if name in second and not torch.equal(first[name], second[name])]
    return names + [name for name in ("results", "step") if getattr(a, name) != getattr(b, name)]


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("stop", [0, 1, 4, 6, 13])
def test_going_on_from_any_step_is_the_same_as_not_stopping(
    make_trainer: Callable[..., Trainer], recorder: Any, tmp_path: Path, optimizer: str, stop: int
) -> None:
    settings = (f"optimizer = {optimizer}", *REST)
    straight = make_trainer(*settings)
    run(straight, recorder)
    assert straight.state.step == 18

    stopped, before = make_trainer(*settings), type(recorder)()
    if stop:
        run(stopped, before, stop)
    assert stopped.state.step == stop
    assert before.pauses == (stop % 6 > 0)
    save_checkpoint(tmp_path, stopped.state)

    resumed, rest = make_trainer(*settings), type(recorder)()
    _, tensors, scalars, damaged = load_checkpoint(tmp_path)
    resumed.state.restore(tensors, scalars)
    assert not damaged
    run(resumed, rest)
    assert differences(straight.state, resumed.state) == []
    assert without_time(before.lines + rest.lines) == without_time(recorder.lines)


ALL = (
    "epochs = 3",
    "lookahead = lookahead(steps=4, power=2, start=1, rewind=true)",
    "groups = [group(norms, lr=0.1, schedule=plateau(patience=0), until=50%), group(dense1, optimizer=lamb)]",
    "optimizer = muon",
    "evaluate = tta(flip, shift=1)",
    "loss = cross_entropy(reduction=sum)",
    "freeze = [conv1.bias]",
)


@pytest.mark.parametrize("stop", [4, 6, 8, 10, 14])
def test_groups_lookahead_and_views_go_on_exactly(
    make_trainer: Callable[..., Trainer], recorder: Any, tmp_path: Path, stop: int
) -> None:
    straight, stopped, resumed = (make_trainer(*ALL, network=FREE) for _ in range(3))
    run(straight, recorder)
    before, rest = type(recorder)(), type(recorder)()
    run(stopped, before, stop)
    save_checkpoint(tmp_path, stopped.state)
    _, tensors, scalars, _ = load_checkpoint(tmp_path)
    assert any(name.startswith("lookahead/") for name in tensors) == (stop >= 8)
    resumed.state.restore(tensors, scalars)
    run(resumed, rest)
    assert differences(straight.state, resumed.state) == []
    assert without_time(before.lines + rest.lines) == without_time(recorder.lines)


@pytest.mark.parametrize(
    "part", ["lookahead/", "optimizer/momentum_buffer/", "optimizer/exp_avg_sq/", "optimizer/step/"]
)
def test_each_part_of_their_state_matters(make_trainer: Callable[..., Trainer], part: str) -> None:
    straight, stopped, resumed = (make_trainer(*ALL, network=FREE) for _ in range(3))
    for _ in range(12):
        straight.step()
    for _ in range(9):
        stopped.step()
    tensors = stopped.state.tensors()
    assert any(name.startswith(part) for name in tensors)
    changed = {name: value + name.startswith(part) for name, value in tensors.items()}
    resumed.state.restore(changed, stopped.state.scalars())
    for _ in range(3):
        resumed.step()
    assert differences(straight.state, resumed.state)


@pytest.mark.parametrize(
    "part", ["table", "model/", "average/", "optimizer/exp_avg/", "optimizer/step/", "step", "lines"]
)
def test_each_part_of_the_state_matters(
    make_trainer: Callable[..., Trainer], recorder: Any, tmp_path: Path, part: str
) -> None:
    """A state that loses one part does not come to the same end: the test above would notice."""
    settings = ("optimizer = adam(lr=0.01)", *REST)
    straight = make_trainer(*settings)
    run(straight, recorder)
    stopped = make_trainer(*settings)
    for _ in range(8):
        stopped.step()
    stopped.state.lines = straight.state.lines[:1]
    tensors, scalars = stopped.state.tensors(), stopped.state.scalars()
    fresh = make_trainer(*settings)
    tensors |= {name: value for name, value in fresh.state.tensors().items() if name.startswith(part)}
    if part.startswith("optimizer/"):
        tensors = {name: torch.zeros_like(v) if name.startswith(part) else v for name, v in tensors.items()}
    scalars |= {name: value for name, value in fresh.state.scalars().items() if name == part}
    fresh.state.restore(tensors, scalars)
    rest = type(recorder)()
    run(fresh, rest)
    lines = without_time(rest.lines) == without_time(recorder.lines)[1:]
    assert differences(straight.state, fresh.state) or not lines


@pytest.mark.parametrize("is_lost", [False, True])
def test_the_scale_of_fp16_goes_on_too(make_trainer: Callable[..., Trainer], tmp_path: Path, is_lost: bool) -> None:
    straight, stopped, resumed = (make_trainer("optimizer = sgd(lr=0.1)", precision="fp16") for _ in range(3))
    for trainer in (straight, stopped, resumed):
        assert trainer.state.scaler is not None
        trainer.state.scaler.set_growth_interval(3)
    for _ in range(7):
        straight.step()
    for _ in range(4):
        stopped.step()
    save_checkpoint(tmp_path, stopped.state)
    _, tensors, scalars, _ = load_checkpoint(tmp_path)
    fresh = resumed.state.scalars()["scaler"]
    resumed.state.restore(tensors, scalars | ({"scaler": fresh} if is_lost else {}))
    for _ in range(3):
        resumed.step()
    assert differences(straight.state, resumed.state) == []
    assert (resumed.state.scalars()["scaler"] == straight.state.scalars()["scaler"]) == (not is_lost)


def test_the_model_to_keep_is_the_moving_average(make_trainer: Callable[..., Trainer]) -> None:
    trainer = make_trainer("epochs = 1", "ema = 0.5")
    for _ in range(3):
        trainer.step()
    average = trainer.state.average
    assert average is not None
    kept, current = trainer.state.model(), trainer.state.net.state_dict()
    assert kept.keys() == current.keys()
    assert torch.equal(kept["conv1.weight"], average.values["conv1.weight"])
    assert not torch.equal(kept["conv1.weight"], current["conv1.weight"])
