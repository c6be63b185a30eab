"""Policies: fourteen changes of shape and color, of which some are drawn for each image.

The changes and their strengths are those of torchvision's RandAugment and TrivialAugmentWide, after AutoAugment (Cubuk
et al., 2018). Strength runs from 0 to 30; changes of shape take the nearest pixel and leave black behind.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import conv2d

from specc.backend.augment.color import blended, brightened, contrasted, saturated
from specc.backend.augment.draw import Draw, each, only
from specc.backend.augment.geometry import affine, turned
from specc.backend.device import in_any_order
from specc.values import Args

STRONGEST = 30
IDENTITY, SHEAR_X, SHEAR_Y, SHIFT_X, SHIFT_Y, TURN = range(6)
BRIGHTNESS, COLOR, CONTRAST, SHARPNESS, POSTERIZE, SOLARIZE, AUTOCONTRAST, EQUALIZE = range(6, 14)
CHANGES = 14


class Ranges(NamedTuple):
    """What the greatest strength means. shift: columns and rows, in pixels. bits: how many posterize takes away."""

    shear: float
    shift: tuple[float, float]
    degrees: float
    factor: float
    bits: float


Drawn = tuple[Tensor, Tensor, Tensor, Ranges]  # which change, of what strength, with which sign: each N


def rand_augment(x: Tensor, a: Args, draw: Draw) -> Tensor:
    """`n` changes, one after the other, each drawn from all, of strength `m`."""
    for which, strength, sign, ranges in _random(x, a, draw):
        x = change(x, which, strength, sign, ranges)
    return x


def rand_augment_masks(masks: Tensor, a: Args, draw: Draw) -> Tensor:
    """The same changes of shape of masks."""
    for which, strength, sign, ranges in _random(masks, a, draw):
        masks = moved(masks, which, strength, sign, ranges)
    return masks


def _random(x: Tensor, a: Args, draw: Draw) -> Iterator[Drawn]:
    height, width = x.shape[2:]
    ranges = Ranges(0.3, (150 / 331 * width, 150 / 331 * height), 30, 0.9, 4)
    for numbers in draw.uniform(2 * a.n).chunk(a.n, 1):
        which, sign = numbers.unbind(1)
        yield (which * CHANGES).long(), torch.full_like(sign, a.m), _signs(sign), ranges


def trivial_augment(x: Tensor, a: Args, draw: Draw) -> Tensor:
    """One change, of a strength drawn from 0 to 30."""
    return change(x, *_trivial(draw))


def trivial_augment_masks(masks: Tensor, a: Args, draw: Draw) -> Tensor:
    """The same change of shape of masks."""
    return moved(masks, *_trivial(draw))


def _trivial(draw: Draw) -> Drawn:
    which, strength, sign = draw.uniform(3).unbind(1)
    strength = (strength * (STRONGEST + 1)).floor()
    return (which * CHANGES).long(), strength, _signs(sign), Ranges(0.99, (32, 32), 135, 0.99, 6)


def _signs(numbers: Tensor) -> Tensor:
    return torch.where(numbers < 0.5, 1.0, -1.0)


def change(x: Tensor, which: Tensor, strength: Tensor, sign: Tensor, ranges: Ranges) -> Tensor:
    """The change `which` (int64 N, from 0 to 13) of each image, with strength 0 to 30 and sign 1 or -1 (float N)."""
    share = strength / STRONGEST
    x = moved(x, which, strength, sign, ranges)
    factor = 1 + sign * share * ranges.factor
    bits = 8 - (share * ranges.bits).round()
    work: dict[int, Callable[[Tensor, Tensor | slice], Tensor]] = {
        BRIGHTNESS: lambda some, of: brightened(some, factor[of]),
        COLOR: lambda some, of: saturated(some, factor[of]),
        CONTRAST: lambda some, of: contrasted(some, factor[of]),
        SHARPNESS: lambda some, of: sharpened(some, factor[of]),
        POSTERIZE: lambda some, of: posterized(some, bits[of]),
        SOLARIZE: lambda some, of: solarized(some, 1 - share[of]),
        AUTOCONTRAST: lambda some, of: autocontrasted(some),
        EQUALIZE: lambda some, of: equalized(some),
    }
    for number, apply in work.items():
        x = only(which == number, x, apply)
    return x


def moved(x: Tensor, which: Tensor, strength: Tensor, sign: Tensor, ranges: Ranges) -> Tensor:
    """Those of the changes that are of shape, the nearest pixel for each; of images or of masks."""
    moves = matrices(which, strength / STRONGEST * sign, ranges, x)
    changed = only((which > IDENTITY) & (which <= TURN), x.float(), lambda some, of: affine(some, moves[of], "nearest"))
    return changed.to(x.dtype)


def matrices(which: Tensor, amount: Tensor, ranges: Ranges, x: Tensor) -> Tensor:
    """The changes of shape for `affine`, N x 2 x 3. amount: float N, -1 to 1.

    Shears are about the upper left corner.
    """

    def when(change: int, value: Tensor) -> Tensor:
        return torch.where(which == change, value, 0.0)

    shear = amount * ranges.shear
    columns, rows = ((amount * shift).trunc() for shift in ranges.shift)
    one = torch.ones_like(amount)
    first = torch.stack([one, when(SHEAR_X, shear), when(SHIFT_X, columns)], 1)
    second = torch.stack([when(SHEAR_Y, shear), one, when(SHIFT_Y, rows)], 1)
    turns = turned(amount * ranges.degrees, *x.shape[2:])
    return torch.where((which == TURN).view(-1, 1, 1), turns, torch.stack([first, second], 1))


def sharpened(x: Tensor, factor: Tensor) -> Tensor:
    """Away from a smoothed copy, or towards it. The outermost pixels stay (Pillow's `ImageEnhance.Sharpness`)."""
    channels, height, width = x.shape[1:]
    if min(height, width) < 3:
        return x
    kernel = torch.ones(channels, 1, 3, 3, device=x.device)
    kernel[:, :, 1, 1] = 5
    smooth = x.clone()
    smooth[:, :, 1:-1, 1:-1] = conv2d(x, kernel / 13, groups=channels)
    return blended(x, smooth, factor)


def posterized(x: Tensor, bits: Tensor) -> Tensor:
    """Only the highest `bits` bits of each level."""
    step = 2 ** (8 - each(bits))
    return (levels(x) / step).floor() * step / 255


def solarized(x: Tensor, threshold: Tensor) -> Tensor:
    """Levels at the threshold and above it turned into their negative."""
    return torch.where(x >= each(threshold), 1 - x, x).clamp(0, 1)


def autocontrasted(x: Tensor) -> Tensor:
    """Each channel stretched to the whole range; one that is constant stays."""
    low, high = x.amin((2, 3), keepdim=True), x.amax((2, 3), keepdim=True)
    stretched = (x - low) / torch.where(high > low, high - low, 1)
    return torch.where(high > low, stretched, x).clamp(0, 1)


def equalized(x: Tensor) -> Tensor:
    """Each channel with its histogram made flat (Pillow's `ImageOps.equalize`)."""
    level = levels(x).long().flatten(2)
    counts = torch.zeros(*level.shape[:2], 256, dtype=torch.int64, device=x.device)
    with in_any_order():
        counts.scatter_add_(2, level, torch.ones_like(level))
    last = counts.gather(2, level.amax(2, keepdim=True))
    step = (counts.sum(2, keepdim=True) - last) // 255
    before = counts.cumsum(2) - counts
    table = ((step // 2 + before) // step.clamp(min=1)).clamp(max=255)
    equal = table.gather(2, level).view(x.shape) / 255
    return torch.where((step > 0)[..., None], equal, x)


def levels(x: Tensor) -> Tensor:
    """The pixels in whole levels from 0 to 255, as floats."""
    return (x * 255).round().clamp(0, 255)
