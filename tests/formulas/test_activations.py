"""Activations and their slopes against the formulas of the papers, in float64."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy import special

Numbers = NDArray[np.float64]
Function = Callable[[Numbers], Numbers]


def sigma(x: Numbers) -> Numbers:
    return 1 / (1 + np.exp(-x))


def soft(x: Numbers) -> Numbers:
    return np.log1p(np.exp(-np.abs(x))) + np.maximum(x, 0)


def six(x: Numbers) -> Numbers:
    return np.minimum(np.maximum(x + 3, 0), 6)


def within(x: Numbers) -> Numbers:
    return ((x > -3) & (x < 3)).astype(np.float64)


LAMBDA, ALPHA = 1.0507009873554804934193349852946, 1.6732632423543772848170429916717

# The function, its slope, and where it comes from.
FORMULAS: dict[str, tuple[Function, Function]] = {
    "relu": (lambda x: np.maximum(x, 0), lambda x: (x > 0).astype(np.float64)),
    "relu6": (lambda x: x.clip(0, 6), lambda x: ((x > 0) & (x < 6)).astype(np.float64)),  # Krizhevsky, 2010
    "leaky_relu": (lambda x: np.where(x > 0, x, 0.01 * x), lambda x: np.where(x > 0, 1, 0.01)),  # Maas et al., 2013
    "leaky_relu(0.3)": (lambda x: np.where(x > 0, x, 0.3 * x), lambda x: np.where(x > 0, 1, 0.3)),
    "prelu": (lambda x: np.where(x > 0, x, 0.25 * x), lambda x: np.where(x > 0, 1, 0.25)),  # He et al., 2015
    "elu": (lambda x: np.where(x > 0, x, np.expm1(x)), lambda x: np.where(x > 0, 1, np.exp(x))),  # Clevert, 2015
    "elu(0.7)": (lambda x: np.where(x > 0, x, 0.7 * np.expm1(x)), lambda x: np.where(x > 0, 1, 0.7 * np.exp(x))),
    "selu": (  # Klambauer et al., 2017
        lambda x: LAMBDA * np.where(x > 0, x, ALPHA * np.expm1(x)),
        lambda x: LAMBDA * np.where(x > 0, 1, ALPHA * np.exp(x)),
    ),
    "gelu": (  # Hendrycks and Gimpel, 2016: x Phi(x), not the tanh that comes near it
        lambda x: x * special.ndtr(x),
        lambda x: special.ndtr(x) + x * np.exp(-(x**2) / 2) / math.sqrt(2 * math.pi),
    ),
    "silu": (lambda x: x * sigma(x), lambda x: sigma(x) * (1 + x * (1 - sigma(x)))),  # Ramachandran et al., 2017
    "mish": (  # Misra, 2019
        lambda x: x * np.tanh(soft(x)),
        lambda x: np.tanh(soft(x)) + x * (1 - np.tanh(soft(x)) ** 2) * sigma(x),
    ),
    "hard_swish": (  # Howard et al., 2019
        lambda x: x * six(x) / 6,
        lambda x: np.where(x >= 3, 1, within(x) * (2 * x + 3) / 6),
    ),
    "hard_sigmoid": (lambda x: six(x) / 6, lambda x: within(x) / 6),
    "sigmoid": (sigma, lambda x: sigma(x) * (1 - sigma(x))),
    "tanh": (np.tanh, lambda x: 1 - np.tanh(x) ** 2),
    "softplus": (soft, sigma),  # Dugas et al., 2001
}


@pytest.mark.parametrize("call", FORMULAS)
def test_function_and_slope(net_of: Any, call: str) -> None:
    """At 1,000 places from -15 to 15, none of which is a kink."""
    net = net_of(call, "1", plain=True)
    x = torch.linspace(-15, 15, 1000, dtype=torch.float64).unsqueeze(1).requires_grad_()
    y = net(x)
    y.sum().backward()
    function, slope = FORMULAS[call]
    assert x.grad is not None
    places = x.detach().numpy()
    np.testing.assert_allclose(y.detach().numpy(), function(places), rtol=1e-12, atol=1e-14)
    rough = 1e-7 if call == "hard_sigmoid" else 1e-11  # whose slope of 1/6 torch keeps in single precision
    np.testing.assert_allclose(x.grad.numpy(), slope(places), rtol=rough, atol=1e-14)


def test_every_activation_has_its_formula() -> None:
    from specc.ops import OPS

    named = {call.partition("(")[0] for call in FORMULAS}
    assert named | {"softmax"} == {op.name for op in OPS.values() if op.group == "activation"}


def test_prelu_learns_a_slope_for_each_channel(net_of: Any, numbers: Any) -> None:
    net = net_of("prelu", "6, 4x5")
    slope = net.layers["prelu1"].weight
    x, of_y = numbers(3, 6, 4, 5).requires_grad_(), numbers(3, 6, 4, 5, seed=2)
    y = net(x)
    y.backward(of_y)
    negative, by_channel = (x < 0).double().detach(), slope.detach().view(1, 6, 1, 1)
    torch.testing.assert_close(y, x * (1 - negative) + by_channel * x * negative)
    torch.testing.assert_close(x.grad, of_y * (1 - negative + by_channel * negative))
    torch.testing.assert_close(slope.grad, (of_y * x.detach() * negative).sum((0, 2, 3)))


def test_softmax_and_its_jacobian(net_of: Any, numbers: Any) -> None:
    """p_i = exp(x_i) / sum exp(x_j), dL/dx = p (g - sum p g). Behind it stands a layer, or it would be in the loss."""
    net = net_of("softmax -> scale(1)", "6, 2x3")
    x, g = numbers(4, 6, 2, 3).requires_grad_(), numbers(4, 6, 2, 3, seed=2)
    p = net(x)
    p.backward(g)
    exponentials = x.detach().exp()
    expected = exponentials / exponentials.sum(1, keepdim=True)
    torch.testing.assert_close(p, expected)
    torch.testing.assert_close(x.grad, expected * (g - (expected * g).sum(1, keepdim=True)))


def test_selu_keeps_mean_0_and_variance_1() -> None:
    """The fixed point from which the paper takes its two constants, by quadrature."""
    z = np.linspace(-12, 12, 400_001)
    weight = np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi) * (z[1] - z[0])
    values = FORMULAS["selu"][0](z)
    assert abs((values * weight).sum()) < 1e-9
    assert abs((values**2 * weight).sum() - 1) < 1e-9
