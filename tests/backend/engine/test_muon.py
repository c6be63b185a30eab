"""Muon and LAMB against torch's own, and against their formulas in float64."""

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from specc.backend.engine.lamb import Lamb
from specc.backend.engine.muon import Muon, orthogonal
from specc.backend.engine.trainer import Trainer

SHAPES = [(8, 3, 3, 3), (8, 3, 3, 3), (4, 8, 1, 1), (12, 5), (6, 6)]


def parameters(seed: int = 0) -> list[nn.Parameter]:
    source = torch.Generator().manual_seed(seed)
    return [nn.Parameter(torch.randn(shape, generator=source)) for shape in SHAPES]


def gradient(weight: Tensor, step: int) -> Tensor:
    """One that depends on the weight, so that a wrong step leads astray."""
    source = torch.Generator().manual_seed(step)
    return 0.1 * weight.detach() + torch.randn(weight.shape, generator=source)


@pytest.mark.parametrize("shape", [(5, 9), (9, 5), (7, 7)])
def test_newton_schulz_keeps_the_directions_and_brings_the_sizes_near_one(shape: tuple[int, int]) -> None:
    matrices = torch.randn(3, *shape, generator=torch.Generator().manual_seed(0))
    found = orthogonal(matrices, 5, torch.float32).double()
    u, _, v = torch.linalg.svd(matrices.double(), full_matrices=False)
    sizes = u.mT @ found @ v.mT
    assert sizes.diagonal(dim1=1, dim2=2).sub(1).abs().max() < 0.5
    assert (sizes - torch.diag_embed(sizes.diagonal(dim1=1, dim2=2))).abs().max() < 1e-4


@pytest.mark.parametrize("nesterov", [True, False])
def test_as_torchs_muon_on_matrices(monkeypatch: pytest.MonkeyPatch, nesterov: bool) -> None:
    monkeypatch.setattr("specc.backend.engine.muon.native_bf16", lambda device: True)  # torch's is always in bf16
    options: dict[str, Any] = {"lr": 0.05, "momentum": 0.9, "nesterov": nesterov, "weight_decay": 0.1}
    ours, theirs = ([p for p in parameters() if p.dim() == 2] for _ in range(2))
    pair = (ours, Muon(ours, steps=5, **options)), (theirs, torch.optim.Muon(theirs, ns_steps=5, **options))
    for step in range(6):
        for weights, optimizer in pair:
            for weight in weights:
                weight.grad = gradient(weight, step)
            optimizer.step()
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=2e-3)  # a step is rounded to 8 bits


def test_filters_by_the_rest_in_float64(monkeypatch: pytest.MonkeyPatch) -> None:
    """As airbench94_muon does: momentum, the kernel brought to its norm, the step; one kernel after the other."""
    monkeypatch.setattr("specc.backend.engine.muon.native_bf16", lambda device: False)
    weights = [p for p in parameters() if p.dim() == 4]
    mine = [w.detach().double() for w in weights]
    buffers = [torch.zeros_like(w) for w in mine]
    optimizer = Muon(weights, lr=0.1, momentum=0.6, nesterov=True, steps=3, normalize=True)
    for step in range(4):
        for weight in weights:
            weight.grad = gradient(weight, step)
        gradients = [w.grad.double() for w in weights if w.grad is not None]
        optimizer.step()
        for w, g, buffer in zip(mine, gradients, buffers, strict=True):
            buffer.mul_(0.6).add_(g)
            x = (g + 0.6 * buffer).reshape(len(g), -1)
            x = x / x.norm()
            for _ in range(3):
                a = x @ x.T
                x = 3.4445 * x + (-4.7750 * a + 2.0315 * a @ a) @ x
            w.mul_(len(w) ** 0.5 / w.norm())
            w.sub_(0.1 * max(1, math.prod(w.shape[:1]) / math.prod(w.shape[1:])) ** 0.5 * x.view(w.shape))
    for weight, expected in zip(weights, mine, strict=True):
        torch.testing.assert_close(weight.detach().double(), expected, rtol=1e-4, atol=1e-5)


def test_lamb_in_float64() -> None:
    weights = [*parameters(), nn.Parameter(torch.zeros(5))]  # a bias that starts at zero: the ratio is 1 there
    mine = [w.detach().double() for w in weights]
    means, squares = ([torch.zeros_like(w) for w in mine] for _ in range(2))
    optimizer = Lamb(weights, lr=0.02, betas=(0.8, 0.95), eps=1e-4, weight_decay=0.1)
    for step in range(1, 6):
        for weight in weights:
            weight.grad = gradient(weight, step)
        gradients = [w.grad.double() for w in weights if w.grad is not None]
        optimizer.step()
        for w, g, m, v in zip(mine, gradients, means, squares, strict=True):
            m.copy_(0.8 * m + 0.2 * g)
            v.copy_(0.95 * v + 0.05 * g * g)
            r = (m / (1 - 0.8**step)) / ((v / (1 - 0.95**step)).sqrt() + 1e-4) + 0.1 * w
            w.sub_(0.02 * (w.norm() / r.norm() if w.norm() > 0 else 1.0) * r)
    for weight, expected in zip(weights, mine, strict=True):
        torch.testing.assert_close(weight.detach().double(), expected, rtol=1e-4, atol=1e-5)


def test_lamb_without_the_ratio_is_adamw(monkeypatch: pytest.MonkeyPatch) -> None:
    """A weight of norm 1 whose update has norm 1 moves by the rate itself."""
    weight = nn.Parameter(torch.tensor([1.0, 0.0]))
    weight.grad = torch.tensor([0.0, 3.0])
    Lamb([weight], lr=0.1, weight_decay=0.0, eps=1e-12).step()
    torch.testing.assert_close(weight.detach(), torch.tensor([1.0, -0.1]))


@pytest.mark.parametrize(
    ("optimizer", "by_muon"),
    [
        ("muon", {"conv1.weight", "conv2.weight"}),
        ("muon(last=true)", {"conv1.weight", "conv2.weight", "dense1.weight"}),
    ],
)
def test_muon_moves_kernels_and_leaves_the_rest(
    make_trainer: Callable[..., Trainer], optimizer: str, by_muon: set[str]
) -> None:
    state = make_trainer(f"optimizer = {optimizer}").state
    owners = {name: state.optimizers._owner[weight] for name, weight in state.weights.items()}
    assert {name for name, owner in owners.items() if isinstance(owner, Muon)} == by_muon
    others = {name: owner for name, owner in owners.items() if name not in by_muon}
    assert others and all(isinstance(owner, torch.optim.AdamW) for owner in others.values())
