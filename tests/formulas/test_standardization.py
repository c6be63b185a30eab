"""`normalize`: the formula, and that it takes back what a * x + b does to images (contrast a, brightness b)."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from specc.backend.data.dataset import load
from specc.backend.data.normalize import Normalize, normalizer
from specc.check import check
from specc.source import Source

LEVELS = np.random.default_rng(0).integers(10, 60, (40, 3, 6, 5), dtype=np.uint8)
LEVELS[:, 1] += 20  # channels differ
LEVELS[:, 2, 0] *= 2


def learned(place: Path, normalize: str, levels: Any) -> tuple[Normalize, Tensor]:
    """What a data set of these images (N x C x H x W, uint8) is normalized by, in float64; and its training images."""
    np.savez(place / "made.npz", images=levels.transpose(0, 2, 3, 1), labels=np.arange(len(levels)) % 2)
    text = f'data {{ source = npz("made.npz"); normalize = {normalize} }}\nnetwork N {{ flatten -> dense(2) }}'
    checked = check(Source("net.cnn", text))
    assert checked.data is not None, checked.errors
    found = load(checked.data, base=place)
    train = found.train.gather(torch.arange(len(found.train)), torch.device("cpu"))
    return normalizer(checked.data.normalize, found.shape, found.mean, found.std).double(), train


def test_standard_gives_each_channel_of_the_training_set_mean_0_and_deviation_1(tmp_path: Path) -> None:
    normalize, train = learned(tmp_path, "standard", LEVELS)
    x = train.double() / 255
    mean, deviation = (
        x.mean((0, 2, 3)),
        ((x - x.mean((0, 2, 3), keepdim=True)) ** 2).mean((0, 2, 3)).sqrt(),
    )
    result = normalize(x)
    expected = (x - mean.view(1, 3, 1, 1)) / deviation.view(1, 3, 1, 1)
    torch.testing.assert_close(result, expected, rtol=1e-6, atol=1e-6)  # the figures are kept in float32
    assert result.mean((0, 2, 3)).abs().max() < 1e-6
    assert (result.square().mean((0, 2, 3)) - 1).abs().max() < 1e-6


@pytest.mark.parametrize(("a", "b"), [(2, 0), (1, 77), (2, 15), (1, -10)])
def test_per_set_a_data_set_that_was_brightened_is_the_same_to_the_network(tmp_path: Path, a: int, b: int) -> None:
    """(a x + b - (a m + b)) / (a s) = (x - m) / s: the statistics move along with the images."""
    changed = (LEVELS.astype(int) * a + b).astype(np.uint8)
    assert (changed.astype(int) == LEVELS.astype(int) * a + b).all()
    one, train = learned(tmp_path, "standard", LEVELS)
    two, other = learned(tmp_path, "standard", changed)
    torch.testing.assert_close(two(other.double() / 255), one(train.double() / 255), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("a", "b"), [(2.0, 0.0), (0.3, 0.5), (1.0, -0.2), (5.0, 3.0)])
def test_per_image_each_image_may_be_brightened_by_itself(tmp_path: Path, a: float, b: float) -> None:
    normalize, train = learned(tmp_path, "standard(per=image)", LEVELS)
    x = train.double() / 255
    image = torch.arange(len(x), dtype=torch.float64).view(-1, 1, 1, 1)
    contrast, brightness = a * (1 + image / 50), b - image / 70
    torch.testing.assert_close(normalize(contrast * x + brightness), normalize(x), rtol=1e-10, atol=1e-10)
    assert normalize(x).mean((1, 2, 3)).abs().max() < 1e-10
    assert (normalize(x).square().mean((1, 2, 3)) - 1).abs().max() < 1e-10


def test_per_image_the_least_contrast_that_bytes_can_hold_is_brought_to_deviation_1(tmp_path: Path) -> None:
    """One number of an image differs by one level; so the floor of 1 / sqrt(numbers) levels is hardly in the way."""
    normalize, _ = learned(tmp_path, "standard(per=image)", LEVELS)
    faint = torch.full((1, 3, 6, 5), 100, dtype=torch.float64)
    faint[0, 1, 2, 3] = 101
    deviation = normalize(faint / 255).square().mean().sqrt().item()
    assert deviation == pytest.approx((1 - 1 / 90) ** 0.5, rel=1e-9)


def test_per_image_the_floor(tmp_path: Path) -> None:
    """Below a deviation of 1 / sqrt(numbers) levels, that is what is divided by."""
    normalize, train = learned(tmp_path, "standard(per=image)", LEVELS)
    normal = normalize(train.double() / 255)
    for deviation in (2.0, 1.01, 0.99, 0.1, 0.0):
        shrunk = 0.5 + normal * deviation / 90**0.5 / 255
        torch.testing.assert_close(normalize(shrunk), normal * min(deviation, 1.0), rtol=1e-9, atol=1e-9)


def test_unit_and_none_and_fixed_are_what_they_say(tmp_path: Path) -> None:
    x = torch.from_numpy(LEVELS).double() / 255
    close: dict[str, Any] = {"rtol": 1e-6, "atol": 1e-6}
    torch.testing.assert_close(learned(tmp_path, "unit", LEVELS)[0](x), x)
    torch.testing.assert_close(learned(tmp_path, "none", LEVELS)[0](x), 255 * x, **close)
    fixed = learned(tmp_path, "fixed(mean=[0.1, 0.2, 0.3], std=[0.5, 0.25, 0.125])", LEVELS)[0]
    for channel, (mean, std) in enumerate(((0.1, 0.5), (0.2, 0.25), (0.3, 0.125))):
        torch.testing.assert_close(fixed(x)[:, channel], (x[:, channel] - mean) / std, **close)
    unit = learned(tmp_path, "unit", LEVELS)[0]
    assert not torch.allclose(unit(2 * x + 0.1), unit(x))  # what the deck's networks suffered from
