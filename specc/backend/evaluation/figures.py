"""The figures of a classifier over a set of images, each with its 95% interval."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from specc.backend.evaluation.intervals import Index, Interval, Values, bootstrap, share_interval, wilson
from specc.backend.evaluation.scores import Counts, class_scores, macro, share_text
from specc.backend.evaluation.totals import Evaluation


class Figure(NamedTuple):
    """A figure and its 95% interval. value: None for one over no images. interval: None where there is none."""

    value: float | None
    interval: Interval | None

    def __str__(self) -> str:
        """`99.15% (97.54% to 99.71%)`, of a share."""
        interval = f" ({share_interval(self.interval)})" if self.interval else ""
        return share_text(self.value) + interval

    def as_dict(self) -> dict[str, float | None]:
        low, high = self.interval or (None, None)
        return {"value": self.value, "low": low, "high": high}


class Means(NamedTuple):
    """Over the classes that have images, each counting as much."""

    precision: Figure
    recall: Figure
    f1: Figure


class ClassFigures(NamedTuple):
    """Those of one class; see `ClassScore`."""

    name: str
    precision: Figure
    recall: Figure
    f1: Figure
    support: int


class Figures(NamedTuple):
    """The figures over `images`. loss and accuracy: as in `Evaluation`. one_view: the accuracy on the images as they
    are. macro: means over those `mean_of` classes that have images.
    """

    images: int
    loss: Figure
    accuracy: Figure
    one_view: Figure
    macro: Means
    mean_of: int
    classes: list[ClassFigures]

    def as_dict(self) -> dict[str, dict[str, float | None]]:
        """Those over all images, by name."""
        named = {
            "accuracy": self.accuracy,
            "accuracy_one_view": self.one_view,
            "loss": self.loss,
            **self.macro._asdict(),
        }
        return {name: figure.as_dict() for name, figure in named.items()}


def figures_of(evaluation: Evaluation, classes: Sequence[str]) -> Figures:
    """Intervals of shares are Wilson's; those of means over classes, of F1 and of the loss are bootstrapped."""
    confusion = evaluation.confusion
    images = int(confusion.sum())
    means, of_classes = by_class(confusion, classes)
    return Figures(
        images,
        Figure(evaluation.loss, _of_loss(evaluation.losses)),
        share(evaluation.accuracy, images),
        share(evaluation.one_view, images),
        means,
        macro(class_scores(confusion, classes)).classes,
        of_classes,
    )


def by_class(confusion: Counts, classes: Sequence[str]) -> tuple[Means, list[ClassFigures]]:
    """Mean precision, recall and F1 over the classes, and those of each class."""
    scores = class_scores(confusion, classes)
    of_means, of_f1 = _bootstrapped(confusion)
    counts = zip(np.diagonal(confusion).tolist(), confusion.sum(axis=0).tolist(), strict=True)
    return (
        Means(
            *(
                Figure(value, interval)
                for value, interval in zip(macro(scores)[: len(Means._fields)], of_means, strict=True)
            )
        ),
        [
            ClassFigures(
                score.name,
                Figure(score.precision, wilson(right, called)),
                Figure(score.recall, wilson(right, score.support)),
                Figure(score.f1, interval if score.f1 is not None else None),
                score.support,
            )
            for score, (right, called), interval in zip(scores, counts, of_f1, strict=True)
        ],
    )


def share(value: float, images: int) -> Figure:
    """A share of so many images, with Wilson's interval."""
    return Figure(value, wilson(round(value * images), images))


def _of_loss(losses: NDArray[np.float64] | None) -> Interval | None:
    """losses: of each image its loss and its weight, N x 2; None where they were not kept."""
    if losses is None:
        return None

    def mean(index: Index) -> float:
        total, weight = losses[index].sum(axis=0)
        return float(total / weight) if weight else np.nan

    return bootstrap(mean, len(losses))[0]


def _bootstrapped(confusion: Counts) -> tuple[list[Interval | None], list[Interval | None]]:
    """The intervals of the mean precision, recall and F1 over the classes, and of each class's F1."""
    count = len(confusion)
    truth, answer = (np.repeat(side, confusion[np.nonzero(confusion)]) for side in np.nonzero(confusion))

    def figures(index: Index) -> Values:
        true, said = truth[index], answer[index]
        right = np.bincount(true[true == said], minlength=count)
        answered, support = np.bincount(said, minlength=count), np.bincount(true, minlength=count)
        with np.errstate(invalid="ignore"):
            precision, recall, f1 = right / answered, right / support, 2 * right / (answered + support)
        there = support > 0
        known = there & (answered > 0)
        means = [precision[known].mean() if known.any() else np.nan, recall[there].mean(), f1[there].mean()]
        return np.concatenate([means, f1])

    found = bootstrap(figures, len(truth))
    return found[: len(Means._fields)], found[len(Means._fields) :]


def figures_json(figures: Figures) -> dict[str, Any]:
    """What `specc eval --json` says of them: every figure, with its interval as `NAME_interval`."""
    return {
        "accuracy": figures.accuracy.value,
        "accuracy_interval": figures.accuracy.interval,
        "loss": figures.loss.value,
        "loss_interval": figures.loss.interval,
        "accuracy_one_view": figures.one_view.value,
        "accuracy_one_view_interval": figures.one_view.interval,
        "macro": {**_scores(figures.macro), "classes": figures.mean_of},
        "classes": [{"name": one.name, **_scores(one), "support": one.support} for one in figures.classes],
    }


def _scores(of: Means | ClassFigures) -> dict[str, Any]:
    """Precision, recall and F1."""
    named = (("precision", of.precision), ("recall", of.recall), ("f1", of.f1))
    return {
        key: value
        for name, figure in named
        for key, value in ((name, figure.value), (f"{name}_interval", figure.interval))
    }
