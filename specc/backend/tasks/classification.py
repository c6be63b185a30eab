"""Classification: one class for each image. Outputs are logits, N x classes; labels int64 N, or shares of classes."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
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

    def costs(self, records: Records, probabilities: Records | None) -> NDArray[np.float64]:
        """1 minus the probability of the true class, where the answer is another one."""
        assert probabilities is not None
        labels, answers = (records[:, column].astype(np.int64) for column in (0, 1))
        own = probabilities[np.arange(len(labels)), labels]
        costs: NDArray[np.float64] = np.where(labels == answers, 0.0, 1 - own)
        return costs

    def row(self, record: NDArray[np.float64], probabilities: NDArray[np.float64] | None) -> dict[str, Any]:
        assert probabilities is not None
        label, answer, rank = (int(number) for number in record)
        return {
            "label": self.outputs[label],
            "answer": self.outputs[answer],
            "probability_of_label": float(probabilities[label]),
            "probability_of_answer": float(probabilities[answer]),
            "rank_of_label": rank + 1,
        }
