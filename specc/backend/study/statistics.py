"""What several trainings say together: mean, deviation, and a step's gain with its confidence interval."""

from collections.abc import Hashable, Mapping, Sequence
from math import sqrt
from statistics import fmean, stdev
from typing import NamedTuple, TypeVar

from specc.backend.evaluation.intervals import CONFIDENCE

Key = TypeVar("Key", bound=Hashable)


class Summary(NamedTuple):
    """deviation: of the sample (n - 1); None for a single value. low, high: the ends of the mean's confidence interval;
    None for a single value."""

    mean: float
    deviation: float | None
    low: float | None = None
    high: float | None = None


class Gain(NamedTuple):
    """A mean difference over `pairs` of trainings, and the ends of its confidence interval.

    before, after: the means over the same trainings. low, high: None for a single pair. p: of the two-sided t-test for
    no difference; None for a single pair, or where both are the same trainings.
    """

    mean: float
    low: float | None
    high: float | None
    pairs: int
    before: float
    after: float
    p: float | None


def summary(values: Sequence[float], overlap: float = 0.0) -> Summary | None:
    """Mean, deviation and the mean's interval; None for no values. overlap: as `gain` has it."""
    if not values:
        return None
    if len(values) == 1:
        return Summary(values[0], None)
    half = _half_width(stdev(values), len(values), overlap)
    mean = fmean(values)
    return Summary(mean, stdev(values), mean - half, mean + half)


def gain(after: Mapping[Key, float], before: Mapping[Key, float], overlap: float = 0.0) -> Gain | None:
    """How much more `after` is than `before`, paired by seed or fold: what only one of them has does not count.

    The interval is that of the paired t-test (Student, "The probable error of a mean", 1908): two trainings with one
    seed share their images, their order and their validation part, so that the pairs' differences vary less than the
    values themselves.

    overlap: for folds, the number of images that are validated on over the number that are trained on; 0 for seeds. The
    trainings of two folds share most of their images, so that their figures vary less than those of trainings on other
    images would: the variance of the mean is not s² / n but (1 / n + overlap) s² (Nadeau and Bengio, "Inference for the
    generalization error", 2003).

    None where no seed is common.
    """
    from scipy.stats import t

    common = [key for key in after if key in before]
    if not common:
        return None
    differences = [after[key] - before[key] for key in common]
    mean, pairs = fmean(differences), len(differences)
    means = fmean(before[key] for key in common), fmean(after[key] for key in common)
    if pairs == 1:
        return Gain(mean, None, None, 1, *means, None)
    deviation = stdev(differences)
    half = _half_width(deviation, pairs, overlap)
    error = deviation * sqrt(1 / pairs + overlap)
    p = float(2 * t.sf(abs(mean) / error, pairs - 1)) if error else float(mean == 0)
    return Gain(mean, mean - half, mean + half, pairs, *means, p)


def _half_width(deviation: float, count: int, overlap: float) -> float:
    """Half of the interval of a mean over `count` trainings."""
    from scipy.stats import t

    return float(t.ppf((1 + CONFIDENCE) / 2, count - 1)) * deviation * sqrt(1 / count + overlap)


def holm(values: Sequence[float]) -> list[float]:
    """The p-values of several comparisons, corrected for their number (Holm, "A simple sequentially rejective multiple
    test procedure", 1979): if every one below 5% is called more than chance, none is wrongly called so, in 95% of the
    studies.
    """
    corrected = [0.0] * len(values)
    largest = 0.0
    for rank, place in enumerate(sorted(range(len(values)), key=values.__getitem__)):
        largest = max(largest, min(1.0, (len(values) - rank) * values[place]))
        corrected[place] = largest
    return corrected
