"""Initializers, through the language: the variance that their papers ask for, over every kind of kernel.

He et al., 2015: var = 2 / n_in, or 2 / n_out (equation 14), over 1 + slope^2 before a leaky relu. Glorot and Bengio,
2010: var = 2 / (n_in + n_out), between 1 / n_in (equation 10) and 1 / n_out (11). LeCun et al., 1998: 1 / n_in.
A uniform law on (-b, b) has the variance b^2 / 3. `n_in` are the products that are summed into one number of the
output, `n_out` the numbers of the output into which one of the input goes (at stride 1).
"""

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch

from specc.backend.build import Net
from specc.backend.initialize import truncated_normal
from specc.values import Args
from specc.vocabulary.family import Initializer
from specc.vocabulary.registry import component
from specc.vocabulary.weight import Fans

# The layer, the shape that flows in, n_in, n_out.
LAYERS: dict[str, tuple[str, float, float]] = {
    "conv(80, 3x3": ("24, 6x6", 24 * 9, 80 * 9),
    "conv(64, 1x1": ("96, 6x6", 96, 64),
    "conv(40, 1x7, stride=2": ("32, 9x9", 32 * 7, 40 * 7),
    "conv(60, 3x3, dilation=2": ("30, 9x9", 30 * 9, 60 * 9),
    "conv(48, 2x3, padding=same": ("40, 9x9", 40 * 6, 48 * 6),
    "conv(96, 3x3, groups=4": ("48, 6x6", 12 * 9, 24 * 9),
    "conv(96, 3x3, groups=48, dilation=2": ("48, 9x9", 9, 2 * 9),
    "depthwise_conv(5x5": ("200, 9x9", 25, 25),
    "depthwise_conv(3x3, multiplier=3": ("160, 6x6", 9, 3 * 9),
    "depthwise_conv(3x3, dilation=3, stride=2": ("300, 12x12", 9, 9),
    "conv_transpose(60, 2x2": ("64, 4x4", 64, 60 * 4),  # at stride 2 each output pixel sees one tap
    "conv_transpose(30, 4x4, stride=2, padding=1": ("48, 4x4", 48 * 4, 30 * 16),
    "conv_transpose(30, 3x3, stride=1, padding=1": ("40, 4x4", 40 * 9, 30 * 9),
    "dense(90": ("130", 130, 90),
}

VARIANCES: dict[str, Callable[[float, float], float]] = {
    "he_normal": lambda n_in, n_out: 2 / n_in,
    "he_uniform": lambda n_in, n_out: 2 / n_in,
    "glorot_normal": lambda n_in, n_out: 2 / (n_in + n_out),
    "glorot_uniform": lambda n_in, n_out: 2 / (n_in + n_out),
    "he_normal(out)": lambda n_in, n_out: 2 / n_out,
    "he_uniform(fan=out, slope=0.2)": lambda n_in, n_out: 2 / (1.04 * n_out),
    "he_normal(in, slope=0.5)": lambda n_in, n_out: 2 / (1.25 * n_in),
    "glorot_normal(in)": lambda n_in, n_out: 1 / n_in,
    "glorot_uniform(fan=out)": lambda n_in, n_out: 1 / n_out,
    "lecun_normal": lambda n_in, n_out: 1 / n_in,
    "normal(0.02)": lambda n_in, n_out: 0.02**2,
}


def kernel(net: Net) -> torch.Tensor:
    (weight,) = (value for name, value in net.named_parameters() if name.endswith("weight"))
    return weight.detach()


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("init", VARIANCES)
def test_variance_and_law(net_of: Any, layer: str, init: str) -> None:
    """The first four moments within five standard errors of what as many independent draws give."""
    shape, n_in, n_out = LAYERS[layer]
    net = net_of(f"{layer}, init={init}, bias=true)", shape, plain=True)
    w = kernel(net).flatten()
    variance, uniform = VARIANCES[init](n_in, n_out), "uniform" in init
    z, n = w / math.sqrt(variance), w.numel()
    moments = [0, 1, 0, 9 / 5, 0, 27 / 7, 0, 9] if uniform else [0, 1, 0, 3, 0, 15, 0, 105]
    for power in (1, 2, 3, 4):
        mean, square = moments[power - 1], moments[2 * power - 1]
        assert abs(z.pow(power).mean().item() - mean) < 5 * math.sqrt((square - mean**2) / n), f"moment {power}"
    if uniform:
        bound = math.sqrt(3 * variance)
        assert bound * (1 - 20 / n) < w.abs().max() <= bound * (1 + 1e-6)
    assert all(not value.any() for name, value in net.named_parameters() if name.endswith("bias"))


@pytest.mark.parametrize("layer", LAYERS)
def test_no_two_weights_are_tied(net_of: Any, layer: str) -> None:
    """Neighbors, groups and filters are drawn independently: each correlation is within five standard errors of 0."""
    shape, n_in, _ = LAYERS[layer]
    z = kernel(net_of(f"{layer}, init=he_normal)", shape)) / math.sqrt(2 / n_in)
    for axis, length in enumerate(z.shape):
        if length > 1:
            products = z.narrow(axis, 1, length - 1) * z.narrow(axis, 0, length - 1)
            assert abs(products.mean().item()) < 5 / math.sqrt(products.numel())
        assert len(z.flatten().unique()) > 0.999 * z.numel()


@pytest.mark.parametrize(
    "layer", ["conv(64, 3x3, groups=4", "conv(64, 3x3, dilation=2", "depthwise_conv(3x3, multiplier=2", "dense(400"]
)
def test_he_normal_keeps_the_mean_square_through_relu(net_of: Any, layer: str) -> None:
    """What the variance is for (He et al., equation 10): E[y^2] = n_in var(w) E[relu(x)^2] = E[x^2], within borders."""
    shape = "400" if layer.startswith("dense") else "64, 20x20"
    net = net_of(f"relu -> {layer}, init=he_normal, bias=false)", shape, plain=True)
    sizes = (200, 400) if layer.startswith("dense") else (6, 64, 20, 20)
    x = torch.randn(*sizes, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    y = net(x).detach()
    inner = y if y.dim() == 2 else y[:, :, 3:-3, 3:-3]
    # The weights are shared over the positions, so that their own sum of squares is what varies.
    weights = y.shape[1] * (400 if layer.startswith("dense") else 9)
    assert inner.square().mean().item() == pytest.approx(1, abs=5 * math.sqrt(2 / weights) + 0.02)


@pytest.mark.parametrize("layer", ["conv(64, 3x3", "conv_transpose(30, 3x3, stride=1, padding=1", "dense(400"])
@pytest.mark.parametrize(("init", "slope"), [("he_normal(out)", 0.0), ("he_normal(out, slope=0.3)", 0.3)])
def test_he_of_fan_out_keeps_the_gradient_through_leaky_relu(net_of: Any, layer: str, init: str, slope: float) -> None:
    """He et al., equation 14: the gradient before a layer and its rectifier has the mean square of that behind it."""
    shape, sizes = ("400", (400, 400)) if layer.startswith("dense") else ("64, 20x20", (6, 64, 20, 20))
    net = net_of(f"{layer}, init={init}, bias=false) -> leaky_relu({slope})", shape, plain=True)
    source = torch.Generator().manual_seed(4)
    x = torch.randn(*sizes, dtype=torch.float64, generator=source, requires_grad=True)
    y = net(x)
    y.backward(torch.randn(y.shape, dtype=torch.float64, generator=source))
    assert x.grad is not None
    inner = x.grad if x.grad.dim() == 2 else x.grad[:, :, 3:-3, 3:-3]
    assert inner.square().mean().item() == pytest.approx(1, rel=0.1)


def test_truncated_normal(net_of: Any) -> None:
    """Normal between -2 and 2 standard deviations, nothing beyond; the deviation is the one before the cut.

    Of such numbers, z = w / std, the integral of z^k phi(z) over (-2, 2), over its mass.
    """
    z = kernel(net_of("dense(500, init=truncated_normal(0.02))", "400", plain=True)).flatten() / 0.02
    assert 1.999 < z.abs().max() <= 2
    grid = torch.linspace(-2, 2, 100_001, dtype=torch.float64)
    density = torch.exp(-grid.square() / 2)
    moments = [float((grid**k * density).sum() / density.sum()) for k in range(9)]
    assert math.sqrt(moments[2]) == pytest.approx(0.8796, abs=1e-4)
    for k in (1, 2, 3, 4):
        error = 5 * math.sqrt((moments[2 * k] - moments[k] ** 2) / z.numel())
        assert abs(z.pow(k).mean().item() - moments[k]) < error, f"moment {k}"
    variance = component(Initializer, "truncated_normal").variance
    assert variance is not None
    assert variance(Fans(400, 500, 500), Args(std=0.02)) == pytest.approx(0.0004 * moments[2], rel=1e-4)


def test_truncated_normal_is_torchs() -> None:
    """torch.nn.init.trunc_normal_ with its bounds in units of the deviation."""
    ours, theirs = torch.empty(30, 40), torch.empty(30, 40)
    truncated_normal(ours, Fans(40, 30, 30), Args(std=0.5), torch.Generator().manual_seed(0))
    torch.nn.init.trunc_normal_(theirs, 0, 0.5, -1, 1, torch.Generator().manual_seed(0))
    assert torch.equal(ours, theirs)


def test_the_default_fans_give_the_weights_that_they_always_gave(net_of: Any) -> None:
    for plain, full in (("he_normal", "he_normal(in, slope=0)"), ("glorot_uniform", "glorot_uniform(average)")):
        one, other = (kernel(net_of(f"conv(8, init={init})", "4, 6x6")) for init in (plain, full))
        assert torch.equal(one, other)
