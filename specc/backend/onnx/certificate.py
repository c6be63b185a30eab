"""What an export was found to be: the figures of its comparison with the trained model, and of what it was made."""

import json
import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from specc.backend.evaluation.figures import Estimate
from specc.backend.onnx.comparison import Comparison, Half, listed, lowest_agreement, right
from specc.tasks import CLASSIFICATION, Figure, Task

FORMAT = 1
ACCURACY = CLASSIFICATION.figure("accuracy")


class Certificate(NamedTuple):
    """The proof that goes with an exported file, in its metadata and beside it.

    task: what the network learned. outputs: the names of its classes, tags or numbers.
    output: "probabilities", "logits", "numbers" or "classes". precision: "fp32", "fp16" or "int8".
    tolerance: in fp32, the bound that the largest difference kept, times `scales`: 1 for probabilities; for logits the
        largest absolute one of the trained model; for numbers half the range of each, or a 256th of its largest
        absolute value if that is more; for classes as `logits_scale`. max_loss: in other precisions, the bound that the
        loss of `figure` kept.
    max_batch: how many images a server may put into a batch; a setting, which nothing was measured at.
    logits_scale: what differences of logits are measured by, in the same tolerance; None where the output is logits or
        numbers. saturated: the share of images, or of pixels, whose probabilities are 0 and 1 in float32, where only
        logits can differ.
    images: how many validation images there are. figures: those of the task that the trained model reaches on them;
        figure: the one that chose its epoch. estimate: that with its interval. epochs: how many epochs of the training
        were evaluated on them, of which the best was chosen; 0 where that is not known.
    optimistic: why the figure on them is too good, in words; "" where it is not. test: the figures of the test part,
        where it chose nothing and was measured with these weights; else None.
    start: the weights that the training began with, as run.json says it; None where all were drawn.
    frozen: how many of the network's numbers never learned.
    half: in fp16, what half precision does to the network; else None.
    device: what PyTorch ran on.
    model_sha256: of the file up to the certificate itself, that is, of the graph, the weights and all other metadata.
    weights_file: name, bytes and sha256 of the file beside it that holds its weights; None where they are inside.
    spec_sha256: of the spec's text in the metadata. data_sha256: of the content of the data set. weights_sha256: of the
        safetensors file that was exported.
    """

    network: str
    task: Task
    outputs: tuple[str, ...]
    output: str
    precision: str
    opset: int
    tolerance: float
    max_loss: float
    max_batch: int
    scales: tuple[float, ...]
    logits_scale: float | None
    saturated: float
    images: int
    figures: Mapping[str, float | None]
    figure: Figure
    estimate: Estimate
    validated_on: str
    epochs: int
    optimistic: str
    test: dict[str, Any] | None
    start: dict[str, Any] | None
    frozen: int
    half: Half | None
    device: str
    comparisons: tuple[Comparison, ...]
    model_sha256: str
    weights_file: dict[str, Any] | None
    spec_sha256: str
    data_sha256: str
    weights_sha256: str
    versions: dict[str, str]

    @property
    def largest(self) -> float:
        """The largest difference of all."""
        return max(figures.largest for comparison in self.comparisons for _, figures in comparison.all())

    @property
    def largest_of_logits(self) -> float | None:
        """The largest difference of the logits, in parts of `logits_scale`; None where the output is logits."""
        found = [comparison.logits.largest for comparison in self.comparisons if comparison.logits is not None]
        return max(found) / self.logits_scale if found and self.logits_scale else None

    @property
    def agreement(self) -> float | None:
        """The lowest agreement over the whole validation set; None for numbers."""
        return lowest_agreement(self.comparisons)

    @property
    def places(self) -> str:
        """Of what `saturated` is a share."""
        return "pixels" if self.task.per_pixel else "images"

    @property
    def allowed(self) -> tuple[float, ...]:
        """The differences that are allowed: one, or one for each number."""
        return tuple(self.tolerance * scale for scale in self.scales)

    @property
    def lost(self) -> float:
        """The largest loss of the figure that chooses (`loss_of`); negative for a gain."""
        return max(self.loss_of(comparison) for comparison in self.comparisons)

    def loss_of(self, comparison: Comparison) -> float:
        """What a file loses of the figure that chooses; see the function `loss_of`."""
        return loss_of(self.figure, self.figures, comparison.figures, self.images)

    def as_dict(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "network": self.network,
            "task": self.task.name,
            "output": self.output,
            "precision": self.precision,
            "opset": self.opset,
            "tolerance": self.tolerance if self.precision == "fp32" else None,
            "max_loss": None if self.precision == "fp32" else self.max_loss,
            "max_batch": self.max_batch,
            "scale": self.scales[0] if len(self.scales) == 1 else list(self.scales),
            "logits_scale": self.logits_scale,
            "saturated": self.saturated,
            "evaluation_mode": True,  # `proof.training_left` found nothing, or there would be no certificate
            "validation_images": self.images,
            "validated_on": self.validated_on,
            "best_of_epochs": self.epochs or None,
            "optimistic": self.optimistic or None,
            "test": self.test,
            "start": self.start,
            "frozen": self.frozen,
            "half_precision": self.half.as_dict() if self.half else None,
            "pytorch_on": self.device,
            **self._accuracy(),
            "figure": self.figure.name,
            "figure_interval": listed(self.estimate.interval),
            "figures": dict(self.figures),
            "lost": self.lost,
            "providers": {comparison.provider: comparison.as_dict() for comparison in self.comparisons},
            "model_sha256": self.model_sha256,
            "weights_file": self.weights_file,
            "spec_sha256": self.spec_sha256,
            "data_sha256": self.data_sha256,
            "weights_sha256": self.weights_sha256,
            "versions": self.versions,
        }

    def _accuracy(self) -> dict[str, Any]:
        """What a certificate says of a classification, besides the figures of every task."""
        if ACCURACY.name not in self.figures:
            return {}
        lost = max(loss_of(ACCURACY, self.figures, one.figures, self.images) for one in self.comparisons)
        return {"accuracy_lost": lost, **right(self.figures, self.images)}


def loss_of(
    figure: Figure, before: Mapping[str, float | None], after: Mapping[str, float | None], images: int
) -> float:
    """How much worse a figure has become, over so many images: by how much, or, of an error, by which part of it.

    0 where the figure says nothing, as R² does where all numbers are the same; negative where it is better now.
    """
    was, now = before[figure.name], after[figure.name]
    if was is None or now is None:
        return 0.0
    if figure.is_error:
        return (now - was) / was if was else math.inf if now else 0.0
    if figure.counts_images:
        return (round(was * images) - round(now * images)) / images  # without the rounding of the shares
    return was - now


def loss_text(figure: Figure, loss: float) -> str:
    """What `loss_of` gives, as it is printed: of an error, by which part of it it rises."""
    return f"{loss:.2%}" if figure.is_error or figure.unit == "share" else f"{loss:.4g}"


def as_json(values: dict[str, Any]) -> str:
    """A certificate's dictionary as text; the same values give the same text."""
    return json.dumps(values, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
