"""Precision, recall and F1 of each class, and their means, each with its 95% interval."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from specc.backend.evaluation.figures import Estimate
from specc.backend.evaluation.intervals import Index, Interval, Values, bootstrap, wilson
from specc.backend.tasks.figures.scores import Counts, class_scores, macro


class Means(NamedTuple):
    """Over the classes that have images, each counting as much."""

    precision: Estimate
    recall: Estimate
    f1: Estimate


class ClassFigures(NamedTuple):
    """Those of one class; see `ClassScore`."""

    name: str
    precision: Estimate
    recall: Estimate
    f1: Estimate
    support: int


def by_class(confusion: Counts, classes: Sequence[str]) -> tuple[Means, list[ClassFigures]]:
    """Mean precision, recall and F1 over the classes, and those of each class."""
    scores = class_scores(confusion, classes)
    of_means, of_f1 = _bootstrapped(confusion)
    counts = zip(np.diagonal(confusion).tolist(), confusion.sum(axis=0).tolist(), strict=True)
    return (
        Means(
            *(
                Estimate(value, interval)
                for value, interval in zip(macro(scores)[: len(Means._fields)], of_means, strict=True)
            )
        ),
        [
            ClassFigures(
                score.name,
                Estimate(score.precision, wilson(right, called)),
                Estimate(score.recall, wilson(right, score.support)),
                Estimate(score.f1, interval if score.f1 is not None else None),
                score.support,
            )
            for score, (right, called), interval in zip(scores, counts, of_f1, strict=True)
        ],
    )


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


def scores_json(means: Means, of_classes: Sequence[ClassFigures]) -> dict[str, Any]:
    """What `specc eval --json` says of classes: every figure, with its interval as `NAME_interval`."""
    counted = sum(1 for one in of_classes if one.support)
    return {
        "macro": {**_scores(means), "classes": counted},
        "classes": [{"name": one.name, **_scores(one), "support": one.support} for one in of_classes],
    }


def _scores(of: Means | ClassFigures) -> dict[str, Any]:
    """Precision, recall and F1."""
    named = (("precision", of.precision), ("recall", of.recall), ("f1", of.f1))
    return {
        key: value
        for name, figure in named
        for key, value in ((name, figure.value), (f"{name}_interval", figure.interval))
    }
