"""Schedule-free learning against its three sequences, written out in float64, and what is evaluated of it."""

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from specc.backend.engine.average import FreeAverage
from specc.backend.engine.trainer import Trainer
from specc.backend.run.checkpoint import load_checkpoint, save_checkpoint
from tests.backend.engine.test_state import differences, run, without_time
from tests.helpers.tiny_training import Exact, Recorder

Make = Callable[..., Trainer]
NORMED = """
network Tiny {
  input(1, 4x4)
  conv(4, bias=true) -> batch_norm -> relu -> conv(4) -> batch_norm -> relu
  global_avg_pool -> dense(3)
}
"""
STEPS = 9


class Written:
    """Defazio et al., 2024, the sequences of SGD, and their algorithm for AdamW, with x as a sequence of its own.

    y = (1 - b) z + b x; G at y; z <- z - lr D; c = lr_max^2 / sum; x <- (1 - c) x + c z. rates: of each step.
    """

    def __init__(self, net: nn.Module, scale: float, b: float, decay: float, adam: tuple[float, float] | None) -> None:
        self.net, self.b, self.decay, self.adam, self.scale = net, b, decay, adam, scale
        self.x = [weight.detach().clone() for weight in net.parameters()]
        self.z = [weight.clone() for weight in self.x]
        self.v = [torch.zeros_like(weight) for weight in self.x]
        self.largest = self.total = 0.0
        self.count = 0

    def step(self, images: Tensor, labels: Tensor, rate: float) -> None:
        weights = list(self.net.parameters())
        gradients = torch.autograd.grad(cross_entropy(self.net(images), labels), weights)
        self.count += 1
        self.largest = max(self.largest, rate)
        self.total += self.largest**2
        c = self.largest**2 / self.total if self.total else 0.0
        for i, (weight, g) in enumerate(zip(weights, gradients, strict=True)):
            own = rate if weight.dim() > 1 else self.scale * rate
            d = g
            if self.adam:
                second, eps = self.adam
                self.v[i] = second * self.v[i] + (1 - second) * g**2
                d = g / ((self.v[i] / (1 - second**self.count)).sqrt() + eps)
            d = d + (self.decay if weight.dim() > 1 else 0.0) * weight.detach()
            self.z[i] = self.z[i] - own * d
            self.x[i] = (1 - c) * self.x[i] + c * self.z[i]
            weight.data = (1 - self.b) * self.z[i] + self.b * self.x[i]


CASES: dict[str, tuple[str, tuple[Any, ...]]] = {
    "sgd": ("sgd(lr=0.5, momentum=0.9)", (0.5, 0.9, 0.0, None)),
    "sgd with decay": ("sgd(lr=0.5, momentum=0.7, weight_decay=0.1)", (0.5, 0.7, 0.1, None)),
    "adamw": ("adamw(lr=0.01, betas=(0.9, 0.99), weight_decay=0.1)", (0.01, 0.9, 0.1, (0.99, 1e-8))),
}


@pytest.mark.parametrize("warmup", [False, True])
@pytest.mark.parametrize("case", CASES)
def test_it_is_the_sequences_of_the_paper(make_trainer: Make, case: str, warmup: bool) -> None:
    text, (rate, *given) = CASES[case]
    settings = [f"optimizer = schedule_free({text})", "groups = [group(norms, biases, scale=0.5)]"]
    settings += ["schedule = warmup(1)"] if warmup else []
    trainer = make_trainer(*settings, network=NORMED, loader=Exact(), dtype=torch.float64)
    other = make_trainer(network=NORMED, loader=Exact(), dtype=torch.float64).state.net.train()
    trainer.state.net.train()
    written = Written(other, 0.5, *given)
    for step in range(STEPS):
        trainer.step()
        written.step(*Exact().training(*divmod(step, 6)), rate * (min(step / 6, 1) if warmup else 1))
    net, average_of = trainer.state.net, trainer.state.optimizers.average_of
    for weight, y, x in zip(net.parameters(), other.parameters(), written.x, strict=True):
        assert (weight - y).abs().max() < 1e-10
        assert (average_of(weight) - x).abs().max() < 1e-10
    assert not torch.allclose(written.x[0], next(other.parameters()), atol=1e-4)


def test_the_averages_are_evaluated_and_kept_with_statistics_of_their_own(make_trainer: Make) -> None:
    """Statistics are plain means over the first epoch's batches; the training goes on as if nothing was evaluated."""
    settings = ("epochs = 2", "optimizer = schedule_free(sgd(lr=0.5, momentum=0.9))")
    trainer, other = (make_trainer(*settings, network=NORMED, loader=Exact(), dtype=torch.float64) for _ in range(2))
    run(trainer, Recorder())
    other.state.net.train()
    for _ in range(12):
        other.step()
    assert all(
        torch.equal(value, other.state.net.state_dict()[name]) for name, value in trainer.state.net.state_dict().items()
    )
    twin = deepcopy(other.state.net)
    for weight, own in zip(twin.parameters(), other.state.net.parameters(), strict=True):
        weight.data.copy_(other.state.optimizers.average_of(own))
    for module in twin.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.reset_running_stats()
            module.momentum = None  # torch's own plain mean
    with torch.no_grad():
        for index in range(6):
            twin.train()(Exact().training(0, index)[0])
    kept = trainer.state.model()
    for name, value in twin.state_dict().items():
        assert not value.is_floating_point() or (kept[name] - value).abs().max() < 1e-10
    assert isinstance(trainer.state.kept, FreeAverage)


@pytest.mark.parametrize("text", ["sgd(lr=0.5, momentum=0.9)", "adamw(lr=0.01)"])
@pytest.mark.parametrize("stop", [4, 6, 9])
@pytest.mark.parametrize("rest", ["schedule = warmup(1)", "freeze = freeze(conv1, until=1)"])
def test_it_goes_on_exactly(make_trainer: Make, tmp_path: Path, text: str, stop: int, rest: str) -> None:
    settings = ("epochs = 3", f"optimizer = schedule_free({text})", "clip = 1", rest)
    straight, stopped, resumed = (make_trainer(*settings) for _ in range(3))
    whole, before, after = Recorder(), Recorder(), Recorder()
    run(straight, whole)
    run(stopped, before, stop)
    save_checkpoint(tmp_path, stopped.state)
    _, tensors, scalars, _ = load_checkpoint(tmp_path)
    resumed.state.restore(tensors, scalars)
    run(resumed, after)
    assert differences(straight.state, resumed.state) == []
    assert without_time(before.lines + after.lines) == without_time(whole.lines)


@pytest.mark.parametrize("part", ["optimizer/z/", "optimizer/lr_sum/", "optimizer/lr_max/", "snapshot/"])
def test_each_part_of_its_state_matters(make_trainer: Make, part: str) -> None:
    settings = ("epochs = 3", "optimizer = schedule_free(sgd(lr=0.5, momentum=0.9))")
    straight, stopped, resumed = (make_trainer(*settings) for _ in range(3))
    run(straight, Recorder(), 8)
    run(stopped, Recorder(), 7)
    tensors = {name: value + name.startswith(part) for name, value in stopped.state.tensors().items()}
    assert any(name.startswith(part) for name in tensors)
    resumed.state.restore(tensors, stopped.state.scalars())
    run(resumed, Recorder(), 8)
    assert differences(straight.state, resumed.state)


def test_where_weights_thaw_all_begin_from_their_averages(make_trainer: Make) -> None:
    trainer = make_trainer("optimizer = schedule_free(sgd(lr=0.5, momentum=0.9))", "freeze = freeze(conv1, until=1)")
    state = trainer.state
    state.net.train()
    for _ in range(6):
        trainer.step()
    averages = {name: state.optimizers.average_of(weight).clone() for name, weight in state.weights.items()}
    assert not torch.equal(averages["dense1.weight"], state.weights["dense1.weight"])
    state.thaw()
    assert all(torch.equal(weight, averages[name]) for name, weight in state.weights.items())
    assert not state.optimizers.tensors()
