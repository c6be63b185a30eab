"""How far a figure over a set of images may be from that over all images of their kind: 95% intervals."""

from collections.abc import Callable
from math import sqrt
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

CONFIDENCE = 0.95
DRAWS = 1000
FEWEST = 10  # images, of which a bootstrap says something
SEED = 0

Index = NDArray[np.int64]
Values = NDArray[np.float64]


class Interval(NamedTuple):
    """The ends of a confidence interval."""

    low: float
    high: float


def wilson(count: int, total: int, confidence: float = CONFIDENCE) -> Interval | None:
    """The interval of a share, `count` of `total` images; None for no images.

    Wilson, "Probable inference, the law of succession, and statistical inference", 1927. Unlike p ± 1.96 sqrt(p q / n),
    it stays within 0 and 1, and has a width where all images or none are counted.
    """
    if not total:
        return None
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share, scale = count / total, 1 + z * z / total
    center = (share + z * z / (2 * total)) / scale
    half = z / scale * sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    low = 0.0 if count == 0 else max(0.0, center - half)
    high = 1.0 if count == total else min(1.0, center + half)
    return Interval(low, high)


def bootstrap(
    figure: Callable[[Index], Values | float],
    images: int,
    *,
    draws: int = DRAWS,
    seed: int = SEED,
    confidence: float = CONFIDENCE,
) -> list[Interval | None]:
    """The intervals of any figures over a set of images, by the percentile method (Efron, 1979).

    figure: of some images, int64 numbers below `images` of which some come several times: one figure, or several at
    once, float64 F. NaN: it says nothing of these images, as a recall without images of the class.

    Images are drawn with replacement, as many as there are, `draws` times, from a fixed seed: the same set gives the
    same intervals. Gives an interval for each figure; None for one that more than half of the draws say nothing of, or
    where there are fewer than ten images.
    """
    if images < FEWEST:
        return [None] * np.atleast_1d(figure(np.arange(images))).size
    generator = np.random.default_rng(seed)
    values = np.stack([np.atleast_1d(figure(generator.integers(0, images, images))) for _ in range(draws)])
    return [_percentiles(column, confidence) for column in values.T]


def bootstrap_mean(
    values: Values, *, draws: int = DRAWS, seed: int = SEED, confidence: float = CONFIDENCE
) -> Interval | None:
    """`bootstrap` for the mean of one value an image, float64 N; None for fewer than ten images."""
    if not len(values):
        return None
    return bootstrap(lambda index: values[index].mean(), len(values), draws=draws, seed=seed, confidence=confidence)[0]


def _percentiles(values: Values, confidence: float) -> Interval | None:
    known = values[np.isfinite(values)]
    if 2 * len(known) < len(values):
        return None
    low, high = np.quantile(known, [(1 - confidence) / 2, (1 + confidence) / 2]).tolist()
    return Interval(low, high)


def share_interval(interval: Interval | None) -> str:
    """`97.54% to 99.71%`; empty where there is none."""
    return f"{interval.low:.2%} to {interval.high:.2%}" if interval else ""
