"""Convolutions and pools whose padding follows from the map, and kernels that are standardized, written out."""

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

Array = NDArray[np.float64]


def windows(x: Array, k: tuple[int, int], s: int, fill: float) -> tuple[Array, Array]:
    """N x C x H x W x kh x kw under TensorFlow's "SAME", and which of them are pixels of the map.

    https://www.tensorflow.org/api_docs/python/tf/nn#notes_on_padding_2: out = ceil(in / stride), in all
    max((out - 1) * stride + k - in, 0) pixels, of which the lower half stands before.
    """
    sides = []
    for length, size in zip(x.shape[2:], k, strict=True):
        count = -(-length // s)
        before = max((count - 1) * s + size - length, 0) // 2
        sides.append(np.arange(count)[:, None] * s + np.arange(size) - before)
    rows, columns = sides
    inside = (rows >= 0) & (rows < x.shape[2]), (columns >= 0) & (columns < x.shape[3])
    there = inside[0][:, None, :, None] & inside[1][None, :, None, :]
    pixels = x[:, :, np.where(inside[0], rows, 0)][..., np.where(inside[1], columns, 0)].transpose(0, 1, 2, 4, 3, 5)
    return np.where(there, pixels, fill), np.broadcast_to(there, pixels.shape)


SIDES = [(s, k) for s in (1, 2, 3) for k in ((1, 1), (2, 3), (3, 3), (4, 5))]


@pytest.mark.parametrize(("stride", "kernel"), SIDES)
@pytest.mark.parametrize("size", ["7x10", "6x5"])
def test_same_upper_pads_as_tensorflow(net_of: Any, numbers: Any, stride: int, kernel: Any, size: str) -> None:
    height, width = map(int, size.split("x"))
    x = numbers(2, 3, height, width)
    window, call = "x".join(map(str, kernel)), f"stride={stride}, padding=same_upper"
    seen, there = windows(x.numpy(), kernel, stride, 0.0)

    net = net_of(f"conv(4, {window}, {call})", f"3, {size}")
    weight, bias = (value.detach().numpy() for value in net.state_dict().values())
    expected = np.einsum("nchwij,fcij->nfhw", seen, weight) + bias[:, None, None]
    np.testing.assert_allclose(net(x).detach().numpy(), expected, rtol=1e-10, atol=1e-12)
    assert torch.autograd.gradcheck(net, x[:1].clone().requires_grad_())

    largest = windows(x.numpy(), kernel, stride, -np.inf)[0].max((4, 5))
    pool = net_of(f"max_pool({window}, {call})", f"3, {size}")
    np.testing.assert_array_equal(pool(x).numpy(), largest)
    counted = net_of(f"avg_pool({window}, {call})", f"3, {size}")
    np.testing.assert_allclose(counted(x).numpy(), seen.mean((4, 5)), rtol=1e-12, atol=1e-14)
    keras = net_of(f"avg_pool({window}, {call}, count_padding=false)", f"3, {size}")
    averages = seen.sum((4, 5)) / there.sum((4, 5))
    np.testing.assert_allclose(keras(x).numpy(), averages, rtol=1e-12, atol=1e-14)
    assert torch.autograd.gradcheck(keras, x[:1].clone().requires_grad_())


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("gain", [False, True])
def test_standardized_kernels(net_of: Any, numbers: Any, groups: int, gain: bool) -> None:
    """Qiao et al., 2019, eq. 5: (W - mean) / sqrt(biased variance + eps) for each filter; Brock et al., 2021, section
    4: times gain * gamma / sqrt(fan-in)."""
    call = f"ws_conv(4, 3x2, groups={groups}, eps=0.01{', gain=true, gamma=1.7' if gain else ''})"
    net, x = net_of(call, "6, 5x4"), numbers(2, 6, 5, 4).requires_grad_()
    state = {name.rpartition(".")[2]: value for name, value in net.named_parameters()}
    if gain:
        with torch.no_grad():
            state["gain"].copy_(torch.tensor([0.5, -1.0, 2.0, 0.0]).view(-1, 1, 1, 1))
    assert state.keys() == {"weight", "bias", *(["gain"] if gain else [])}

    def written(x: torch.Tensor, weight: torch.Tensor, factor: torch.Tensor | None) -> torch.Tensor:
        filters = []
        for one in weight:
            mean = one.sum() / one.numel()
            variance = ((one - mean) ** 2).sum() / one.numel()
            filters.append((one - mean) / (variance + 0.01) ** 0.5)
        kernel = torch.stack(filters)
        if factor is not None:
            kernel = kernel * factor * 1.7 / weight[0].numel() ** 0.5
        padded = torch.nn.functional.pad(x, (0, 1, 1, 1))
        return torch.nn.functional.conv2d(padded, kernel, state["bias"], groups=groups)

    y, expected = net(x), written(x, state["weight"], state.get("gain"))
    torch.testing.assert_close(y, expected)
    of_y = numbers(*y.shape, seed=2)
    wanted = [x, *state.values()]
    for ours, theirs in zip(
        torch.autograd.grad(y, wanted, of_y), torch.autograd.grad(expected, wanted, of_y), strict=True
    ):
        torch.testing.assert_close(ours, theirs)


def test_standardized_kernels_do_not_see_what_all_channels_share(net_of: Any, numbers: Any) -> None:
    net, x = net_of("ws_conv(4, padding=0)", "6, 5x4"), numbers(2, 6, 5, 4)
    torch.testing.assert_close(net(x + 7), net(x))


@pytest.mark.parametrize(
    ("stride", "padding", "more", "dilation", "groups"),
    [(1, 0, 0, 1, 1), (2, 1, 1, 1, 1), (2, 0, 1, 2, 2), (3, 2, 2, 1, 2), (2, 1, 0, 3, 1)],
)
def test_transposed_convolution_paints_windows(
    net_of: Any, numbers: Any, stride: int, padding: int, more: int, dilation: int, groups: int
) -> None:
    """Pixel (i, j) of channel c adds x[c, i, j] * weight[c, f] at i * stride + dilation * tap - padding."""
    call = f"stride={stride}, padding={padding}, output_padding={more}, dilation={dilation}, groups={groups}"
    net, x = net_of(f"conv_transpose(6, 3x2, {call})", "4, 3x5"), numbers(2, 4, 3, 5)
    weight, bias = (value.detach().numpy() for value in net.state_dict().values())
    assert weight.shape == (4, 6 // groups, 3, 2)
    tall, wide = ((n - 1) * stride + dilation * (k - 1) + 1 + more - 2 * padding for n, k in ((3, 3), (5, 2)))
    expected = np.zeros((2, 6, tall, wide)) + bias[:, None, None]
    for c, f, i, j, a, b in np.ndindex(4, 6 // groups, 3, 5, 3, 2):
        row, column = i * stride + a * dilation - padding, j * stride + b * dilation - padding
        if 0 <= row < tall and 0 <= column < wide:
            filter_ = c // (4 // groups) * (6 // groups) + f
            expected[:, filter_, row, column] += x[:, c, i, j].numpy() * weight[c, f, a, b]
    np.testing.assert_allclose(net(x).detach().numpy(), expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("kernel", [1, 3, 5, 9])
def test_convolution_along_the_channels(net_of: Any, numbers: Any, kernel: int) -> None:
    """Wang et al., 2020, eq. 5: y_c = sum_j w_j x_(c + j), over the k channels around c; zeros beyond the ends."""
    net, x = net_of(f"channel_conv({kernel})", "6, 1x1"), numbers(3, 6, 1, 1)
    (weight,) = (value.detach().numpy() for value in net.state_dict().values())
    assert weight.shape == (1, 1, kernel)
    padded = np.pad(x.numpy()[:, :, 0, 0], ((0, 0), (kernel // 2, kernel // 2)))
    expected = sum(weight[0, 0, j] * padded[:, j : j + 6] for j in range(kernel))
    np.testing.assert_allclose(net(x).detach().numpy(), expected, rtol=1e-12)
