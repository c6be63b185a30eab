"""The changes that policies draw from, against Pillow, and how they draw."""

from collections import Counter

import pytest
import torch
from PIL import Image, ImageOps
from scipy import stats
from torch import Tensor

from specc.backend.augment import color, geometry, policy
from tests.helpers.tiny_images import binomial, changed, from_pillow, random_images, same, smooth_images, to_pillow


@pytest.mark.parametrize("bits", [1, 2, 4, 7, 8])
def test_posterize_is_pillow_s(bits: int) -> None:
    x = random_images(2)
    for image, mine in zip(x, policy.posterized(x, torch.full((2,), float(bits))), strict=True):
        assert same(mine, from_pillow(ImageOps.posterize(to_pillow(image), bits)))


@pytest.mark.parametrize("threshold", [0, 1, 100, 255])
def test_solarize_is_pillow_s(threshold: int) -> None:
    x = random_images(2)
    for image, mine in zip(x, policy.solarized(x, torch.full((2,), threshold / 255)), strict=True):
        assert same(mine, from_pillow(ImageOps.solarize(to_pillow(image), threshold)))


@pytest.mark.parametrize("mine", [policy.autocontrasted, policy.equalized])
@pytest.mark.parametrize("channels", [3, 1])
def test_histogram_changes_are_pillow_s(mine: object, channels: int) -> None:
    theirs = ImageOps.autocontrast if mine is policy.autocontrasted else ImageOps.equalize
    x = torch.cat([random_images(2, channels, 32, 32) * 0.4 + 0.2, torch.full((1, channels, 32, 32), 0.6)])
    x = (x * 255).round() / 255
    for image, one in zip(x, mine(x), strict=True):  # type: ignore[operator]
        assert same(one, from_pillow(theirs(to_pillow(image))), 1.01)


@pytest.mark.parametrize("which", [policy.SHEAR_X, policy.SHEAR_Y, policy.SHIFT_X, policy.SHIFT_Y])
@pytest.mark.parametrize("amount", [-0.71, 0.37])
def test_changes_of_shape_are_pillow_s(which: int, amount: float) -> None:
    x = random_images(1, 3, 20, 24)
    ranges = policy.Ranges(0.3, (11.3, 9.0), 30, 0.9, 4)
    matrix = policy.matrices(torch.tensor([which]), torch.tensor([amount]), ranges, x)
    result = geometry.affine(x, matrix, "nearest")[0]
    data = matrix[0].flatten().tolist()
    pillow = from_pillow(to_pillow(x[0]).transform((24, 20), Image.Transform.AFFINE, data, Image.Resampling.NEAREST))
    assert (result != pillow).any(
        0
    ).float().mean() < 0.02  # what lies on the border between two pixels may go either way
    assert (result != x[0]).any()


def test_rand_augment_at_strength_0_changes_shape_and_factors_not_at_all() -> None:
    x = random_images(300)
    result = changed("rand_augment(1, 0)", x)
    kept = ((result - x).abs() < 1e-6).flatten(1).all(1)
    stretched = 2 / 14  # autocontrast and equalize know no strength; solarize at 0 turns pure white only
    assert kept.float().mean() > 1 - stretched - 0.1


@pytest.mark.parametrize("text", ["rand_augment(1, 30)", "trivial_augment"])
def test_policies_draw_every_change_alike(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Tensor] = []

    def note(x: Tensor, which: Tensor, strength: Tensor, sign: Tensor, ranges: object) -> Tensor:
        seen.append(torch.stack([which, strength, sign]))
        return x

    monkeypatch.setattr(policy, "change", note)
    changed(text, torch.zeros(4000, 1, 2, 2))
    which, strength, sign = torch.cat(seen, 1).tolist()
    counts = Counter(which)
    assert set(counts) == set(range(14)) and stats.chisquare(list(counts.values())).pvalue > 1e-3
    assert set(strength) == ({30} if text.startswith("rand") else set(range(31)))
    assert binomial(sign.count(1.0), 4000, 0.5)


@pytest.mark.parametrize("which", range(14))
def test_every_change_of_a_policy_does_what_it_is_called(which: int) -> None:
    x = smooth_images(2) * 0.6 + 0.2
    strength, sign = torch.tensor([15.0, 30.0]), torch.tensor([1.0, -1.0])
    ranges = policy.Ranges(0.3, (14.5, 14.5), 30, 0.9, 4)
    result = policy.change(x, torch.tensor([which, policy.IDENTITY]), strength, sign, ranges)
    assert torch.equal(result[1], x[1])
    assert torch.equal(result[0], x[0]) == (which == policy.IDENTITY)
    expected = {
        policy.BRIGHTNESS: color.brightened(x, torch.tensor([1.45, 1])),
        policy.COLOR: color.saturated(x, torch.tensor([1.45, 1])),
        policy.CONTRAST: color.contrasted(x, torch.tensor([1.45, 1])),
        policy.SHARPNESS: policy.sharpened(x, torch.tensor([1.45, 1])),
        policy.POSTERIZE: policy.posterized(x, torch.tensor([6.0, 8])),
        policy.SOLARIZE: policy.solarized(x, torch.tensor([0.5, 1])),
        policy.AUTOCONTRAST: policy.autocontrasted(x),
        policy.EQUALIZE: policy.equalized(x),
        policy.TURN: geometry.affine(x, geometry.turned(torch.tensor([15.0, 0]), 32, 32), "nearest"),
        policy.SHIFT_X: torch.nn.functional.pad(x, (0, 7))[..., 7:],
        policy.SHIFT_Y: torch.nn.functional.pad(x, (0, 0, 0, 7))[..., 7:, :],
    }
    if which in expected:
        assert same(result[0], expected[which][0])
