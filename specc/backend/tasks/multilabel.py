"""Multi-label: tags for each image. Outputs are logits, N x tags; labels float32 N x tags, from 0 to 1."""

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
