"""Sharpness-aware minimization against a loop of plain PyTorch in float64, from equation 2 of the paper."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from specc.backend.engine.trainer import Trainer
from specc.backend.execution.plan import make_plan
from specc.backend.memory import needed
from specc.check import check
from specc.source import Source
from tests.backend.engine.test_state import differences, run
from tests.helpers.tiny_training import NETWORK, Exact

Make = Callable[..., Trainer]
NORMED = """
network Tiny {
  input(1, 4x4)
  conv(4, bias=true) -> batch_norm -> relu -> conv(4) -> batch_norm -> relu
  global_avg_pool -> dense(3)
}
"""
RHO = 0.3


def sam(inner: str) -> str:
    return f"optimizer = sam({inner}, rho={RHO})"


def gradients(net: nn.Module, batches: list[tuple[Tensor, Tensor]]) -> list[Tensor]:
    """Of the mean loss over the batches of a step."""
    loss = torch.stack([cross_entropy(net(images), labels) for images, labels in batches]).mean()
    return list(torch.autograd.grad(loss, list(net.parameters())))


def reference(
    net: nn.Module,
    optimizer: torch.optim.Optimizer,
    steps: int,
    accumulate: int = 1,
    l2: float = 0.0,
    clip: float = 0.0,
) -> None:
    """To w + e with e = rho g / |g|; the gradient there; back to w; penalty, clipping and the optimizer's step at w."""
    loader, per_epoch = Exact(), Exact.batches // accumulate
    for step in range(steps):
        epoch, index = divmod(step, per_epoch)
        batches = [loader.training(epoch, index * accumulate + part) for part in range(accumulate)]
        first = gradients(net, batches)
        norm = torch.sqrt(sum(((g**2).sum() for g in first), torch.tensor(0.0)))
        moved = deepcopy(net)  # whose running statistics nobody keeps
        with torch.no_grad():
            for weight, g in zip(moved.parameters(), first, strict=True):
                weight.add_(RHO * g / norm)
        for weight, g in zip(net.parameters(), gradients(moved, batches), strict=True):
            weight.grad = g + (2 * l2 * weight.detach() if weight.dim() > 1 else 0)
        if clip:
            nn.utils.clip_grad_norm_(net.parameters(), clip)
        optimizer.step()


def kernels_apart(net: nn.Module, decay: float) -> list[dict[str, Any]]:
    own = list(net.parameters())
    kernels, others = [w for w in own if w.dim() > 1], [w for w in own if w.dim() < 2]
    return [{"params": kernels, "weight_decay": decay}, {"params": others, "weight_decay": 0.0}]


CASES: dict[str, tuple[str, tuple[str, ...], Callable[[nn.Module], torch.optim.Optimizer], dict[str, Any]]] = {
    "plain": ("sgd(lr=0.1)", (), lambda net: torch.optim.SGD(net.parameters(), 0.1), {}),
    "momentum": (
        "sgd(lr=0.1, momentum=0.9, weight_decay=0.1)",
        (),
        lambda net: torch.optim.SGD(kernels_apart(net, 0.1), 0.1, 0.9),
        {},
    ),
    "adamw": ("adamw(lr=0.01)", (), lambda net: torch.optim.AdamW(kernels_apart(net, 0.01), 0.01), {}),
    "accumulate": (
        "sgd(lr=0.1)",
        ("accumulate = 3",),
        lambda net: torch.optim.SGD(net.parameters(), 0.1),
        {"accumulate": 3},
    ),
    "penalty and clip": (
        "sgd(lr=0.1)",
        ("regularize = l2(0.05)", "clip = 0.2"),
        lambda net: torch.optim.SGD(net.parameters(), 0.1),
        {"l2": 0.05, "clip": 0.2},
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_it_is_a_loop_written_by_hand(make_trainer: Make, case: str) -> None:
    inner, settings, theirs, given = CASES[case]
    trainer = make_trainer(sam(inner), *settings, network=NORMED, loader=Exact(), dtype=torch.float64)
    other = make_trainer(network=NORMED, loader=Exact(), dtype=torch.float64).state.net
    net = trainer.state.net.train()
    for _ in range(8):
        trainer.step()
    reference(other.train(), theirs(other), 8, **given)
    values, expected = net.state_dict(), other.state_dict()
    assert all(torch.allclose(values[name], expected[name], rtol=0, atol=1e-10) for name in values)
    without = make_trainer(f"optimizer = {inner}", *settings, network=NORMED, loader=Exact(), dtype=torch.float64)
    without.state.net.train()
    for _ in range(8):
        without.step()
    assert not torch.allclose(values["conv1.weight"], without.state.net.state_dict()["conv1.weight"], atol=1e-4)


def test_both_passes_draw_the_same(make_trainer: Make) -> None:
    """With a rho that moves nothing the step is that of the optimizer alone, dropout included, bit for bit."""
    trainer = make_trainer("optimizer = sam(sgd(lr=0.1, momentum=0.9), rho=1e-30)", "ema = 0.9")
    other = make_trainer("optimizer = sgd(lr=0.1, momentum=0.9)", "ema = 0.9")
    for one in (trainer, other):
        one.state.net.train()
        for _ in range(7):
            one.step()
    assert differences(trainer.state, other.state) == []


def test_what_is_frozen_is_not_moved_and_counts_for_nothing(make_trainer: Make) -> None:
    settings = (sam("sgd(lr=0.1)"), "freeze = freeze(conv1, batch_norm1, until=1)")
    trainer = make_trainer(*settings, network=NORMED)
    before = deepcopy(trainer.state.net.state_dict())
    trainer.state.net.train()
    for _ in range(6):
        trainer.step()
    after = trainer.state.net.state_dict()
    same = [name for name in before if torch.equal(before[name], after[name])]
    assert same == [name for name in before if name.startswith(("conv1.", "batch_norm1."))]
    trainer.step()
    assert not torch.equal(trainer.state.net.state_dict()["conv1.weight"], before["conv1.weight"])


def test_where_a_scaled_gradient_is_not_finite_no_weight_moves(make_trainer: Make) -> None:
    """The first scales of fp16 are too large: the step is skipped, and the scale falls."""
    trainer = make_trainer(sam("sgd(lr=0.1)"), precision="fp16")
    scaler = trainer.state.scaler
    assert scaler is not None
    scaler.load_state_dict(scaler.state_dict() | {"scale": 3e38})
    scaler.scale(torch.zeros(1))
    before = deepcopy(trainer.state.net.state_dict())
    trainer.state.net.train()
    trainer.step()
    after = trainer.state.net.state_dict()
    assert all(torch.equal(after[name], value) for name, value in before.items() if not name.startswith("batch_norm"))
    assert after["batch_norm1.running_mean"].isfinite().all() and scaler.get_scale() < 3e38
    scaler.update(1024.0)
    trainer.step()
    assert not torch.equal(trainer.state.net.state_dict()["conv1.weight"], before["conv1.weight"])


def test_a_stop_does_not_show(make_trainer: Make, recorder: Any) -> None:
    settings = ("epochs = 2", sam("adamw(lr=0.01)"), "clip = 1", "ema = 0.9")
    straight, stopped, resumed = (make_trainer(*settings) for _ in range(3))
    run(straight, recorder)
    run(stopped, type(recorder)(), 4)
    resumed.state.restore(stopped.state.tensors(), stopped.state.scalars())
    run(resumed, type(recorder)())
    assert differences(straight.state, resumed.state) == []


def test_what_it_costs_is_told() -> None:
    text = NETWORK.replace("input(1, 4x4)", "").replace("dense(3", "dense(10") + "data { source = digits }\n"
    plain = check(Source("net.cnn", text + "train { optimizer = sgd(lr=0.1) }"))
    doubled = check(Source("net.cnn", text + "train { optimizer = sam(sgd(lr=0.1)) }"))
    plans = [
        make_plan(one.trainable().graph, one.trainable().train, torch.device("cpu")).as_dict()
        for one in (plain, doubled)
    ]
    assert "passes" not in plans[0] and plans[1]["passes"]["is"] == "2 forward and 2 backward in a step"
    assert plans[1]["optimizer"] == plans[0]["optimizer"]  # sgd has a fused version
    weights = plain.trainable().graph.parameters
    assert needed(doubled.trainable(), 8) - needed(plain.trainable(), 8) == 4 * weights
