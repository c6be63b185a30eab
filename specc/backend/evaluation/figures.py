"""The figures of a task over a set of images, each with its 95% interval."""

from collections.abc import Mapping
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from specc.backend.evaluation.intervals import DRAWS, Index, Interval, Values, bootstrap, wilson
from specc.backend.evaluation.totals import Evaluation
from specc.backend.tasks.bound import BoundTask, Records
from specc.tasks import LOSS, Figure, Task

MOST_NUMBERS = 4_000_000_000  # that all draws together may go through: some ten seconds


class Estimate(NamedTuple):
    """A figure and its 95% interval. value: None for one over no images. interval: None where there is none."""

    value: float | None
    interval: Interval | None

    @classmethod
    def of(cls, found: Mapping[str, float | None] | None) -> Self:
        """From what `as_dict` gives."""
        value, low, high = (found.get(name) if found else None for name in ("value", "low", "high"))
        return cls(value, None if low is None or high is None else Interval(low, high))

    def text(self, figure: Figure) -> str:
        """`99.15% (97.54% to 99.71%)`, of a share."""
        if self.interval is None:
            return figure.text(self.value)
        return f"{figure.text(self.value)} ({figure.text(self.interval.low)} to {figure.text(self.interval.high)})"

    def __str__(self) -> str:
        """As text, of a share."""
        return self.text(SHARE)

    def as_dict(self) -> dict[str, float | None]:
        low, high = self.interval or (None, None)
        return {"value": self.value, "low": low, "high": high}


SHARE = Figure("share", "share")


class Figures(NamedTuple):
    """The figures of a task over `images`. values: by name. one_view: those on the images as they are."""

    task: Task
    images: int
    loss: Estimate
    values: dict[str, Estimate]
    one_view: dict[str, Estimate]

    def text(self, name: str) -> str:
        """A figure, as it is printed."""
        return self.values[name].text(self.task.figure(name))

    def as_dict(self) -> dict[str, dict[str, float | None]]:
        """All figures by name, as run.json has them."""
        named = {**self.values, LOSS.name: self.loss}
        if self.one_view is not self.values:
            named |= {f"{name}_one_view": value for name, value in self.one_view.items()}
        return {name: value.as_dict() for name, value in named.items()}


def figures_of(evaluation: Evaluation, task: BoundTask) -> Figures:
    """Intervals of shares of the images are Wilson's; those of all other figures, and of the loss, are bootstrapped."""
    values = estimates(evaluation.figures, evaluation.records, task)
    one_view = values
    if evaluation.one_view_records is not None:
        one_view = estimates(evaluation.one_view, evaluation.one_view_records, task)
    loss = Estimate(evaluation.loss, _of_loss(evaluation.losses, evaluation.factors))
    return Figures(task.facts, len(evaluation.records), loss, values, one_view)


def estimates(values: dict[str, float | None], records: Records, task: BoundTask) -> dict[str, Estimate]:
    """Figures of a task, which images with these records have, with their intervals."""
    names = [figure.name for figure in task.facts.figures if not figure.counts_images]

    def figures(index: Index) -> Values:
        found = task.figures(records[index])
        return np.array([np.nan if (value := found[name]) is None else value for name in names])

    draws = max(100, min(DRAWS, MOST_NUMBERS // (records.size * max(len(task.outputs), 1))))
    intervals = dict(zip(names, bootstrap(figures, len(records), draws=draws) if names else (), strict=True))
    found = {}
    for figure in task.facts.figures:
        value = values[figure.name]
        if value is None:
            found[figure.name] = Estimate(None, None)
        elif figure.counts_images:
            found[figure.name] = share(value, len(records))
        else:
            found[figure.name] = Estimate(value, intervals[figure.name])
    return found


def share(value: float, images: int) -> Estimate:
    """A share of so many images, with Wilson's interval."""
    return Estimate(value, wilson(round(value * images), images))


def _of_loss(losses: NDArray[np.float64] | None, factors: tuple[float, ...]) -> Interval | None:
    """losses: of each image the loss and the weight of each term, N x 2 terms; None where they were not kept."""
    if losses is None:
        return None

    def mean(index: Index) -> float:
        sums = losses[index].sum(axis=0)
        totals, weights = sums[::2], sums[1::2]
        return float((factors * totals / weights).sum()) if weights.all() else np.nan

    return bootstrap(mean, len(losses))[0]


def figures_json(figures: Figures) -> dict[str, Any]:
    """What `specc eval --json` says of them: every figure, with its interval as `NAME_interval`."""
    found: dict[str, Any] = {}
    for name, value in {**figures.values, LOSS.name: figures.loss}.items():
        found |= {name: value.value, f"{name}_interval": value.interval}
    for name, value in figures.one_view.items():
        found |= {f"{name}_one_view": value.value, f"{name}_one_view_interval": value.interval}
    return found
