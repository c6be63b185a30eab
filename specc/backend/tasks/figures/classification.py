"""The figures of classification: accuracy, balanced accuracy, macro F1, top-5 accuracy."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from specc.backend.tasks.figures.scores import ClassScore, Counts, class_scores

LABEL, ANSWER, RANK = range(3)  # the columns of a record
TOP = 5


def records(outputs: Tensor, labels: Tensor) -> Tensor:
    """Of each image its class, the network's answer, and how many classes rank before the true one: float32 N x 3.

    outputs: logits, N x classes. labels: int64 N, or the shares of the classes, N x classes, of which the largest
    counts. Of equal logits the later class ranks first, as in scikit-learn's top_k_accuracy_score; NaN ranks before
    all.
    """
    outputs = outputs.detach().float()
    truths = labels.argmax(dim=1) if labels.is_floating_point() else labels
    own = outputs.gather(1, truths[:, None])
    earlier = torch.arange(outputs.shape[1], device=outputs.device) < truths[:, None]
    behind = (outputs < own) | ((outputs == own) & earlier)
    rank = outputs.shape[1] - 1 - behind.sum(dim=1)
    return torch.stack([truths, outputs.argmax(dim=1), rank], dim=1).float()


def figures(records: NDArray[np.float64], classes: int) -> dict[str, float | None]:
    """The figures of the images that have these records, as scikit-learn defines them.

    Balanced accuracy is a mean over the classes that have images, macro F1 over those that have images or answers.
    `top5` is None where there are no more than five classes.
    """
    table = confusion(records, classes)
    right, answers, support = np.diagonal(table), table.sum(axis=0), table.sum(axis=1)
    there, counted = support > 0, answers + support > 0
    return {
        "accuracy": float(right.sum() / len(records)),
        "balanced_accuracy": float(np.mean(right[there] / support[there])),
        "f1": float(np.mean(2 * right[counted] / (answers + support)[counted])),
        "top5": float(np.mean(records[:, RANK] < TOP)) if classes > TOP else None,
    }


def confusion(records: NDArray[np.float64], classes: int) -> Counts:
    """How many images of each class got each answer: classes x classes, rows the true ones."""
    pairs = records[:, LABEL].astype(np.int64) * classes + records[:, ANSWER].astype(np.int64)
    return np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)


def by_output(records: NDArray[np.float64], names: Sequence[str]) -> list[ClassScore]:
    """A row for each class. names: of all classes."""
    return class_scores(confusion(records, len(names)), names)
