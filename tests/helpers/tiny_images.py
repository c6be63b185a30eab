"""Images to augment, the ways to augment them, and how results are compared."""

from functools import cache

import numpy as np
import torch
from PIL import Image
from scipy import stats
from torch import Tensor

from specc.backend.augment import augment
from specc.check import check
from specc.source import Source
from specc.values import Bound

SPEC = """data {{ source = npz("x.npz"); augment = {} }}
network N {{ input(3, 16x16); flatten -> dense(10) }}"""


@cache
def pipeline(text: str) -> tuple[Bound, ...]:
    checked = check(Source("net.cnn", SPEC.format(text)))
    assert {error.code for error in checked.errors} <= {"E307"}  # the images of a test need not fit this network
    assert checked.data is not None
    tricks: tuple[Bound, ...] = checked.data.augment
    return tricks


def run(
    text: str, x: Tensor, images: Tensor | None = None, labels: Tensor | None = None, seed: int = 0, epoch: int = 0
) -> tuple[Tensor, Tensor]:
    numbers = torch.arange(len(x)) if images is None else images
    given = numbers % 10 if labels is None else labels
    return augment(x, given, numbers, seed=seed, epoch=epoch, tricks=pipeline(text), classes=10)


def changed(text: str, x: Tensor, *, seed: int = 0, epoch: int = 0) -> Tensor:
    return run(text, x, seed=seed, epoch=epoch)[0]


def random_images(count: int, channels: int = 3, height: int = 16, width: int = 16, seed: int = 0) -> Tensor:
    """Images whose levels are whole, so that Pillow can hold them."""
    levels = np.random.default_rng(seed).integers(0, 256, (count, channels, height, width))
    return torch.from_numpy(levels).float() / 255


def smooth_images(count: int, size: int = 32) -> Tensor:
    """Images without hard edges: a pixel's neighbors are like it."""
    rows, columns = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    phase = torch.arange(count).view(-1, 1, 1, 1) + torch.tensor([0.0, 1.0, 2.0]).view(1, 3, 1, 1)
    waves = (rows / 5 + phase).sin() * (columns / 7 - phase).cos()
    return ((waves + 1) * 127.5).round() / 255


def numbered(count: int, height: int, width: int) -> Tensor:
    """Every pixel of an image has another value, all above 0, so that a moved image tells where it came from."""
    return (torch.arange(1, height * width + 1) / (height * width)).view(1, 1, height, width).repeat(count, 1, 1, 1)


def to_pillow(x: Tensor) -> Image.Image:
    levels = (x * 255).round().to(torch.uint8).permute(1, 2, 0).numpy()
    return Image.fromarray(levels[..., 0] if levels.shape[2] == 1 else levels)


def from_pillow(image: Image.Image) -> Tensor:
    levels = torch.from_numpy(np.array(image)).float() / 255
    return levels[None] if levels.ndim == 2 else levels.permute(2, 0, 1)


def same(x: Tensor, y: Tensor, levels: float = 1e-3) -> bool:
    """Equal up to so many levels of 255."""
    return (x - y).abs().max().item() <= levels / 255


def follows(values: list[float], law: object) -> bool:
    """Whether the values look drawn from a law (Kolmogorov and Smirnov)."""
    return bool(stats.kstest(values, law, method="asymp").pvalue > 1e-3)


def binomial(hits: int, count: int, p: float) -> bool:
    """Whether so many hits are what to expect."""
    return abs(hits - count * p) <= 4 * (count * p * (1 - p)) ** 0.5
