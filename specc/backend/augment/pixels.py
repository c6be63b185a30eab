"""Augmentations that spoil pixels. Images are float32 N x C x H x W from 0 to 1; every image has its own draw."""

import torch
from torch import Tensor

from specc.backend.augment.draw import Draw, each, pick, whole
from specc.backend.augment.geometry import TRIES, boxes
from specc.values import Args


def noise(x: Tensor, a: Args, draw: Draw) -> Tensor:
    """Add normal noise of deviation `std`, to a share `p` of the images. Nothing is cut off at 0 and 1."""
    strength = draw.happens(a.p) * a.std
    return torch.addcmul(x, draw.dense(tuple(x.shape[1:]), "normal"), each(strength))


def cutout(x: Tensor, a: Args, draw: Draw) -> Tensor:
    """Blacken a rectangle of `size` around a pixel that is drawn from all; what lies over the border is lost."""
    row, column = whole(draw.uniform(2), *x.shape[2:]).unbind(1)
    tall, wide = a.size
    return x * ~inside(row - tall // 2, column - wide // 2, tall, wide, x)


def erase(x: Tensor, a: Args, draw: Draw) -> Tensor:
    """Fill a rectangle with pixels drawn uniformly, in a share `p` of the images (random erasing, RE-R)."""
    height, width = x.shape[2:]
    numbers = draw.uniform(2 * TRIES + 3)
    tall, wide, fits = boxes(numbers[:, 3:], a.scale, a.ratio, height, width)
    top, left = whole(numbers[:, :2], height - tall + 1, width - wide + 1).unbind(1)
    hit = each(fits & (numbers[:, 2] < a.p)) & inside(top, left, tall, wide, x)
    return pick(hit, draw.dense(tuple(x.shape[1:]), "uniform"), x)


def inside(top: Tensor, left: Tensor, tall: Tensor | float, wide: Tensor | float, x: Tensor) -> Tensor:
    """Which pixels lie in each image's rectangle: bool N x 1 x H x W. It may reach over the border."""
    rows, columns = (torch.arange(length, device=x.device) for length in x.shape[2:])
    high = (rows >= top[:, None]) & (rows < (top + tall)[:, None])
    broad = (columns >= left[:, None]) & (columns < (left + wide)[:, None])
    return (high[:, :, None] & broad[:, None, :])[:, None]
