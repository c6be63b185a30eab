"""What several seeds say together: mean, deviation, and a step's gain with its confidence interval."""

from collections.abc import Mapping, Sequence
from math import sqrt
from statistics import fmean, stdev
from typing import NamedTuple

CONFIDENCE = 0.95


class Summary(NamedTuple):
    """deviation: of the sample (n - 1); None for a single value."""

    mean: float
    deviation: float | None


class Gain(NamedTuple):
    """A mean difference over `seeds` pairs, and the ends of its confidence interval; None for a single pair."""

    mean: float
    low: float | None
    high: float | None
    seeds: int


def summary(values: Sequence[float]) -> Summary | None:
    """Mean and deviation; None for no values."""
    if not values:
        return None
    return Summary(fmean(values), stdev(values) if len(values) > 1 else None)


def gain(after: Mapping[int, float], before: Mapping[int, float]) -> Gain | None:
    """How much more `after` is than `before`, paired by seed: seeds that only one of them has do not count.

    The interval is that of the paired t-test (Student, "The probable error of a mean", 1908): two trainings with one
    seed share their images, their order and their validation part, so that the pairs' differences vary less than the
    values themselves. None where no seed is common.
    """
    from scipy.stats import t

    differences = [after[seed] - before[seed] for seed in sorted(after.keys() & before.keys())]
    found = summary(differences)
    if found is None:
        return None
    count = len(differences)
    if found.deviation is None:
        return Gain(found.mean, None, None, count)
    half = float(t.ppf((1 + CONFIDENCE) / 2, count - 1)) * found.deviation / sqrt(count)
    return Gain(found.mean, found.mean - half, found.mean + half, count)
