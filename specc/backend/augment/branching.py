"""Augmentations with a body: which of its branches each image goes through."""

import torch
from torch import Tensor

from specc.backend.augment.draw import Draw
from specc.values import Args


def choose(a: Args, count: int, draw: Draw) -> Tensor:
    """Each branch is as likely."""
    return (draw.uniform(1)[:, 0] * count).long()


def maybe(a: Args, count: int, draw: Draw) -> Tensor:
    """The body, or, with probability 1 - p, none."""
    return torch.where(draw.happens(a.p), 0, count)
