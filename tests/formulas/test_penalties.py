"""L1 and L2 are added to the loss, on the kernels of conv and dense and on nothing else."""

from typing import Any

import pytest
import torch
from torch import Tensor

from specc.backend.build import Net, build
from specc.backend.engine.optimizers import kernel_names, learning
from specc.backend.engine.penalty import Penalty
from specc.backend.initialize import initialize
from specc.check import check
from specc.source import Source

NETWORK = """
network Every {
  input(2, 6x6)
  conv(4, bias=true) -> batch_norm -> prelu
  depthwise_conv(bias=true) -> group_norm(2) -> layer_scale(0.5)
  conv(4, 1x1, groups=2, OWN) -> instance_norm -> relu
  conv_transpose(3) -> layer_norm -> tanh
  flatten -> dense(3)
}
train { REGULARIZE }
"""
KERNELS = ("conv1.weight", "depthwise_conv1.weight", "conv2.weight", "conv_transpose1.weight", "dense1.weight")


def made(regularize: str, own: str) -> tuple[Net, Penalty]:
    setting = f"regularize = {regularize}" if regularize else ""
    text = NETWORK.replace("REGULARIZE", setting).replace("OWN", f"regularize={own}" if own else "bias=true")
    checked = check(Source("net.cnn", text))
    assert checked.graph is not None and checked.train is not None, checked.errors
    net = build(checked.graph)
    initialize(net, 0)
    net.double()
    with torch.no_grad():
        for weight in net.parameters():
            weight.add_(0.1)  # biases and norms away from 0 and 1
    return net, Penalty(checked.train.regularize, kernel_names(checked.graph), learning(net))


def loss_of(net: Net) -> Tensor:
    x = torch.randn(4, 2, 6, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    return torch.nn.functional.cross_entropy(net.train()(x), torch.tensor([0, 1, 2, 0]))


@pytest.mark.parametrize(
    ("regularize", "own", "l1", "l2"),
    [
        ("l1(0.03)", "", [0.03] * 5, [0.0] * 5),
        ("l2(0.02)", "", [0.0] * 5, [0.02] * 5),
        ("l1_l2(0.03, 0.02)", "", [0.03] * 5, [0.02] * 5),
        ("", "l2(0.02)", [0.0] * 5, [0, 0, 0.02, 0, 0]),
        ("l1(0.03)", "l1_l2(0.01, 0.02)", [0.03, 0.03, 0.04, 0.03, 0.03], [0, 0, 0.02, 0, 0]),
    ],
)
def test_loss_and_gradient_are_those_of_the_written_penalty(regularize: str, own: str, l1: Any, l2: Any) -> None:
    """loss + sum l1 |w| + l2 w^2, differentiated by autograd; and by hand, l1 sign(w) + 2 l2 w."""
    net, penalty = made(regularize, own)
    loss_of(net).backward()
    alone = {name: weight.grad.clone() for name, weight in net.named_parameters() if weight.grad is not None}
    penalty.add_gradient()

    other, _ = made(regularize, own)
    weights = dict(other.named_parameters())
    added = sum(
        a * weights[name].abs().sum() + b * (weights[name] ** 2).sum()
        for name, a, b in zip(KERNELS, l1, l2, strict=True)
    )
    (loss_of(other) + added).backward()

    for name, weight in net.named_parameters():
        torch.testing.assert_close(weight.grad, weights[name].grad, msg=name)
        if name not in KERNELS:
            assert weight.grad is not None and torch.equal(weight.grad, alone[name]), f"{name} is no kernel"
    for name, a, b in zip(KERNELS, l1, l2, strict=True):
        w = weights[name].detach()
        torch.testing.assert_close(net.get_parameter(name).grad, alone[name] + a * w.sign() + 2 * b * w)
    assert penalty.value() == pytest.approx(float(added.detach()), rel=1e-12)


def test_a_weight_of_zero_is_left_by_l1() -> None:
    """sign(0) = 0: the subgradient that lets a weight stay at zero."""
    net, penalty = made("l1(0.03)", "")
    kernel = net.get_parameter("conv1.weight")
    with torch.no_grad():
        kernel.zero_()
    loss_of(net).backward()
    assert kernel.grad is not None
    before = kernel.grad.clone()
    penalty.add_gradient()
    assert torch.equal(kernel.grad, before)


def test_l2_is_the_weight_decay_of_twice_its_strength() -> None:
    """Under plain gradient descent (Krogh and Hertz, 1991): w - lr (g + 2 s w) = (1 - 2 lr s) w - lr g."""
    net, penalty = made("l2(0.02)", "")
    kernel = net.get_parameter("dense1.weight")
    before = kernel.detach().clone()
    loss_of(net).backward()
    assert kernel.grad is not None
    gradient = kernel.grad.clone()
    penalty.add_gradient()
    torch.optim.SGD([kernel], lr=0.5).step()
    torch.testing.assert_close(kernel.detach(), (1 - 2 * 0.5 * 0.02) * before - 0.5 * gradient)
