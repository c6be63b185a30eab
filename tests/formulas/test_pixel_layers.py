"""Local response normalization and blurred pooling, written out with loops."""

import math
from typing import Any

import numpy as np
import pytest
import torch


@pytest.mark.parametrize("size", [1, 3, 5])
def test_local_response_norm_is_alexnets(net_of: Any, numbers: Any, size: int) -> None:
    """b_i = a_i / (k + alpha / n sum over the n channels around i of a_j^2)^beta (Krizhevsky et al., 2012, 3.3)."""
    k, alpha, beta = 2.0, 0.7, 0.75
    net = net_of(f"local_response_norm({size}, alpha={alpha}, beta={beta}, k={k})", "6, 4x5")
    x, of_y = numbers(3, 6, 4, 5).requires_grad_(), numbers(3, 6, 4, 5, seed=2)
    y = net(x)
    y.backward(of_y)
    a, g = x.detach().numpy(), of_y.numpy()
    near = [range(max(0, i - size // 2), min(6, i + size // 2 + 1)) for i in range(6)]
    base = np.stack([k + alpha / size * sum(a[:, j] ** 2 for j in near[i]) for i in range(6)], 1)
    np.testing.assert_allclose(y.detach().numpy(), a / base**beta, rtol=1e-12)
    # db_i/da_j = [i = j] base_i^-beta - 2 alpha beta / n a_i a_j base_i^(-beta - 1) where j is near i
    slope = g * a * base ** (-beta - 1)
    expected = g * base**-beta
    for j in range(6):
        expected[:, j] -= 2 * alpha * beta / size * a[:, j] * sum(slope[:, i] for i in range(6) if j in near[i])
    assert x.grad is not None
    np.testing.assert_allclose(x.grad.numpy(), expected, rtol=1e-10)


@pytest.mark.parametrize("size", [2, 3, 4, 5])
@pytest.mark.parametrize("sides", [(7, 8), (6, 5)])
def test_blur_pool_is_a_binomial_filter_on_every_second_pixel(
    net_of: Any, numbers: Any, size: int, sides: tuple[int, int]
) -> None:
    """Zhang, "Making convolutional networks shift-invariant again", 2019: [1 2 1] / 4 and its kin, mirrored borders."""
    height, width = sides
    net = net_of(f"blur_pool({size})", f"2, {height}x{width}")
    x = numbers(3, 2, height, width).requires_grad_()
    y = net(x)
    row = np.array([math.comb(size - 1, i) for i in range(size)]) / 2 ** (size - 1)
    before, after = (size - 1) // 2, size // 2
    padded = np.pad(x.detach().numpy(), ((0, 0), (0, 0), (before, after), (before, after)), mode="reflect")
    expected = np.zeros(y.shape)
    for i in range(y.shape[2]):
        for j in range(y.shape[3]):
            window = padded[:, :, 2 * i : 2 * i + size, 2 * j : 2 * j + size]
            expected[:, :, i, j] = (window * row[:, None] * row).sum((2, 3))
    np.testing.assert_allclose(y.detach().numpy(), expected, rtol=1e-12)
    assert torch.autograd.gradcheck(net, x)
    assert torch.allclose(net(torch.ones(1, 2, height, width, dtype=torch.float64)), torch.ones(1, dtype=torch.float64))
