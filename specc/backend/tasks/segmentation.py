"""Segmentation: a class for each pixel. Outputs are logits, N x classes x H x W; labels uint8 N x H x W."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import one_hot

from specc.backend.tasks.bound import BoundTask, Records
from specc.backend.tasks.figures import segmentation
from specc.backend.tasks.figures.segmentation import PixelScore


class Segmentation(BoundTask):
    @property
    def columns(self) -> int:
        return 3 * len(self.outputs)

    def answers(self, outputs: Tensor) -> Tensor:
        return outputs.argmax(dim=1)

    def restore(self, given: Tensor, output: str) -> Tensor:
        if output != "classes":
            return given
        return one_hot(given.long(), len(self.outputs)).movedim(3, 1)

    def records(self, outputs: Tensor, labels: Tensor) -> Tensor:
        return segmentation.records(outputs, labels, self.ignore)

    def figures(self, records: Records) -> dict[str, float | None]:
        return segmentation.figures(records)

    def by_output(self, records: Records) -> list[PixelScore]:
        return segmentation.by_output(records, self.outputs)

    def counts(self, labels: Tensor) -> tuple[int, ...]:
        return tuple(self._pixels(labels).sum(dim=0).tolist())

    def strata(self, labels: Tensor, most: int = 10) -> list[tuple[int, ...]]:
        pixels = self._pixels(labels)
        order = pixels.sum(dim=0).argsort(stable=True)  # classes, the rarest first
        there = pixels[:, order] > 0
        none = torch.tensor(len(self.outputs))
        rarest = torch.where(there.any(dim=1), order[there.int().argmax(dim=1)], none)
        return [(label,) for label in rarest.tolist()]

    def costs(self, records: Records, probabilities: Records | None) -> NDArray[np.float64]:
        """1 minus the mean IoU of the classes in the image, or in the answer; 0 where no pixel counts."""
        right, called, pixels = records.reshape(len(records), 3, -1).transpose(1, 0, 2)
        there = called + pixels > 0
        shares = right / np.maximum(called + pixels - right, 1)
        known = there.sum(axis=1)
        costs: NDArray[np.float64] = np.where(known > 0, 1 - (shares * there).sum(axis=1) / np.maximum(known, 1), 0.0)
        return costs

    def row(self, record: NDArray[np.float64], probabilities: NDArray[np.float64] | None) -> dict[str, Any]:
        figures = self.figures(record[None])
        pixels = record.reshape(3, -1)[2]
        return {**figures, "pixels": {name: int(count) for name, count in zip(self.outputs, pixels, strict=True)}}

    def _pixels(self, labels: Tensor) -> Tensor:
        """How many pixels of each class a mask has: int64 N x classes."""
        classes = range(len(self.outputs))
        return torch.stack(
            [((labels == number) & (labels != self._none)).flatten(1).sum(dim=1) for number in classes], 1
        )

    @property
    def _none(self) -> int:
        return -1 if self.ignore is None else self.ignore
