"""Resizing to any size, in the coordinates of half pixels, and cropping, written out."""

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from specc.ops.resize import nearest_pixels

Array = NDArray[np.float64]


def cubic(t: Array) -> Array:
    """Keys, 1981, with a = -0.75."""
    t, a = np.abs(t), -0.75
    near, far = (a + 2) * t**3 - (a + 3) * t**2 + 1, a * t**3 - 5 * a * t**2 + 8 * a * t - 4 * a
    return np.where(t <= 1, near, np.where(t < 2, far, 0.0))


def matrix(length: int, count: int, mode: str) -> Array:
    """count x length: what each pixel is made of. Beyond the map stands its outermost pixel."""
    rows = np.zeros((count, length))
    for i in range(count):
        if mode == "nearest":
            rows[i, i * length // count] = 1
            continue
        place = (i + 0.5) * length / count - 0.5
        first = int(np.floor(place))
        for tap in range(first - 1, first + 3):
            weight = max(1 - abs(place - tap), 0) if mode == "bilinear" else cubic(np.array(place - tap))
            rows[i, min(max(tap, 0), length - 1)] += weight
    return rows


@pytest.mark.parametrize("mode", ["nearest", "bilinear", "bicubic"])
@pytest.mark.parametrize("size", [(3, 9), (12, 5), (1, 2), (6, 7), (13, 20)])
def test_resize_is_a_weighted_sum_of_pixels(net_of: Any, numbers: Any, mode: str, size: tuple[int, int]) -> None:
    x = numbers(2, 3, 6, 7).requires_grad_()
    net = net_of(f"resize_to({size[0]}x{size[1]}, mode={mode})", "3, 6x7")
    expected = matrix(6, size[0], mode) @ x.detach().numpy() @ matrix(7, size[1], mode).T
    np.testing.assert_allclose(net(x).detach().numpy(), expected, rtol=1e-9, atol=1e-9)
    assert torch.autograd.gradcheck(net, x)
    like = net_of(
        f"as(all)\nresize_to({size[0]}x{size[1]}) -> as(small)\nfrom(all) -> resize_to(like=small, mode={mode})",
        "3, 6x7",
    )
    assert torch.equal(like(x), net(x))


@pytest.mark.parametrize("size", [(2, 82), (3, 123), (61, 3)])
def test_nearest_pixels_are_pytorchs_in_the_graph_too(size: tuple[int, int]) -> None:
    """PyTorch multiplies in float32, and so takes the pixel before where 41 * 2 / 82 comes out below 1."""
    length, count = size
    pixels = torch.arange(length, dtype=torch.float32).view(1, 1, 1, -1)
    taken = torch.nn.functional.interpolate(pixels, size=(1, count), mode="nearest").flatten().int().tolist()
    assert nearest_pixels(length, count) == taken


def test_a_crop_begins_at_its_offset(net_of: Any, numbers: Any) -> None:
    x = numbers(2, 3, 6, 7)
    small = "as(all)\nresize_to(2x4) -> as(small)\nfrom(all)"
    assert torch.equal(net_of(f"{small} -> crop_to(small)", "3, 6x7")(x), x[:, :, 2:4, 1:5])
    assert torch.equal(net_of(f"{small} -> crop_to(small, offset=4x0)", "3, 6x7")(x), x[:, :, 4:6, 0:4])
    assert torch.equal(net_of(f"{small} -> crop_to(small, offset=1)", "3, 6x7")(x), x[:, :, 1:3, 1:5])
