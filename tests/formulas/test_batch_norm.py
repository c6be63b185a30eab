"""Batch normalization against Ioffe and Szegedy, 2015: algorithm 1, and the gradients of its section 3."""

from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor

EPS, MOMENTUM = 1e-3, 0.3
SHAPES = {"map": ("3, 4x5", (6, 3, 4, 5)), "flat": ("5", (7, 5)), "point": ("4, 1x1", (6, 4, 1, 1))}


class Written(NamedTuple):
    """All that the paper names, for x of N x C x ...; statistics and weights are of C."""

    y: Tensor
    mean: Tensor
    variance: Tensor
    of_input: Tensor
    of_variance: Tensor
    of_mean: Tensor
    of_scale: Tensor
    of_shift: Tensor


def written(x: Tensor, scale: Tensor, shift: Tensor, of_y: Tensor) -> Written:
    """Forward, and backward from the loss's gradient `of_y`, as the paper writes them."""
    axes = [axis for axis in range(x.dim()) if axis != 1]
    m = x.numel() / x.shape[1]

    def spread(values: Tensor) -> Tensor:
        return values.view(1, -1, *[1] * (x.dim() - 2))

    mean = x.sum(axes) / m
    centered = x - spread(mean)
    variance = (centered**2).sum(axes) / m
    deviation = (variance + EPS) ** 0.5
    normal = centered / spread(deviation)
    y = spread(scale) * normal + spread(shift)

    of_normal = of_y * spread(scale)
    of_variance = (of_normal * centered).sum(axes) * -0.5 * (variance + EPS) ** -1.5
    of_mean = (of_normal * -1 / spread(deviation)).sum(axes) + of_variance * (-2 * centered).sum(axes) / m
    of_input = of_normal / spread(deviation) + spread(of_variance) * 2 * centered / m + spread(of_mean) / m
    return Written(y, mean, variance, of_input, of_variance, of_mean, (of_y * normal).sum(axes), of_y.sum(axes))


def weights_of(module: Any, channels: int) -> tuple[Tensor, Tensor]:
    """Scale and shift, 1 and 0 where there are none to learn."""
    learned = dict(module.named_parameters())
    one, zero = torch.ones(channels, dtype=torch.float64), torch.zeros(channels, dtype=torch.float64)
    return learned.get("weight", one).detach(), learned.get("bias", zero).detach()


@pytest.mark.parametrize("kind", SHAPES)
@pytest.mark.parametrize("scale", [True, False])
@pytest.mark.parametrize("shift", [True, False])
def test_forward_and_backward_are_the_papers(net_of: Any, numbers: Any, kind: str, scale: bool, shift: bool) -> None:
    shape, batch = SHAPES[kind]
    flags = f"scale={str(scale).lower()}, shift={str(shift).lower()}"
    net = net_of(f"batch_norm(eps={EPS}, momentum={MOMENTUM}, {flags})", shape).train()
    module = net.layers["batch_norm1"]
    x, of_y = numbers(*batch).requires_grad_(), numbers(*batch, seed=2)
    running = module.running_mean.clone(), module.running_var.clone()

    y = net(x)
    y.backward(of_y.view(y.shape))
    expected = written(x.detach(), *weights_of(module, batch[1]), of_y)

    close = torch.testing.assert_close
    close(y.view(batch), expected.y)
    close(x.grad, expected.of_input)
    if scale:
        close(module.weight.grad, expected.of_scale)
    if shift:
        close(module.bias.grad, expected.of_shift)
    count = x.numel() / batch[1]
    close(module.running_mean, (1 - MOMENTUM) * running[0] + MOMENTUM * expected.mean)
    close(module.running_var, (1 - MOMENTUM) * running[1] + MOMENTUM * expected.variance * count / (count - 1))
    assert sum(weight.numel() for weight in module.parameters()) == batch[1] * (scale + shift)


def test_the_gradients_of_mean_and_variance_are_in_what_trains(net_of: Any, numbers: Any) -> None:
    """Both are inside the module. They are read off the gradient of its input, in which they are the two last terms:

    dL/dx - dL/dnormal / deviation = dL/dvariance 2 (x - mean) / m + dL/dmean / m,

    whose sum is dL/dmean, and whose sum times (x - mean) is 2 variance dL/dvariance.
    """
    net = net_of(f"batch_norm(eps={EPS})", "3, 4x5").train()
    module = net.layers["batch_norm1"]
    x, of_y = numbers(6, 3, 4, 5).requires_grad_(), numbers(6, 3, 4, 5, seed=2)
    net(x).backward(of_y)
    expected = written(x.detach(), *weights_of(module, 3), of_y)

    assert x.grad is not None
    centered = x.detach() - expected.mean.view(1, 3, 1, 1)
    direct = of_y * (module.weight.detach() / (expected.variance + EPS) ** 0.5).view(1, 3, 1, 1)
    rest = x.grad - direct
    torch.testing.assert_close(rest.sum((0, 2, 3)), expected.of_mean)
    torch.testing.assert_close((rest * centered).sum((0, 2, 3)) / (2 * expected.variance), expected.of_variance)


def test_what_is_written_here_is_what_autograd_makes_of_the_definition(numbers: Any) -> None:
    """Mean and variance as values of their own, so that autograd gives the gradient of each."""
    x, of_y = numbers(6, 3, 4, 5).requires_grad_(), numbers(6, 3, 4, 5, seed=2)
    scale, shift = torch.rand(2, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    mean = x.mean((0, 2, 3), keepdim=True)
    variance = ((x - mean) ** 2).mean((0, 2, 3), keepdim=True)
    mean.retain_grad()
    variance.retain_grad()
    y = scale.view(1, 3, 1, 1) * (x - mean) / (variance + EPS).sqrt() + shift.view(1, 3, 1, 1)
    y.backward(of_y)
    expected = written(x.detach(), scale, shift, of_y)
    for found, wanted in ((x, expected.of_input), (mean, expected.of_mean), (variance, expected.of_variance)):
        assert found.grad is not None
        torch.testing.assert_close(found.grad.reshape(wanted.shape), wanted)


def test_evaluation_uses_the_running_statistics_and_leaves_them(net_of: Any, numbers: Any) -> None:
    net = net_of(f"batch_norm(eps={EPS})", "3, 4x5").eval()
    state = {name: value.clone() for name, value in net.layers["batch_norm1"].state_dict().items()}
    x = numbers(6, 3, 4, 5)
    mean, variance, scale, shift = (
        state[name].view(1, 3, 1, 1) for name in ("running_mean", "running_var", "weight", "bias")
    )
    torch.testing.assert_close(net(x), (x - mean) / (variance + EPS).sqrt() * scale + shift)
    torch.testing.assert_close(net(x[:1]), net(x)[:1])
    assert all(torch.equal(value, state[name]) for name, value in net.layers["batch_norm1"].state_dict().items())


def test_running_statistics_are_a_moving_mean_over_batches(net_of: Any, numbers: Any) -> None:
    net = net_of(f"batch_norm(momentum={MOMENTUM})", "3, 4x5", plain=True).train()
    module = net.layers["batch_norm1"]
    mean, variance = torch.zeros(3, dtype=torch.float64), torch.ones(3, dtype=torch.float64)
    for seed in range(4):
        x = numbers(6, 3, 4, 5, seed=seed)
        net(x)
        mean += MOMENTUM * (x.mean((0, 2, 3)) - mean)
        variance += MOMENTUM * (x.var((0, 2, 3), correction=1) - variance)
    torch.testing.assert_close(module.running_mean, mean)
    torch.testing.assert_close(module.running_var, variance)
    assert module.num_batches_tracked == 4


def test_a_bias_before_it_changes_nothing(net_of: Any, numbers: Any) -> None:
    """Section 3.2 of the paper: the mean cancels it. That is why `bias=auto` leaves it out."""
    net = net_of("conv(4, bias=true) -> batch_norm", "3, 4x5").train()
    x = numbers(6, 3, 4, 5)
    before = net(x)
    with torch.no_grad():
        net.layers["conv1"].bias += 3.0
    torch.testing.assert_close(net(x), before)
    net(x).square().sum().backward()
    assert net.layers["conv1"].bias.grad.abs().max() < 1e-8
    assert net_of("conv(4) -> batch_norm", "3, 4x5").layers["conv1"].bias is None
