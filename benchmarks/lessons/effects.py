"""What a step of the lessons changes: two summaries of a study, their difference, and an interval for it."""

from math import sqrt
from typing import Any, NamedTuple

from specc.backend.evaluation.intervals import CONFIDENCE

NORMAL = 1.96  # deviations, of a 95% interval
TITLES = {
    "training": "training accuracy",
    "gap": "gap between training and validation accuracy",
    "validation": "validation accuracy",
}


class Value(NamedTuple):
    """Mean and deviation over the seeds, in percentage points; the deviation is None for a single seed."""

    mean: float
    deviation: float | None

    @property
    def text(self) -> str:
        """`80.2 ± 0.4 %`."""
        return f"{self.mean:.1f}{'' if self.deviation is None else f' ± {self.deviation:.1f}'} %"


class Effect(NamedTuple):
    """shows: a key of `TITLES`. low, high: of the change's 95% interval. seeds: of each variant; with one alone, the
    interval is over the images, and says nothing of other seeds."""

    shows: str
    before: Value
    after: Value
    change: float
    low: float
    high: float
    seeds: int

    @property
    def title(self) -> str:
        return TITLES[self.shows]

    @property
    def change_text(self) -> str:
        """`+21.4 (+13.0 to +29.8)`."""
        return f"{self.change:+.1f} ({self.low:+.1f} to {self.high:+.1f})"

    @property
    def is_clear(self) -> bool:
        """Whether the interval leaves out zero."""
        return not self.low <= 0 <= self.high


def effect(shows: str, before: dict[str, Any], after: dict[str, Any]) -> Effect:
    """What a step does to a figure.

    Validation accuracy has the study's own interval, paired by seed. For training accuracy and for the gap, only means
    and deviations are kept of some studies: the interval takes the two variants, and for the gap training and
    validation, to be independent, with the degrees of freedom of one of them, which makes it wide rather than narrow.
    Of a single seed it is the binomial interval over the training images.
    """
    from scipy.stats import t

    one, two = value(shows, before), value(shows, after)
    gain, seeds = after["gain"], min(len(_trained(before)), len(_trained(after)))
    if shows == "validation" and gain and gain["low"] is not None:
        return Effect(shows, one, two, *(100 * gain[key] for key in ("mean", "low", "high")), gain["pairs"])
    if one.deviation is None or two.deviation is None:
        images = [run["train_images"] for variant in (before, after) for run in _trained(variant)[:1]]
        shares = [min(max(found.mean / 100, 0.0), 1.0) for found in (one, two)]
        error = 100 * sqrt(sum(share * (1 - share) / n for share, n in zip(shares, images, strict=True)))
        half = NORMAL * error
    else:
        error = sqrt((one.deviation**2 + two.deviation**2) / seeds)
        half = float(t.ppf((1 + CONFIDENCE) / 2, seeds - 1)) * error
    change = two.mean - one.mean
    return Effect(shows, one, two, change, change - half, change + half, seeds)


def _trained(variant: dict[str, Any]) -> list[dict[str, Any]]:
    return [run for run in variant["runs"] if run["curve"] and not run["error"]]


def value(shows: str, variant: dict[str, Any]) -> Value:
    """A figure of a variant."""
    training, validation = (_summary(variant[f"{part}_accuracy"]) for part in ("train", "val"))
    if shows == "gap":
        parts = (training.deviation, validation.deviation)
        deviation = None if None in parts else sqrt(sum(part**2 for part in parts if part is not None))
        return Value(training.mean - validation.mean, deviation)
    return {"training": training, "validation": validation}[shows]


def _summary(summary: dict[str, Any]) -> Value:
    deviation = summary["deviation"]
    return Value(100 * summary["mean"], None if deviation is None else 100 * deviation)
