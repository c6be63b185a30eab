"""What the trained model says to the validation images: its figures, and what differences from it are measured by."""

from collections.abc import Iterator
from typing import NamedTuple, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from specc.backend.data.batches import all_batches
from specc.backend.data.dataset import DataSet
from specc.backend.data.loader import in_view
from specc.backend.data.progress import bar
from specc.backend.data.split import Split
from specc.backend.evaluation.answers import not_finite
from specc.backend.onnx.ending import Ending
from specc.backend.onnx.reference import Reference
from specc.backend.onnx.session import Outputs
from specc.backend.tasks.bound import Records
from specc.errors import counted

Images = NDArray[np.uint8]

FULL_BATCH = 256  # images, or fewer where they are large
PIXELS = 1 << 22  # of a full batch; the activations of a deep network are a hundred times as large
SAMPLES = (1, 2, 7)  # sizes of the batches that are run on their own
ROUNDING = 2.0**-24  # how far from 1 a float32 is rounded to it
FINEST = 2.0**-8  # of a number's largest absolute value: what a difference of numbers is measured by at least
CPU = torch.device("cpu")


class Trained(NamedTuple):
    """The trained model's answers to some images: N x outputs, or N x classes x H x W; and what the graph makes of
    them."""

    logits: Outputs
    outputs: Outputs

    @classmethod
    def of(cls, reference: Reference, images: Images) -> Self:
        logits = reference.logits(images)
        return cls(logits, reference.ending.apply(logits))


class Truth(NamedTuple):
    """The trained model's answers to all validation images.

    records, figures: of the task. scales, logits_scale: what differences of outputs and of logits are measured by.
    saturated: the share of images, or of pixels, whose probabilities float32 cannot tell from 0 and 1.
    kept: logits by the numbers of their images: those that are run on their own, and, but for maps, all others.
    """

    records: Records
    figures: dict[str, float | None]
    scales: tuple[float, ...]
    logits_scale: float
    saturated: float
    kept: dict[int, Outputs]
    ending: Ending

    def samples(self, numbers: NDArray[np.int64]) -> Trained:
        """The answers to some images, whose logits are kept."""
        logits = np.stack([self.kept[number] for number in numbers.tolist()])
        return Trained(logits, self.ending.apply(logits))

    def has(self, numbers: NDArray[np.int64]) -> bool:
        return all(number in self.kept for number in numbers.tolist())


class Batch(NamedTuple):
    """Some validation images, their numbers and labels, and the trained model's answers."""

    numbers: NDArray[np.int64]
    images: Images
    labels: Tensor
    trained: Trained


def full_batch(split: Split) -> int:
    """How many images are run at once."""
    height, width = split.gather(torch.zeros(1, dtype=torch.int64), CPU).shape[2:]
    return min(len(split), FULL_BATCH, max(1, PIXELS // (height * width)))


def spread(count: int, size: int) -> NDArray[np.int64]:
    """`size` numbers spread evenly from 0 to `count` - 1."""
    return np.linspace(0, count - 1, size).astype(np.int64)


def batches(reference: Reference, split: Split, truth: Truth | None = None) -> Iterator[Batch]:
    """All images of a split, in full batches; a progress bar on a terminal. truth: what is known of them already."""
    with bar("comparing", len(split), "images") as advance:
        for batch in all_batches(split, full_batch(split), CPU):
            images, numbers = batch.images.numpy(), batch.numbers.numpy()
            known = truth is not None and truth.has(numbers)
            trained = truth.samples(numbers) if truth and known else Trained.of(reference, images)
            yield Batch(numbers, images, in_view(batch.labels, reference.normalize.view), trained)
            advance(len(images))


class Survey:
    """The trained model's answers, batch by batch, on the way to the truth."""

    def __init__(self, reference: Reference, dataset: DataSet) -> None:
        self.reference, self.split, self.task = reference, dataset.validation, dataset.task
        self.ending = reference.ending
        count = len(self.split)
        self.samples = {number for size in SAMPLES for number in spread(count, min(size, count)).tolist()}
        self.kept: dict[int, Outputs] = {}
        self.records: list[Tensor] = []
        self.odd: list[int] = []
        self.scale, self.spread, self.flat, self.places = 0.0, 0.0, 0, 0
        self.low = np.full(len(self.task.outputs), np.inf)
        self.high = -self.low

    def update(self, batch: Batch) -> None:
        logits, outputs = batch.trained
        finite = np.isfinite(logits if self.ending.output == "classes" else outputs)
        self.odd += batch.numbers[~finite.reshape(len(outputs), -1).all(axis=1)].tolist()
        if self.odd:
            return  # there will be no truth
        for number, own in zip(batch.numbers.tolist(), logits, strict=True):
            if number in self.samples or not self.task.facts.per_pixel:
                self.kept[number] = own.copy()
        restored = self.task.restore(torch.from_numpy(outputs), self.ending.output)
        self.records.append(self.task.records(restored, batch.labels))
        self.spread = max(self.spread, spread_of(self.ending.activation, logits))
        if self.ending.output == "logits":
            self.scale = max(self.scale, float(np.abs(outputs).max()))
        elif self.ending.output == "numbers":
            self.low, self.high = np.minimum(self.low, outputs.min(axis=0)), np.maximum(self.high, outputs.max(axis=0))
        elif self.ending.output == "probabilities":
            flat = saturated(outputs)
            self.flat, self.places = self.flat + int(flat.sum()), self.places + flat.size

    def truth(self) -> Truth:
        """All that was found. Raises SpeccError E465 where answers are not finite."""
        if self.odd:
            image = self.split.gather(torch.tensor(self.odd[:1]), CPU).numpy()
            what = f"{len(self.odd):,} of the {counted(len(self.split), 'validation image')}"
            raise not_finite(what, self.reference.first_not_finite(image))
        records: Records = torch.cat(self.records).numpy().astype(np.float64)
        share = self.flat / self.places if self.places else 0.0
        return Truth(
            records,
            self.task.figures(records),
            self._scales(),
            self.spread or 1.0,
            share,
            self.kept,
            self.ending,
        )

    def _scales(self) -> tuple[float, ...]:
        """What a difference of the outputs is measured by: 1 for probabilities; see `Certificate.tolerance`."""
        match self.ending.output:
            case "probabilities":
                return (1.0,)
            case "numbers":
                finest = FINEST * np.maximum(np.abs(self.low), np.abs(self.high))
                scales = np.maximum((self.high - self.low) / 2, finest)
                return tuple(float(scale) or 1.0 for scale in scales)
            case "classes":
                return (self.spread or 1.0,)
        return (self.scale or 1.0,)


def spread_of(activation: str, logits: Outputs) -> float:
    """What a difference of logits, N x outputs or N x classes x H x W, is measured by where they are not the output.

    For softmax the largest distance of a logit from the mean of its image's, or pixel's, since what all have in common
    changes no probability; else the largest absolute value.
    """
    exact = logits.astype(np.float64)
    if activation == "softmax":
        exact -= exact.mean(axis=1, keepdims=True)
    return float(np.abs(exact).max())


def saturated(outputs: Outputs) -> NDArray[np.bool_]:
    """Whether float32 cannot tell any probability of an image, or of a pixel, from 0 or 1.

    outputs: probabilities, N x outputs or N x classes x H x W; gives N, or N x H x W.
    """
    exact = outputs.astype(np.float64)
    flat: NDArray[np.bool_] = np.minimum(exact, 1 - exact).max(axis=1) < ROUNDING
    return flat
