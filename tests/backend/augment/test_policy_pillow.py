"""RandAugment and TrivialAugment, image by image as Pillow makes them: every change, at every strength, either way.

The strengths are those of AutoAugment (Cubuk et al., 2018, table 6), in 31 steps; `WIDE` are TrivialAugment's.
"""

from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

import pytest
import torch
from PIL import Image, ImageEnhance, ImageOps
from torch import Tensor

from specc.backend.augment import policy
from tests.helpers.tiny_images import changed, from_pillow, smooth_images, to_pillow

SIZE = 20
STEPS = range(31)


class Reach(NamedTuple):
    """The greatest shear, shift in pixels, angle, change of a factor, and bits that are taken away."""

    shear: float
    shift: float
    degrees: float
    factor: float
    bits: int


# From the image, a part of the reach from -1 to 1, and the reach: what may come out, pixel by pixel.
Change = Callable[[Image.Image, float, Reach], list[Image.Image]]

NUDGES = [(right, down) for right in (-1e-3, 1e-3) for down in (-1e-3, 1e-3)]  # Pillow reckons with 16 bits

USUAL = Reach(0.3, 150 / 331 * SIZE, 30, 0.9, 4)
WIDE = Reach(0.99, 32, 135, 0.99, 6)


def moved(image: Image.Image, a: float, b: float, c: float, d: float, e: float, f: float) -> list[Image.Image]:
    """The pixel nearest to (a x + b y + c, d x + e y + f); where two are as near, either: a nudge tells which."""
    return [
        image.transform(image.size, Image.Transform.AFFINE, (a, b, c, d, e, f), Image.Resampling.NEAREST)
        for c, f in ((c + right, f + down) for right, down in NUDGES)
    ]


def turned(image: Image.Image, degrees: float) -> list[Image.Image]:
    return [image.rotate(degrees, Image.Resampling.NEAREST, translate=nudge) for nudge in NUDGES]  # type: ignore[arg-type]  # fractions work


def enhanced(kind: Callable[[Image.Image], ImageEnhance._Enhance]) -> Change:
    return lambda image, part, reach: [kind(image).enhance(1 + part * reach.factor)]


def posterized(image: Image.Image, part: float, reach: Reach) -> list[Image.Image]:
    return [ImageOps.posterize(image, 8 - round(abs(part) * reach.bits))]


def solarized(image: Image.Image, part: float, reach: Reach) -> list[Image.Image]:
    threshold = 255 - 8.5 * round(abs(part) * 30)
    return [image.point([255 - level if level >= threshold else level for level in range(256)] * 3)]


CHANGES: list[Change] = [
    lambda image, part, reach: [image],
    lambda image, part, reach: moved(image, 1, part * reach.shear, 0, 0, 1, 0),
    lambda image, part, reach: moved(image, 1, 0, 0, part * reach.shear, 1, 0),
    lambda image, part, reach: moved(image, 1, 0, int(part * reach.shift), 0, 1, 0),
    lambda image, part, reach: moved(image, 1, 0, 0, 0, 1, int(part * reach.shift)),
    lambda image, part, reach: turned(image, part * reach.degrees),
    enhanced(ImageEnhance.Brightness),
    enhanced(ImageEnhance.Color),
    enhanced(ImageEnhance.Contrast),
    enhanced(ImageEnhance.Sharpness),
    posterized,
    solarized,
    lambda image, part, reach: [ImageOps.autocontrast(image)],
    lambda image, part, reach: [ImageOps.equalize(image)],
]


def references(which: int, x: Tensor, part: float, reach: Reach) -> Tensor:
    """K x C x H x W."""
    return torch.stack([from_pillow(image) for image in CHANGES[which](to_pillow(x), part, reach)])


def apart(mine: Tensor, theirs: Tensor) -> float:
    """By how many levels a pixel is off at most, from that of the references to which it is nearest."""
    return float((mine - theirs).abs().amax(1).amin(0).max()) * 255


def picture() -> Tensor:
    return smooth_images(1, SIZE)[0] * 0.8 + 0.15


@pytest.mark.parametrize("reach", [USUAL, WIDE], ids=["usual", "wide"])
@pytest.mark.parametrize("which", range(14))
def test_every_change_at_every_strength_is_pillow_s(which: int, reach: Reach) -> None:
    strength = torch.tensor([float(step) for step in STEPS] * 2)
    sign = torch.tensor([1.0] * 31 + [-1.0] * 31)
    x = ((picture() * 255).round() / 255).expand(62, -1, -1, -1)
    ranges = policy.Ranges(reach.shear, (reach.shift, reach.shift), reach.degrees, reach.factor, reach.bits)
    result = policy.change(x, torch.full((62,), which), strength, sign, ranges)
    for mine, step, rule in zip(result, strength.tolist(), sign.tolist(), strict=True):
        assert apart(mine, references(which, x[0], rule * step / 30, reach)) < 2.01, (step, rule)


@pytest.mark.parametrize(
    ("text", "strengths", "reach"),
    [("rand_augment(1, 20)", [20], USUAL), ("rand_augment(1, 7)", [7], USUAL), ("trivial_augment", STEPS, WIDE)],
)
def test_each_image_gets_one_of_pillow_s_changes(text: str, strengths: list[int], reach: Reach) -> None:
    """Whatever is drawn: every result is one of those that there can be, and all kinds of changes are seen."""
    x = (picture() * 255).round() / 255
    kinds = [(which, step, rule) for which in range(14) for step in strengths for rule in (-1, 1)]
    possible = [references(which, x, rule * step / 30, reach) for which, step, rule in kinds]
    seen: Counter[int] = Counter()
    for mine in changed(text, x.expand(60, -1, -1, -1)):
        found = next(kind[0] for kind, theirs in zip(kinds, possible, strict=True) if apart(mine, theirs) < 2.01)
        seen[found] += 1
    assert len(seen) >= 10
