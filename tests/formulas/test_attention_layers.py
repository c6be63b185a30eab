"""What gates channels and positions: global response normalization, statistics of channels, products and maxima."""

from typing import Any

import numpy as np
import pytest
import torch


@pytest.mark.parametrize("eps", [1e-6, 0.5])
def test_global_response_norm_is_convnexts(net_of: Any, numbers: Any, eps: float) -> None:
    """Woo et al., 2023, algorithm 1: g = |x| over the map, n = g / (mean of g + eps), y = gamma * x * n + beta + x."""
    net, x = net_of(f"global_response_norm({eps})", "6, 5x4"), numbers(3, 6, 5, 4).requires_grad_()
    gamma, beta = (value.detach().numpy()[:, None, None] for value in net.state_dict().values())
    values = x.detach().numpy()
    size = np.sqrt((values**2).sum((2, 3), keepdims=True))
    response = size / (size.sum(1, keepdims=True) / 6 + eps)
    np.testing.assert_allclose(net(x).detach().numpy(), gamma * (values * response) + beta + values, rtol=1e-12)
    assert torch.autograd.gradcheck(net, x)


def test_global_response_norm_starts_as_the_identity(net_of: Any, numbers: Any) -> None:
    x = numbers(3, 6, 5, 4)
    assert torch.equal(net_of("global_response_norm", plain=True)(x), x)


def test_an_empty_map_has_a_gradient(net_of: Any) -> None:
    """The norm of zeros has none of its own."""
    x = torch.zeros(1, 6, 5, 4, dtype=torch.float64, requires_grad=True)
    net_of("global_response_norm")(x).sum().backward()
    assert x.grad is not None and torch.isfinite(x.grad).all()


def test_statistics_of_the_channels(net_of: Any, numbers: Any) -> None:
    x = numbers(3, 6, 5, 4)
    both = net_of("concat { | channel_mean | channel_max }")(x)
    expected = np.stack([x.numpy().sum(1) / 6, x.numpy().max(1)], 1)
    np.testing.assert_allclose(both.numpy(), expected, rtol=1e-12)


def test_products_spread_channels_and_positions(net_of: Any, numbers: Any) -> None:
    x = numbers(3, 6, 5, 4)
    gated = net_of("multiply { | channel_max | identity | global_avg_pool }")(x).numpy()
    expected = x.numpy() * x.numpy().max(1)[:, None] * x.numpy().mean((2, 3))[:, :, None, None]
    np.testing.assert_allclose(gated, expected, rtol=1e-12)


def test_the_largest_of_branches(net_of: Any, numbers: Any) -> None:
    """Goodfellow et al., 2013: max_j z_j, number by number; the gradient goes to the branch that was the largest."""
    x = numbers(3, 6, 5, 4).requires_grad_()
    y = net_of("maximum { | scale(0.5) | scale(-2) | identity }")(x)
    values = x.detach().numpy()
    np.testing.assert_array_equal(y.detach().numpy(), np.where(values > 0, values, -2 * values))
    y.sum().backward()
    assert x.grad is not None
    np.testing.assert_array_equal(x.grad.numpy(), np.where(values > 0, 1, -2))


def test_a_learned_scale_is_one_number(net_of: Any, numbers: Any) -> None:
    """De and Smith, 2020: alpha * x, with alpha = 0 at the start."""
    net, x = net_of("scale(0, learned=true)"), numbers(3, 6, 5, 4)
    (alpha,) = net.parameters()
    assert alpha.shape == () and alpha.item() == 0 and not net(x).any()
    net(x).sum().backward()
    torch.testing.assert_close(alpha.grad, x.sum())


@pytest.mark.parametrize("size", [(5, 4), (2, 3), (3, 7)])
def test_adaptive_maxima(net_of: Any, numbers: Any, size: tuple[int, int]) -> None:
    x = numbers(3, 6, 5, 4).numpy()
    rows, columns = (
        [range(i * n // m, -((i + 1) * n // -m)) for i in range(m)] for n, m in zip((5, 4), size, strict=True)
    )
    expected = [[x[:, :, r][..., c].max((2, 3)) for c in columns] for r in rows]
    found = net_of(f"adaptive_max_pool({size[0]}x{size[1]})")(torch.from_numpy(x)).numpy()
    np.testing.assert_array_equal(found, np.array(expected).transpose(2, 3, 0, 1))


@pytest.mark.parametrize(
    "norm", ["batch_norm", "instance_norm", "layer_norm", "layer_norm(over=image)", "group_norm(2)"]
)
def test_what_a_norm_starts_at(net_of: Any, numbers: Any, norm: str) -> None:
    x = numbers(3, 6, 5, 4)
    started = f"{norm[:-1]}, init_scale=0.25)" if norm.endswith(")") else f"{norm}(init_scale=0.25)"
    one, quarter = (net_of(call, plain=True).train() for call in (norm, started))
    torch.testing.assert_close(quarter(x), one(x) / 4)
