"""What a classifier got right, by class: from a confusion matrix, rows the true classes, columns the answers."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]


class ClassScore(NamedTuple):
    """precision: how many of the images called so are so. recall: how many of those that are so were called so.

    f1: the harmonic mean of the two. support: how many images are so.
    """

    name: str
    precision: float
    recall: float
    f1: float
    support: int


class Confusion(NamedTuple):
    """So many images of class `truth` were called `answer`."""

    truth: str
    answer: str
    images: int


def class_scores(confusion: Counts, classes: Sequence[str]) -> list[ClassScore]:
    """One score for each class; a ratio over no images is 0."""
    right = np.diagonal(confusion).astype(np.float64)
    support = confusion.sum(axis=1)
    precision = right / np.maximum(confusion.sum(axis=0), 1)
    recall = right / np.maximum(support, 1)
    f1 = 2 * precision * recall / np.where(precision + recall > 0, precision + recall, 1)
    return [
        ClassScore(name, float(p), float(r), float(f), int(n))
        for name, p, r, f, n in zip(classes, precision, recall, f1, support, strict=True)
    ]


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
