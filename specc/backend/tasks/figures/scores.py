"""What a classifier got right, by class: from a confusion matrix, rows the true classes, columns the answers."""

from collections.abc import Iterable, Sequence
from statistics import fmean
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]


class ClassScore(NamedTuple):
    """precision: how many of the images called so are so. recall: how many of those that are so were called so.

    f1: the harmonic mean of the two, 2 * right / (called so + are so). support: how many images are so. None: a ratio
    over no images, which says nothing.
    """

    name: str
    precision: float | None
    recall: float | None
    f1: float | None
    support: int


class Confusion(NamedTuple):
    """So many images of class `truth` were called `answer`."""

    truth: str
    answer: str
    images: int


def class_scores(confusion: Counts, classes: Sequence[str]) -> list[ClassScore]:
    """One score for each class."""
    columns = (np.diagonal(confusion), confusion.sum(axis=0), confusion.sum(axis=1))
    rows = zip(classes, *(column.tolist() for column in columns), strict=True)
    return [
        ClassScore(name, ratio(right, said), ratio(right, support), ratio(2 * right, said + support), support)
        for name, right, said, support in rows
    ]


def ratio(part: int, whole: int) -> float | None:
    """part / whole; None over nothing, which says nothing."""
    return part / whole if whole else None


def share_text(share: float | None) -> str:
    """A ratio in percent; a dash for one over no images."""
    return "–" if share is None else f"{share:.2%}"


class Macro(NamedTuple):
    """Means over classes, each class counting as much as any other. classes: how many have images, and are in it."""

    precision: float | None
    recall: float | None
    f1: float | None
    classes: int


def macro(scores: Sequence[ClassScore]) -> Macro:
    """The means over the classes that have images; a precision of theirs that is None is left out as well."""
    there = [score for score in scores if score.support]

    def mean(values: Iterable[float | None]) -> float | None:
        known = [value for value in values if value is not None]
        return fmean(known) if known else None

    return Macro(
        mean(score.precision for score in there),
        mean(score.recall for score in there),
        mean(score.f1 for score in there),
        len(there),
    )


def confusions(confusion: Counts, classes: Sequence[str], most: int) -> list[Confusion]:
    """The most frequent mistakes, the worst first."""
    wrong = confusion.copy()
    np.fill_diagonal(wrong, 0)
    order = np.argsort(-wrong, axis=None, kind="stable")[:most]
    rows, columns = np.unravel_index(order, wrong.shape)
    return [
        Confusion(classes[row], classes[column], int(wrong[row, column]))
        for row, column in zip(rows, columns, strict=True)
        if wrong[row, column]
    ]
