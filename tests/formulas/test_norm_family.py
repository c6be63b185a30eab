"""Instance, layer and group normalization as one family: Wu and He, "Group Normalization", 2018, section 3.

All are x' = (x - m_S) / sqrt(v_S + eps) with the mean and the biased variance over a set S of an image's numbers:
instance norm, one channel; layer norm, the whole image; group norm, C / G channels in a row; and, over channels alone,
one position.
"""

from typing import Any

import pytest
import torch
from torch import Tensor

EPS = 1e-3
N, C, H, W = 5, 6, 4, 3


def gathered(x: Tensor, kind: str) -> Tensor:
    """The numbers of an image as sets x members: N x S x M."""
    if kind == "position":
        return x.permute(0, 2, 3, 1).reshape(len(x), -1, x.shape[1])
    return x.reshape(len(x), int(kind), -1)


def scattered(sets: Tensor, kind: str, shape: torch.Size) -> Tensor:
    """The way back."""
    if kind == "position":
        return sets.reshape(shape[0], shape[2], shape[3], shape[1]).permute(0, 3, 1, 2)
    return sets.reshape(shape)


def written(x: Tensor, kind: str, scale: Tensor, shift: Tensor, of_y: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """y, and the gradients of x, scale and shift where y has the gradient `of_y`.

    With u = dL/dx', members of a set averaged: dL/dx = (u - mean(u) - x' mean(u x')) / deviation.
    """
    sets = gathered(x, kind)
    centered = sets - sets.sum(2, keepdim=True) / sets.shape[2]
    deviation = ((centered**2).sum(2, keepdim=True) / sets.shape[2] + EPS).sqrt()
    normal = scattered(centered / deviation, kind, x.shape)
    over = [0, *range(2, x.dim())]
    scale, shift = (values.view(1, -1, *[1] * (x.dim() - 2)) for values in (scale, shift))

    u, n = gathered(of_y * scale, kind), centered / deviation
    of_x = (u - u.mean(2, keepdim=True) - n * (u * n).mean(2, keepdim=True)) / deviation
    return normal * scale + shift, scattered(of_x, kind, x.shape), (of_y * normal).sum(over), of_y.sum(over)


FAMILY = {
    "instance_norm": str(C),
    "layer_norm(over=image": "1",
    "layer_norm(over=channels": "position",
    "group_norm(1": "1",
    "group_norm(2": "2",
    "group_norm(3": "3",
    "group_norm(6": "6",
}


@pytest.mark.parametrize("layer", FAMILY)
@pytest.mark.parametrize("scale", [True, False])
@pytest.mark.parametrize("shift", [True, False])
@pytest.mark.parametrize("training", [True, False])
def test_forward_and_backward_are_the_definition(
    net_of: Any, numbers: Any, layer: str, scale: bool, shift: bool, training: bool
) -> None:
    call = f"{layer}{', ' if '(' in layer else '('}eps={EPS}, scale={str(scale).lower()}, shift={str(shift).lower()})"
    net = net_of(call, f"{C}, {H}x{W}").train(training)
    learned = dict(net.named_parameters())
    gamma, beta = torch.ones(C, dtype=torch.float64), torch.zeros(C, dtype=torch.float64)
    for name, weight in learned.items():
        gamma, beta = (weight.detach(), beta) if name.endswith("weight") else (gamma, weight.detach())
    assert len(learned) == scale + shift

    x, of_y = numbers(N, C, H, W).requires_grad_(), numbers(N, C, H, W, seed=2)
    y = net(x)
    y.backward(of_y)
    expected = written(x.detach(), FAMILY[layer], gamma, beta, of_y)
    torch.testing.assert_close(y, expected[0])
    torch.testing.assert_close(x.grad, expected[1])
    for name, weight in learned.items():
        torch.testing.assert_close(weight.grad, expected[2 if name.endswith("weight") else 3])


@pytest.mark.parametrize(("layer", "sets"), [("layer_norm", "1"), ("group_norm(3)", "3"), ("group_norm(1)", "1")])
def test_flat_inputs(net_of: Any, numbers: Any, layer: str, sets: str) -> None:
    call = f"{layer[:-1]}, eps={EPS})" if layer.endswith(")") else f"{layer}(eps={EPS})"
    net = net_of(call, "12").train()
    weights = {name.rpartition(".")[2]: weight.detach() for name, weight in net.named_parameters()}
    x, of_y = numbers(N, 12).requires_grad_(), numbers(N, 12, seed=2)
    y = net(x)
    y.backward(of_y)
    expected = written(x.detach(), sets, weights["weight"], weights["bias"], of_y)
    torch.testing.assert_close(y, expected[0])
    torch.testing.assert_close(x.grad, expected[1])


def test_group_norm_of_every_channel_is_instance_norm_and_of_one_group_layer_norm(net_of: Any, numbers: Any) -> None:
    x = numbers(N, C, H, W)
    plain = {name: net_of(name, f"{C}, {H}x{W}", plain=True)(x) for name in ("instance_norm", "layer_norm(over=image)")}
    torch.testing.assert_close(net_of(f"group_norm({C})", f"{C}, {H}x{W}", plain=True)(x), plain["instance_norm"])
    torch.testing.assert_close(net_of("group_norm(1)", f"{C}, {H}x{W}", plain=True)(x), plain["layer_norm(over=image)"])


@pytest.mark.parametrize("layer", ["instance_norm", "layer_norm", "layer_norm(over=image)", "group_norm(2)"])
def test_an_image_is_normalized_alike_in_every_batch(net_of: Any, numbers: Any, layer: str) -> None:
    """What tells the family from batch norm."""
    net, x = net_of(layer, f"{C}, {H}x{W}").train(), numbers(N, C, H, W)
    torch.testing.assert_close(net(x)[2:3], net(x[2:3]))


@pytest.mark.parametrize(
    "layer", ["batch_norm", "instance_norm", "layer_norm", "layer_norm(over=image)", "group_norm(2)"]
)
def test_a_x_plus_b_gives_the_same_for_all_of_them(net_of: Any, numbers: Any, layer: str) -> None:
    call = f"{layer[:-1]}, eps=1e-12)" if layer.endswith(")") else f"{layer}(eps=1e-12)"
    net, x = net_of(call, f"{C}, {H}x{W}").train(), numbers(N, C, H, W)
    torch.testing.assert_close(net(3 * x + 0.7), net(x))
