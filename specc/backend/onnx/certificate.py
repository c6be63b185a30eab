"""What an export was found to be: the figures of its comparison with the trained model, and of what it was made."""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from specc.backend.evaluation.intervals import wilson

FORMAT = 1


class Figures(NamedTuple):
    """How far two sets of outputs are apart.

    images: how many were compared. largest, mean: absolute differences. agreement: the share of images whose top class
    is the same.
    """

    images: int
    largest: float
    mean: float
    agreement: float

    def as_dict(self) -> dict[str, Any]:
        return {
            "images": self.images,
            "largest_difference": self.largest,
            "mean_difference": self.mean,
            "agreement": self.agreement,
        }


class Comparison(NamedTuple):
    """An exported file on one execution provider against the trained model in PyTorch.

    whole: over the whole validation set. batches: for single batches of these sizes. correct: how many of the
    validation images the file gets right. sizes: for images of other sizes, where the file resizes them itself.
    logits: over the whole validation set, of the graph without its activation; None where its output is logits.
    """

    provider: str
    whole: Figures
    batches: dict[int, Figures]
    correct: int
    sizes: dict[str, Figures] = {}  # noqa: RUF012 - never changed
    logits: Figures | None = None

    def all(self) -> Iterator[tuple[str, Figures]]:
        """All figures of the output, each with what was compared."""
        for size, figures in self.batches.items():
            yield f"a batch of {size}", figures
        yield "the whole validation set", self.whole
        for text, figures in self.sizes.items():
            yield f"images of {text}", figures

    def as_dict(self) -> dict[str, Any]:
        found = {
            **self.whole.as_dict(),
            "accuracy": self.correct / self.whole.images,
            "accuracy_interval": wilson(self.correct, self.whole.images),
            "correct": self.correct,
            "batches": {str(size): figures.as_dict() for size, figures in self.batches.items()},
        }
        if self.sizes:
            found["sizes"] = {size: figures.as_dict() for size, figures in self.sizes.items()}
        if self.logits is not None:
            found["logits"] = self.logits.as_dict()
        return found


class Half(NamedTuple):
    """What half precision does to a network, beside what onnxruntime's CPU provider shows.

    correct: how many of `images` validation images it gets right with every weight and every layer's output rounded to
    float16; agreement: the share whose top class is the trained model's. layer, largest: where the largest absolute
    value arises, on the calibration and validation images. below: the layers whose values are all smaller than
    float16's smallest normal number.
    """

    images: int
    correct: int
    agreement: float
    layer: str
    largest: float
    below: tuple[str, ...]

    def __str__(self) -> str:
        text = (
            f"in half precision: accuracy {self.correct / self.images:.2%}, same class on {self.agreement:.2%}; "
            f"the largest value is {self.largest:.3g}, of `{self.layer}` (float16 ends at 65,504)"
        )
        if self.below:
            names = ", ".join(f"`{name}`" for name in self.below)
            text += f"; all of {names} is below 6.1e-05, where float16 loses digits"
        return text

    def as_dict(self) -> dict[str, Any]:
        return {
            "validation_images": self.images,
            "correct": self.correct,
            "accuracy": self.correct / self.images,
            "agreement": self.agreement,
            "largest_value": self.largest,
            "largest_value_of": self.layer,
            "below_smallest_normal": list(self.below),
        }


class Certificate(NamedTuple):
    """The proof that goes with an exported file, in its metadata and beside it.

    output: "probabilities" or "logits". precision: "fp32", "fp16" or "int8".
    tolerance: in fp32, the bound that the largest difference kept, times `scale`, which is 1 for probabilities, and for
        logits the largest absolute one of the trained model. max_loss: in other precisions, the bound that the loss of
        accuracy kept.
    max_batch: how many images a server may put into a batch; a setting, which nothing was measured at.
    logits_scale: what differences of logits are measured by, in the same tolerance; None where the output is logits.
    saturated: the share of images whose probabilities are 0 and 1 in float32, where only logits can differ.
    images: how many validation images there are; correct: how many of them the trained model gets right. epochs: how
        many epochs of the training were evaluated on them, of which the best was chosen; 0 where that is not known.
    optimistic: why the accuracy on them is too good, in words; "" where it is not. test: the figures of the test part,
        where it chose nothing and was measured with these weights; else None.
    half: in fp16, what half precision does to the network; else None.
    device: what PyTorch ran on.
    model_sha256: of the file up to the certificate itself, that is, of the graph, the weights and all other metadata.
    weights_file: name, bytes and sha256 of the file beside it that holds its weights; None where they are inside.
    spec_sha256: of the spec's text in the metadata. data_sha256: of the content of the data set. weights_sha256: of the
        safetensors file that was exported.
    """

    network: str
    output: str
    precision: str
    opset: int
    tolerance: float
    max_loss: float
    max_batch: int
    scale: float
    logits_scale: float | None
    saturated: float
    images: int
    correct: int
    validated_on: str
    epochs: int
    optimistic: str
    test: dict[str, Any] | None
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
    def agreement(self) -> float:
        """The lowest agreement of the top class over the whole validation set."""
        return min(comparison.whole.agreement for comparison in self.comparisons)

    @property
    def lost(self) -> float:
        """The largest loss of accuracy, as a share of the validation images; negative for a gain."""
        return max(self.correct - comparison.correct for comparison in self.comparisons) / self.images

    def as_dict(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "network": self.network,
            "output": self.output,
            "precision": self.precision,
            "opset": self.opset,
            "tolerance": self.tolerance if self.precision == "fp32" else None,
            "max_loss": None if self.precision == "fp32" else self.max_loss,
            "max_batch": self.max_batch,
            "scale": self.scale,
            "logits_scale": self.logits_scale,
            "saturated": self.saturated,
            "evaluation_mode": True,  # `proof.training_left` found nothing, or there would be no certificate
            "validation_images": self.images,
            "validated_on": self.validated_on,
            "best_of_epochs": self.epochs or None,
            "optimistic": self.optimistic or None,
            "test": self.test,
            "half_precision": self.half.as_dict() if self.half else None,
            "pytorch_on": self.device,
            "accuracy": self.correct / self.images,
            "accuracy_interval": wilson(self.correct, self.images),
            "accuracy_lost": self.lost,
            "correct": self.correct,
            "providers": {comparison.provider: comparison.as_dict() for comparison in self.comparisons},
            "model_sha256": self.model_sha256,
            "weights_file": self.weights_file,
            "spec_sha256": self.spec_sha256,
            "data_sha256": self.data_sha256,
            "weights_sha256": self.weights_sha256,
            "versions": self.versions,
        }


def as_json(values: dict[str, Any]) -> str:
    """A certificate's dictionary as text; the same values give the same text."""
    return json.dumps(values, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
