"""Regression: numbers for each image. Outputs and labels are N x numbers, float32, both standardized.

Records are standardized, too; figures are in the data's own units.
"""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from specc.backend.tasks.bound import BoundTask, Records, Scale
from specc.backend.tasks.figures import regression
from specc.backend.tasks.figures.regression import NumberScore


def scale_of(numbers: Tensor) -> Scale:
    """Mean and deviation (of the population) of each number, float64 N x numbers; 1 for one that is constant."""
    deviation = numbers.std(dim=0, correction=0)
    std = torch.where(deviation > 0, deviation, torch.ones_like(deviation))
    return Scale(tuple(numbers.mean(dim=0).tolist()), tuple(std.tolist()))


def learnable(labels: Tensor, scale: Scale | None) -> Tensor:
    """Numbers, float64, as they are learned: standardized where there is a scale, float32. Other labels as they are."""
    if labels.dtype != torch.float64:
        return labels
    if scale is None:
        return labels.float()
    mean, std = (torch.tensor(values, dtype=torch.float64) for values in scale)
    return ((labels - mean) / std).float()


class Regression(BoundTask):
    @property
    def columns(self) -> int:
        return 2 * len(self.outputs)

    def answers(self, outputs: Tensor) -> None:
        return None

    def restore(self, given: Tensor, output: str) -> Tensor:
        if self.scale is None or output != "numbers":
            return given
        mean, std = (torch.tensor(values, dtype=torch.float64) for values in self.scale)
        return (given.double() - mean) / std

    def records(self, outputs: Tensor, labels: Tensor) -> Tensor:
        return regression.records(outputs, labels)

    def figures(self, records: Records) -> dict[str, float | None]:
        return regression.figures(self.in_units(records))

    def by_output(self, records: Records) -> list[NumberScore]:
        return regression.by_output(self.in_units(records), self.outputs)

    def counts(self, labels: Tensor) -> tuple[int, ...]:
        return ()

    def strata(self, labels: Tensor, most: int = 10) -> list[tuple[int, ...]]:
        """Tenths of the first number; fewer parts where there are not two images in each, or `most` are fewer."""
        parts = max(1, min(10, most, len(labels) // 2))
        ranks = labels[:, 0].argsort(stable=True).argsort()
        return [(rank * parts // len(labels),) for rank in ranks.tolist()]

    def costs(self, records: Records, probabilities: Records | None) -> NDArray[np.float64]:
        """The absolute error, in units of each number's deviation where numbers are standardized: a mean over them."""
        numbers = len(self.outputs)
        costs: NDArray[np.float64] = np.abs(records[:, :numbers] - records[:, numbers:]).mean(axis=1)
        return costs

    def row(self, record: NDArray[np.float64], probabilities: NDArray[np.float64] | None) -> dict[str, Any]:
        answers, truths = self.in_units(record[None])[0].reshape(2, -1).tolist()
        names = self.outputs
        return {
            "numbers": dict(zip(names, truths, strict=True)),
            "answers": dict(zip(names, answers, strict=True)),
            "errors": {name: a - b for name, a, b in zip(names, answers, truths, strict=True)},
        }

    def in_units(self, records: Records) -> Records:
        """Records with the numbers in the data's own units: N x 2K, the network's and then the true ones."""
        if self.scale is None:
            return records
        mean, std = (np.tile(np.array(values), 2) for values in self.scale)
        units: Records = records * std + mean
        return units
