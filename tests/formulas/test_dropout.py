"""Inverted dropout of three sizes (Srivastava et al., 2014; Tompson et al., 2015; Huang et al., 2016), and noise."""

from typing import Any

import pytest
import torch
from torch import Tensor

# Of N x C x H x W: what is kept or dropped as one.
KINDS = {"dropout": (1, 1, 1, 1), "spatial_dropout": (1, 1, 4, 5), "drop_path": (1, 6, 4, 5)}
SHAPE = "6, 4x5"


def drawn(net: Any, x: Tensor, seed: int = 0) -> Tensor:
    torch.manual_seed(seed)
    y: Tensor = net(x)
    return y


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_what_is_kept_is_divided_by_one_minus_p(net_of: Any, numbers: Any, kind: str, p: float) -> None:
    """y = mask x / (1 - p), dL/dx = mask / (1 - p) dL/dy, to the last digits of float64."""
    net = net_of(f"{kind}({p})", SHAPE).train()
    x, of_y = numbers(60, 6, 4, 5).requires_grad_(), numbers(60, 6, 4, 5, seed=2)
    y = drawn(net, x)
    y.backward(of_y)
    mask = (y != 0).double()
    torch.testing.assert_close(y, mask * x / (1 - p), rtol=1e-14, atol=0)
    torch.testing.assert_close(x.grad, mask * of_y / (1 - p), rtol=1e-14, atol=0)

    whole = KINDS[kind]
    units = mask.unfold(1, whole[1], whole[1]).unfold(2, whole[2], whole[2]).unfold(3, whole[3], whole[3]).flatten(-3)
    assert (units == units[..., :1]).all()  # dropped as a whole, or not at all
    kept, count = units[..., 0].sum().item(), units[..., 0].numel()
    assert abs(kept - count * (1 - p)) < 5 * (count * p * (1 - p)) ** 0.5


@pytest.mark.parametrize("kind", KINDS)
def test_the_mean_is_kept(net_of: Any, kind: str) -> None:
    """E[mask / (1 - p)] = 1, with variance p / (1 - p) for each unit that is drawn."""
    net, p = net_of(f"{kind}(0.4)", SHAPE).train(), 0.4
    x = torch.ones(4000, 6, 4, 5, dtype=torch.float64)
    units = x.numel() / torch.tensor(KINDS[kind]).prod().item()
    assert abs(drawn(net, x).mean().item() - 1) < 5 * (p / (1 - p) / units) ** 0.5


@pytest.mark.parametrize("layer", [*(f"{kind}(0.4)" for kind in KINDS), "gaussian_noise(0.3)"])
def test_in_evaluation_nothing_happens(net_of: Any, numbers: Any, layer: str) -> None:
    net, x = net_of(layer, SHAPE).eval(), numbers(5, 6, 4, 5)
    assert torch.equal(net(x), x)


@pytest.mark.parametrize("layer", [*(f"{kind}(0)" for kind in KINDS), "gaussian_noise(0)"])
def test_at_zero_nothing_happens_in_training_either(net_of: Any, numbers: Any, layer: str) -> None:
    net, x = net_of(layer, SHAPE).train(), numbers(5, 6, 4, 5)
    assert torch.equal(net(x), x)


@pytest.mark.parametrize("layer", [*(f"{kind}(0.4)" for kind in KINDS), "gaussian_noise(0.3)"])
def test_each_step_draws_anew_and_a_seed_draws_the_same(net_of: Any, numbers: Any, layer: str) -> None:
    net, x = net_of(layer, SHAPE).train(), numbers(20, 6, 4, 5)
    assert torch.equal(drawn(net, x, 1), drawn(net, x, 1))
    assert not torch.equal(drawn(net, x, 1), drawn(net, x, 2))


def test_noise_is_normal_and_added(net_of: Any, numbers: Any) -> None:
    net = net_of("gaussian_noise(0.3)", SHAPE).train()
    x, of_y = numbers(400, 6, 4, 5).requires_grad_(), numbers(400, 6, 4, 5, seed=2)
    y = drawn(net, x)
    y.backward(of_y)
    assert torch.equal(x.grad, of_y)
    noise = ((y - x).detach() / 0.3).flatten()
    n = noise.numel()
    for power, moment, variance in ((1, 0, 1), (2, 1, 2), (3, 0, 15), (4, 3, 96)):
        assert abs(noise.pow(power).mean().item() - moment) < 5 * (variance / n) ** 0.5


def test_a_dropped_path_leaves_the_skip(net_of: Any, numbers: Any) -> None:
    """Stochastic depth: in training x + mask f(x) / (1 - p) for each image, in evaluation x + f(x)."""
    net = net_of("residual { conv(6) -> drop_path(0.5) }", SHAPE)
    x = numbers(40, 6, 4, 5)
    branch = net.eval()(x) - x
    added = drawn(net.train(), x) - x
    dropped = (added == 0).flatten(1).all(1)
    assert 8 < dropped.sum() < 32
    torch.testing.assert_close(added[~dropped], 2 * branch[~dropped])
