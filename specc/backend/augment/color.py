"""Augmentations of brightness and color. Images are float32 N x C x H x W; results are cut off at 0 and 1."""

import torch
from torch import Tensor

from specc.backend.augment.draw import Draw, each, pick
from specc.values import Args

LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601, as Pillow and torchvision weigh red, green and blue


def brightness(x: Tensor, a: Args, draw: Draw) -> Tensor:
    """Multiply by a factor between 1 - amount and 1 + amount."""
    return brightened(x, draw.between(1 - a.amount, 1 + a.amount))


def contrast(x: Tensor, a: Args, draw: Draw) -> Tensor:
    """Stretch around the image's mean gray by a factor between 1 - amount and 1 + amount."""
    return contrasted(x, draw.between(1 - a.amount, 1 + a.amount))


def saturation(x: Tensor, a: Args, draw: Draw) -> Tensor:
    """Move away from gray by a factor between 1 - amount and 1 + amount."""
    return saturated(x, draw.between(1 - a.amount, 1 + a.amount))


def hue(x: Tensor, a: Args, draw: Draw) -> Tensor:
    """Turn the hues by up to `amount` of the circle, either way."""
    return hued(x, draw.between(-a.amount, a.amount))


def grayscale(x: Tensor, a: Args, draw: Draw) -> Tensor:
    """Take the color out of a share `p` of the images."""
    return pick(each(draw.happens(a.p)), luma(x).expand_as(x), x)


def luma(x: Tensor) -> Tensor:
    """The gray of each pixel, N x 1 x H x W. Images of another number of channels than 3 are gray already."""
    if x.shape[1] != 3:
        return x
    red, green, blue = x.unbind(1)
    return (LUMA[0] * red + LUMA[1] * green + LUMA[2] * blue)[:, None]


def blended(x: Tensor, other: Tensor, factor: Tensor) -> Tensor:
    """`other` at factor 0, `x` at 1, and beyond `x` above it."""
    return torch.lerp(other.expand_as(x), x, each(factor)).clamp(0, 1)


def brightened(x: Tensor, factor: Tensor) -> Tensor:
    return (x * each(factor)).clamp(0, 1)


def contrasted(x: Tensor, factor: Tensor) -> Tensor:
    return blended(x, luma(x).mean((1, 2, 3), keepdim=True), factor)


def saturated(x: Tensor, factor: Tensor) -> Tensor:
    return blended(x, luma(x), factor)


def hued(x: Tensor, turn: Tensor) -> Tensor:
    """RGB images with every hue turned by a share of the color circle (through HSV; Smith, 1978)."""
    x = x.clamp(0, 1)
    high, low = x.amax(1), x.amin(1)
    spread = high - low
    safe = torch.where(spread > 0, spread, 1)
    red, green, blue = ((high - channel) / safe for channel in x.unbind(1))
    angle = torch.where(x[:, 0] == high, blue - green, torch.where(x[:, 1] == high, 2 + red - blue, 4 + green - red))
    angle = torch.where(spread > 0, angle, 0) + 6 * turn.view(-1, 1, 1)
    # Each channel of a pure hue is a trapezium over the circle; `spread` and `low` bring back saturation and value.
    pure = [((angle + shift).remainder(6) - 3).abs().sub(1).clamp(0, 1) for shift in (0, 4, 2)]
    return torch.stack([low + spread * channel for channel in pure], 1)
