"""What changes brightness and color, against Pillow and the standard library."""

import colorsys

import numpy as np
import pytest
import torch
from PIL import ImageEnhance
from scipy import stats

from specc.backend.augment import color, policy
from tests.helpers.tiny_images import binomial, changed, follows, from_pillow, random_images, same, to_pillow


@pytest.mark.parametrize(
    ("mine", "enhancer"),
    [
        (color.brightened, ImageEnhance.Brightness),
        (color.contrasted, ImageEnhance.Contrast),
        (color.saturated, ImageEnhance.Color),
        (policy.sharpened, ImageEnhance.Sharpness),
    ],
    ids=["brightness", "contrast", "saturation", "sharpness"],
)
@pytest.mark.parametrize("channels", [3, 1])
def test_enhancements_are_pillow_s(mine: object, enhancer: object, channels: int) -> None:
    x = random_images(5, channels)
    factor = torch.tensor([0.0, 0.4, 1.0, 1.3, 1.9])
    result = mine(x, factor)  # type: ignore[operator]
    for image, by, one in zip(x, factor.tolist(), result, strict=True):
        assert same(one, from_pillow(enhancer(to_pillow(image)).enhance(by)), 2.01)  # type: ignore[operator]


@pytest.mark.parametrize("name", ["brightness", "contrast", "saturation"])
def test_factors_are_drawn_around_one(name: str) -> None:
    x = torch.tensor([0.4, 0.5, 0.3]).view(1, 3, 1, 1).repeat(2000, 1, 2, 1)
    x[:, :, 1] = 0.1  # so that there is contrast
    center = {
        "brightness": 0 * x,
        "contrast": color.luma(x).mean((1, 2, 3), keepdim=True),
        "saturation": color.luma(x),
    }
    base = center[name].expand_as(x)[:, 0, 0, 0]
    factors = (changed(f"{name}(0.25)", x)[:, 0, 0, 0] - base) / (x[:, 0, 0, 0] - base)
    assert follows(factors.double().tolist(), stats.uniform(0.75, 0.5).cdf)


def test_hue_is_turned_as_the_standard_library_does() -> None:
    x = random_images(4, 3, 5, 5)
    x[0, :, 0] = 0.5  # grays have no hue
    x[1] = x[1].round()  # pure colors, black and white
    turn = torch.tensor([0.1, -0.3, 0.5, 0.0])
    result = color.hued(x, turn)
    for image, by, mine in zip(x, turn.tolist(), result, strict=True):
        for pixel, now in zip(image.flatten(1).T.tolist(), mine.flatten(1).T.tolist(), strict=True):
            h, s, v = colorsys.rgb_to_hsv(*pixel)
            assert np.allclose(now, colorsys.hsv_to_rgb((h + by) % 1, s, v), atol=1e-5)


def test_grayscale_is_pillow_s_luma_in_three_channels() -> None:
    x = random_images(1000, 3, 4, 4)
    result = changed("grayscale(0.3)", x)
    gray = (result[:, :1] == result).flatten(1).all(1)
    assert binomial(int(gray.sum()), 1000, 0.3)
    assert torch.equal(result[~gray], x[~gray])
    for image, mine in zip(x[gray][:20], result[gray][:20], strict=True):
        assert same(mine, from_pillow(to_pillow(image).convert("L").convert("RGB")), 1.01)
