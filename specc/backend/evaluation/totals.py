"""What a network's answers to a set of images amount to, however the set is cut into batches."""

from typing import NamedTuple, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from specc.backend.evaluation.losses import Parts
from specc.backend.evaluation.scores import Counts


class Evaluation(NamedTuple):
    """loss: mean over the images, weighted by their classes where the loss has weights. accuracy: 0 to 1.

    confusion: classes x classes, rows the true ones. one_view: the accuracy on the images as they are; the same as
    `accuracy` where they are looked at in no other way. losses: of each image its loss and its weight, N x 2; None
    where they were not kept.
    """

    loss: float
    accuracy: float
    confusion: Counts
    one_view: float
    losses: NDArray[np.float64] | None = None


class Totals:
    """Sums over images. Counts are integers and losses are added in float64, so no cut into batches changes a figure.

    Nothing waits for the device before `compute`.
    """

    def __init__(self, classes: int, device: torch.device) -> None:
        self.classes = classes
        self.loss = torch.zeros(2, dtype=exact_dtype(device), device=device)  # the sum, and what it is divided by
        self.right = torch.zeros((), dtype=torch.int64, device=device)
        self.confusion = torch.zeros(classes * classes, dtype=torch.int64, device=device)

    def update(self, loss: Parts, logits: Tensor, one_view: Tensor, labels: Tensor) -> None:
        """Add a batch. loss: of its logits. logits, one_view: N x classes. labels: int64 N."""
        self.loss += loss.pair()
        self.right += (one_view.argmax(dim=1) == labels).sum()
        pairs = labels * self.classes + logits.argmax(dim=1)
        self.confusion += torch.bincount(pairs, minlength=self.classes * self.classes)

    def merge(self, other: Self) -> None:
        """Add what was found on other images."""
        self.loss += other.loss
        self.right += other.right
        self.confusion += other.confusion

    def compute(self) -> Evaluation:
        """The figures over all images so far; there must be one."""
        total, weight = self.loss.tolist()
        table = self.confusion.reshape(self.classes, self.classes).cpu()
        count = int(table.sum())
        return Evaluation(total / weight, int(table.trace()) / count, table.numpy(), int(self.right) / count)


def exact_dtype(device: torch.device) -> torch.dtype:
    """What sums are taken in: float64, but on Apple's GPUs, which have none."""
    return torch.float32 if device.type == "mps" else torch.float64
