"""Multi-label: tags for each image. Outputs are logits, N x tags; labels float32 N x tags, from 0 to 1."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from specc.backend.tasks.bound import BoundTask, Records
from specc.backend.tasks.figures import multilabel
from specc.backend.tasks.figures.multilabel import TagScore


class MultiLabel(BoundTask):
    @property
    def columns(self) -> int:
        return 2 * len(self.outputs)

    def answers(self, outputs: Tensor) -> Tensor:
        return outputs > 0

    def restore(self, given: Tensor, output: str) -> Tensor:
        return given.double().logit() if output == "probabilities" else given

    def records(self, outputs: Tensor, labels: Tensor) -> Tensor:
        return multilabel.records(outputs, labels)

    def figures(self, records: Records) -> dict[str, float | None]:
        return multilabel.figures(records)

    def by_output(self, records: Records) -> list[TagScore]:
        return multilabel.by_output(records, self.outputs)

    def counts(self, labels: Tensor) -> tuple[int, ...]:
        return tuple((labels > 0).sum(dim=0).tolist())

    def strata(self, labels: Tensor, most: int = 10) -> list[tuple[int, ...]]:
        counts, none = self.counts(labels), len(self.outputs)
        tags = [(row > 0).nonzero()[:, 0].tolist() for row in labels]
        return [tuple(sorted(own, key=counts.__getitem__)) or (none,) for own in tags]

    def costs(self, records: Records, probabilities: Records | None) -> NDArray[np.float64]:
        """How far the probabilities of the wrong tags are from the truth, added up."""
        assert probabilities is not None
        tags = len(self.outputs)
        logits, truths = records[:, :tags], records[:, tags:]
        wrong = (logits > 0) != (truths > 0)
        costs: NDArray[np.float64] = (np.abs(probabilities - truths) * wrong).sum(axis=1)
        return costs

    def row(self, record: NDArray[np.float64], probabilities: NDArray[np.float64] | None) -> dict[str, Any]:
        assert probabilities is not None
        tags = len(self.outputs)
        logits, truths = record[:tags], record[tags:]
        named = list(zip(self.outputs, truths > 0, logits > 0, strict=True))
        return {
            "tags": [name for name, true, _ in named if true],
            "answers": [name for name, _, answer in named if answer],
            "missing": [name for name, true, answer in named if true and not answer],
            "extra": [name for name, true, answer in named if answer and not true],
            "probabilities": dict(zip(self.outputs, probabilities.tolist(), strict=True)),
        }
