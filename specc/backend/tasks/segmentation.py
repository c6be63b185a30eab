"""Segmentation: a class for each pixel. Outputs are logits, N x classes x H x W; labels uint8 N x H x W."""

from torch import Tensor

from specc.backend.tasks.bound import BoundTask, Records
from specc.backend.tasks.figures import segmentation
from specc.backend.tasks.figures.segmentation import PixelScore


class Segmentation(BoundTask):
    @property
    def columns(self) -> int:
        return 3 * len(self.outputs)

    def records(self, outputs: Tensor, labels: Tensor) -> Tensor:
        return segmentation.records(outputs, labels, self.ignore)

    def figures(self, records: Records) -> dict[str, float | None]:
        return segmentation.figures(records)

    def by_output(self, records: Records) -> list[PixelScore]:
        return segmentation.by_output(records, self.outputs)
