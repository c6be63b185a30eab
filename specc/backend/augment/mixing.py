"""Augmentations that mix images of a batch, and their labels.

An image is mixed with the one before it in the batch, the first with the last. The order of an epoch is drawn anew each
time, so this is a random partner. Targets are N x classes: shares of the classes, which add up to 1.
"""

from math import pi

import torch
from torch import Tensor

from specc.backend.augment.draw import Draw, each, pick, whole
from specc.backend.augment.pixels import inside
from specc.values import Args


def mixup(x: Tensor, targets: Tensor, a: Args, draw: Draw) -> tuple[Tensor, Tensor]:
    """share * image + (1 - share) * partner, share from Beta(alpha, alpha), and the same for the targets."""
    share = beta(draw.uniform(2), a.alpha)
    return torch.lerp(x.roll(1, 0), x, each(share)), torch.lerp(targets.roll(1, 0), targets, share[:, None])


def cutmix(x: Tensor, targets: Tensor, a: Args, draw: Draw) -> tuple[Tensor, Tensor]:
    """A box of the partner, of 1 - share of the image before the border cuts it; share is from Beta(alpha, alpha).

    Its center is drawn from all pixels; the targets are mixed by the area that it really covers.
    """
    height, width = x.shape[2:]
    numbers = draw.uniform(4)
    length = (1 - beta(numbers[:, :2], a.alpha)).sqrt()
    tall, wide = (length * height).floor(), (length * width).floor()
    row, column = whole(numbers[:, 2:], height, width).unbind(1)
    hit = inside(row - (tall / 2).floor(), column - (wide / 2).floor(), tall, wide, x)
    share = 1 - hit.float().mean((1, 2, 3))
    return pick(hit, x.roll(1, 0), x), torch.lerp(targets.roll(1, 0), targets, share[:, None])


def beta(numbers: Tensor, alpha: float) -> Tensor:
    """N draws from Beta(alpha, alpha), from N x 2 uniform numbers.

    Exact, without rejection, for every alpha above 0: Devroye, "Random variate generation in one line of code" (1996),
    after the generator of Student's t of Bailey (1994).
    """
    radius, cos = 1 - numbers[:, 0], (2 * pi * numbers[:, 1]).cos()  # radius is in (0, 1]
    spread = (radius.log().abs() / alpha).expm1() * cos.square()  # radius ** (-1 / alpha) - 1, may be infinite
    return 0.5 + 0.5 * cos.sign() / (1 + 1 / spread).sqrt()
