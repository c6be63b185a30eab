"""What an export was found to be: the figures of its comparison with the trained model, and of what it was made."""

import json
from typing import Any, NamedTuple

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


class Comparison(NamedTuple):
    """An exported file on one execution provider against the trained model in PyTorch.

    whole: over the whole validation set. batches: the same for single batches of these sizes.
    correct: how many of the validation images the file gets right.
    """

    provider: str
    whole: Figures
    batches: dict[int, Figures]
    correct: int


class Certificate(NamedTuple):
    """The proof that goes with an exported file, in its metadata and beside it.

    tolerance: the bound that the largest difference kept, absolute for probabilities, and for logits relative to
        `scale`, the largest absolute output of the trained model.
    model_sha256: of the file up to the certificate itself, that is, of the graph, the weights and all other metadata.
    spec_sha256: of the spec's text in the metadata. data_sha256: of the content of the data set. weights_sha256: of the
        safetensors file that was exported.
    correct: how many of the `images` validation images the trained model gets right.
    """

    network: str
    output: str
    opset: int
    tolerance: float
    scale: float
    images: int
    correct: int
    comparisons: tuple[Comparison, ...]
    model_sha256: str
    spec_sha256: str
    data_sha256: str
    weights_sha256: str
    versions: dict[str, str]

    @property
    def largest(self) -> float:
        """The largest difference over all execution providers and batch sizes."""
        return max(figures.largest for c in self.comparisons for figures in (c.whole, *c.batches.values()))

    def as_dict(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "network": self.network,
            "output": self.output,
            "opset": self.opset,
            "tolerance": self.tolerance,
            "tolerance_is": "absolute" if self.output == "probabilities" else "relative to the scale of the output",
            "scale": self.scale,
            "validation_images": self.images,
            "accuracy": self.correct / self.images,
            "correct": self.correct,
            "providers": {
                c.provider: {
                    "largest_difference": c.whole.largest,
                    "mean_difference": c.whole.mean,
                    "agreement": c.whole.agreement,
                    "accuracy": c.correct / self.images,
                    "correct": c.correct,
                    "batches": {
                        str(size): {
                            "largest_difference": figures.largest,
                            "mean_difference": figures.mean,
                            "agreement": figures.agreement,
                        }
                        for size, figures in c.batches.items()
                    },
                }
                for c in self.comparisons
            },
            "model_sha256": self.model_sha256,
            "spec_sha256": self.spec_sha256,
            "data_sha256": self.data_sha256,
            "weights_sha256": self.weights_sha256,
            "versions": self.versions,
        }

    def as_json(self) -> str:
        return json.dumps(self.as_dict(), indent=2, ensure_ascii=False) + "\n"
