"""Losses by name, as a spec would make them."""

from typing import Any

import torch

from specc.backend.evaluation.losses import Loss, loss_function
from specc.backend.tasks.bound import BoundTask, bind
from specc.tasks import CLASSIFICATION
from specc.values import Args, Bound

LOSSES: list[tuple[str, dict[str, Any]]] = [
    ("cross_entropy", {"smoothing": 0.0}),
    ("cross_entropy", {"smoothing": 0.3}),
    ("focal", {"gamma": 2.0}),
    ("binary_cross_entropy", {}),
]


def classes_of(count: int) -> BoundTask:
    """Classification with so many classes."""
    return bind(CLASSIFICATION, [str(number) for number in range(count)])


def make_loss(
    name: str, classes: int, weights: list[float] | None = None, reduction: str = "mean", **args: Any
) -> Loss:
    bound = Bound(name, Args(weights=weights, reduction=reduction, **args))
    return loss_function([bound], classes_of(classes), torch.device("cpu"))


def cross_entropy(classes: int) -> Loss:
    """The plain one."""
    return make_loss("cross_entropy", classes, smoothing=0.0)
