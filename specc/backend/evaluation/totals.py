"""What a network's outputs for a set of images amount to, however the set is cut into batches."""

from typing import NamedTuple, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from specc.backend.evaluation.losses import Loss, Parts
from specc.backend.ranks import Ranks
from specc.backend.tasks.bound import BoundTask, Records

Figures = dict[str, float | None]


class Evaluation(NamedTuple):
    """loss: mean over the images, weighted by their classes where the loss has weights. figures: those of the task.

    records: a row for each image, of which the figures are made. one_view, one_view_records: those of the images as
    they are; the same figures and None where they are looked at in no other way. losses: of each image the loss and the
    weight of each term, N x 2 terms; None where they were not kept. factors: what each term of the loss counts.
    outputs: of each image what the network gives, float32 N x outputs; None where that is a map, or was not kept.
    """

    loss: float
    figures: Figures
    records: Records
    one_view: Figures
    factors: tuple[float, ...] = (1.0,)
    one_view_records: Records | None = None
    losses: NDArray[np.float64] | None = None
    outputs: NDArray[np.float32] | None = None

    @property
    def loss_of_each(self) -> NDArray[np.float64] | None:
        """The loss of each image, N; NaN where nothing of it counts. None where they were not kept."""
        if self.losses is None:
            return None
        totals, weights = self.losses[:, ::2], self.losses[:, 1::2]
        with np.errstate(invalid="ignore", divide="ignore"):
            means = np.where(weights > 0, totals / weights, np.nan)
        losses: NDArray[np.float64] = (means * self.factors).sum(axis=1)
        return losses

    def figure(self, name: str) -> float:
        """A figure that is known."""
        value = self.figures[name]
        assert value is not None
        return value


class Totals:
    """Records of images, and the losses of batches in float64, so that no cut into batches changes a figure.

    Nothing waits for the device before `compute`.
    """

    def __init__(self, task: BoundTask, loss: Loss, device: torch.device) -> None:
        self.task, self.loss, self.device = task, loss, device
        self.losses: list[Tensor] = []
        self.records: list[Tensor] = []
        self.one_view: list[Tensor] = []

    def update(self, parts: list[Parts], outputs: Tensor, one_view: Tensor, labels: Tensor) -> None:
        """Add a batch. parts: its losses. outputs: of all views; one_view: the same tensor where there is only one."""
        self.losses.append(self.loss.pairs(parts))
        self.records.append(self.task.records(outputs, labels))
        if one_view is not outputs:
            self.one_view.append(self.task.records(one_view, labels))

    def merge(self, other: Self) -> None:
        """Add what was found on other images."""
        self.losses += other.losses
        self.records += other.records
        self.one_view += other.one_view

    def gather(self, ranks: Ranks) -> None:
        """Add what the other processes have found: each has a stretch of the images, in the order of the ranks.

        The sums are then taken in the order of the batches, as one process does that has all of them.
        """
        if ranks.is_alone:
            return
        rows, columns = self.loss.rows, self.task.columns
        has_views = ranks.highest(bool(self.one_view))[0]
        self.losses = list(
            _gathered(self.losses, rows, ranks, stacked=True).to(exact_dtype(self.device)).to(self.device)
        )
        self.records = [_gathered(self.records, columns, ranks)]
        if has_views:
            self.one_view = [_gathered(self.one_view, columns, ranks)]

    def compute(self) -> Evaluation:
        """The figures over all images so far; there must be one."""
        records = _together(self.records)
        figures = self.task.figures(records)
        alone = _together(self.one_view) if self.one_view else None
        one_view = figures if alone is None else self.task.figures(alone)
        losses = torch.zeros(self.loss.rows, dtype=exact_dtype(self.device), device=self.device)
        for pairs in self.losses:
            losses += pairs
        loss = self.loss.mean_of(losses.tolist())
        return Evaluation(loss, figures, records, one_view, self.loss.factors, alone)


def _gathered(values: list[Tensor], columns: int, ranks: Ranks, *, stacked: bool = False) -> Tensor:
    """The rows of all processes, in their order, on the CPU. stacked: each value is a row."""
    own = (torch.stack(values) if stacked else torch.cat(values)).cpu() if values else torch.empty(0, columns)
    return torch.cat(ranks.gather_tensors(own.double()))


def _together(records: list[Tensor]) -> Records:
    return torch.cat(records).cpu().numpy().astype(np.float64)


def exact_dtype(device: torch.device) -> torch.dtype:
    """What sums are taken in: float64, but on Apple's GPUs, which have none."""
    return torch.float32 if device.type == "mps" else torch.float64
