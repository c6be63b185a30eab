"""Classification: one class for each image. Outputs are logits, N x classes; labels int64 N, or shares of classes."""

from torch import Tensor

from specc.backend.tasks.bound import BoundTask, Records
from specc.backend.tasks.figures import classification
from specc.backend.tasks.figures.scores import ClassScore


class Classification(BoundTask):
    columns = 3

    def answers(self, outputs: Tensor) -> Tensor:
        return outputs.argmax(dim=1)

    def restore(self, given: Tensor, output: str) -> Tensor:
        return given  # only the order of the classes counts

    def records(self, outputs: Tensor, labels: Tensor) -> Tensor:
        return classification.records(outputs, labels)

    def figures(self, records: Records) -> dict[str, float | None]:
        return classification.figures(records, len(self.outputs))

    def by_output(self, records: Records) -> list[ClassScore]:
        return classification.by_output(records, self.outputs)

    def counts(self, labels: Tensor) -> tuple[int, ...]:
        return tuple(labels.bincount(minlength=len(self.outputs)).tolist())

    def strata(self, labels: Tensor, most: int = 10) -> list[tuple[int, ...]]:
        return [(label,) for label in labels.tolist()]
