"""Regression: numbers for each image. Outputs and labels are N x numbers, float32, both standardized.

Records are standardized, too; figures are in the data's own units.
"""

import numpy as np
from torch import Tensor

from specc.backend.tasks.bound import BoundTask, Records
from specc.backend.tasks.figures import regression
from specc.backend.tasks.figures.regression import NumberScore


class Regression(BoundTask):
    @property
    def columns(self) -> int:
        return 2 * len(self.outputs)

    def records(self, outputs: Tensor, labels: Tensor) -> Tensor:
        return regression.records(outputs, labels)

    def figures(self, records: Records) -> dict[str, float | None]:
        return regression.figures(self._in_units(records))

    def by_output(self, records: Records) -> list[NumberScore]:
        return regression.by_output(self._in_units(records), self.outputs)

    def _in_units(self, records: Records) -> Records:
        if self.scale is None:
            return records
        mean, std = (np.tile(np.array(values), 2) for values in self.scale)
        units: Records = records * std + mean
        return units
