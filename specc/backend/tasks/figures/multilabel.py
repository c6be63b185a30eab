"""The figures of multi-label classification: mean average precision, micro and macro F1, exact match."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from specc.backend.tasks.figures.scores import ratio

Floats = NDArray[np.float64]


class TagScore(NamedTuple):
    """precision, recall, f1: of the images called so, those with a logit above 0, a probability above one half.

    average_precision: the area below the steps of precision over recall. support: how many images have the tag. None:
    a ratio over no images, which says nothing.
    """

    name: str
    precision: float | None
    recall: float | None
    f1: float | None
    average_precision: float | None
    support: int


def records(outputs: Tensor, labels: Tensor) -> Tensor:
    """Of each image the logits of the K tags, and whether it has them, 1 or 0: float32 N x 2K.

    outputs: N x K. labels: N x K, 1 for a tag that an image has; of the shares of mixed images, one half and more is 1.
    """
    return torch.cat([outputs.detach().float(), (labels >= 0.5).float()], dim=1)


def figures(records: Floats) -> dict[str, float | None]:
    """The figures of the images that have these records, as scikit-learn defines them.

    `map` is a mean over the tags that an image has, None where there is none. The F1 of a tag that neither an image nor
    an answer has is 0.
    """
    scores, truths = _columns(records)
    answers = scores > 0
    right, called, support = _counts(answers, truths)
    precisions = [value for value in _average_precisions(scores, truths) if value is not None]
    whole = called + support
    return {
        "map": float(np.mean(precisions)) if precisions else None,
        "micro_f1": float(2 * right.sum() / max(whole.sum(), 1)),
        "f1": float(np.mean(2 * right / np.maximum(whole, 1))),
        "exact_match": float(np.mean((answers == truths).all(axis=1))),
    }


def by_output(records: Floats, names: Sequence[str]) -> list[TagScore]:
    """A row for each tag. names: of all tags."""
    scores, truths = _columns(records)
    counts = zip(*(column.tolist() for column in _counts(scores > 0, truths)), strict=True)
    return [
        TagScore(name, ratio(right, called), ratio(right, support), ratio(2 * right, called + support), area, support)
        for name, (right, called, support), area in zip(names, counts, _average_precisions(scores, truths), strict=True)
    ]


def _columns(records: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """The logits, and whether each image has each tag, N x K both."""
    tags = records.shape[1] // 2
    return records[:, :tags], records[:, tags:] > 0


def _counts(answers: NDArray[np.bool_], truths: NDArray[np.bool_]) -> tuple[NDArray[np.int64], ...]:
    """Of each tag: how many images are rightly called so, how many are called so, how many are so."""
    return tuple(np.count_nonzero(table, axis=0).astype(np.int64) for table in (answers & truths, answers, truths))


def _average_precisions(scores: Floats, truths: NDArray[np.bool_]) -> list[float | None]:
    """Of each tag: the mean, over the images that have it, of the precision among all that score at least as high.

    That is sklearn.metrics.average_precision_score, ties included: a step of its curve is as high as the precision at
    a score, and as wide as the share of the images with the tag that have this score.
    """
    areas: list[float | None] = []
    for column, true in zip(scores.T, truths.T, strict=True):
        every, own = np.sort(column), np.sort(column[true])
        right = len(own) - np.searchsorted(own, own)
        called = len(every) - np.searchsorted(every, own)
        areas.append(float(np.mean(right / called)) if len(own) else None)
    return areas
