"""An exported file against the trained model: the same images through both, and how far the answers are apart."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from specc.backend.data.batches import all_batches
from specc.backend.data.progress import bar
from specc.backend.data.split import Split
from specc.backend.onnx.certificate import Comparison, Figures
from specc.backend.onnx.session import ORT_ERRORS, Outputs, open_session, plain, run
from specc.backend.resizing import resize
from specc.errors import SpeccError
from specc.tricks.resize import Resize
from specc.values import Size

Images = NDArray[np.uint8]
Model = Callable[[Images], Outputs]

SMALL_BATCHES = (1, 2, 7)
FULL_BATCH = 256  # images, or fewer where they are large
PIXELS = 1 << 22  # of a full batch; the activations of a deep network are a hundred times as large
ROUNDING = 2.0**-24  # how far from 1 a float32 is rounded to it
CPU = torch.device("cpu")


class Answers(NamedTuple):
    """labels: int64 N. outputs: of each model, N x classes."""

    labels: NDArray[np.int64]
    outputs: list[Outputs]


def full_batch(split: Split) -> int:
    """How many images are run at once."""
    height, width = split.gather(torch.zeros(1, dtype=torch.int64), CPU).shape[2:]
    return min(len(split), FULL_BATCH, max(1, PIXELS // (height * width)))


def answers(split: Split, models: Sequence[Model]) -> Answers:
    """What the models say to every image of a split, in full batches; a progress bar on a terminal."""
    labels: list[NDArray[np.int64]] = []
    parts: list[list[Outputs]] = [[] for _ in models]
    with bar("comparing", len(split), "images") as advance:
        for batch in all_batches(split, full_batch(split), CPU):
            images = batch.images.numpy()
            for model, part in zip(models, parts, strict=True):
                part.append(model(images))
            labels.append(batch.labels.numpy())
            advance(len(images))
    return Answers(np.concatenate(labels), [np.concatenate(part) for part in parts])


def file_model(model: bytes | Path, provider: str, classes: int, weights: Mapping[str, bytes] | None = None) -> Model:
    """A model, in a file or serialized with the files of its weights, as something that answers.

    It raises SpeccError E457, here or when it is asked, where the file cannot be loaded or run, as with a batch size
    that was baked in, or gives something else than N x classes; E454 where the provider does not load.
    """
    try:
        session = open_session(model, provider, weights)
    except ORT_ERRORS as error:
        raise SpeccError("E457", f"onnxruntime cannot load the file: {plain(error)}", status=1) from None

    def answer(images: Images) -> Outputs:
        try:
            given = run(session, images)
        except ORT_ERRORS as error:
            shape = " x ".join(map(str, images.shape))
            message = f"the file does not run on a batch of {shape} on {provider}: {plain(error)}"
            raise SpeccError("E457", message, status=1) from None
        if given.shape != (len(images), classes):
            found = " x ".join(map(str, given.shape))
            message = f"the file gives {found} numbers instead of {len(images)} x {classes}"
            raise SpeccError("E457", message, status=1)
        return given

    return answer


def figures(ours: Outputs, theirs: Outputs) -> Figures:
    """How far two arrays of outputs, N x classes, are apart. A NaN on either side is infinitely far."""
    apart = np.abs(ours.astype(np.float64) - theirs.astype(np.float64))
    apart[~np.isfinite(apart)] = np.inf
    return Figures(
        images=len(ours),
        largest=float(apart.max()),
        mean=float(apart.mean()),
        agreement=float((ours.argmax(axis=1) == theirs.argmax(axis=1)).mean()),
    )


def compare(
    provider: str, model: Model, whole: Outputs, reference: Outputs, labels: NDArray[np.int64], split: Split
) -> Comparison:
    """A file's answers to a split against those of the trained model.

    whole, reference: the file's and the trained model's outputs for all images. Batches of 1, 2 and 7 images, spread
    over all of them, are run on their own here.
    """
    full = full_batch(split)
    found = {full: figures(reference[:full], whole[:full])}
    for size in {min(size, len(labels)) for size in SMALL_BATCHES}:
        chosen = spread(len(labels), size)
        images = split.gather(torch.from_numpy(chosen), CPU).numpy()
        found[size] = figures(reference[chosen], model(images))
    correct = int((whole.argmax(axis=1) == labels).sum())
    return Comparison(provider, figures(reference, whole), dict(sorted(found.items())), correct)


def compare_sizes(model: Model, reference: Model, split: Split, how: Resize) -> dict[str, Figures]:
    """A file that resizes its images itself, on images of other sizes: real ones, stretched and cut unevenly.

    Where it keeps proportions, on tall ones, too. reference: takes images that `resizing.resize` has resized.
    """
    images = split.gather(torch.from_numpy(spread(len(split), min(7, len(split)))), CPU).numpy()
    found = {}
    for factor in (1, 2, 3):
        large = images.repeat(factor, axis=2).repeat(factor + 1, axis=3)
        height, width = large.shape[2:]
        wide = np.ascontiguousarray(large[:, :, : max(1, height - 1), : max(1, width - 3)])
        for pixels in [wide] if how.fit == "stretch" else [wide, np.ascontiguousarray(wide.swapaxes(2, 3))]:
            found[str(Size(*pixels.shape[2:]))] = figures(reference(resize(pixels, how)), model(pixels))
    return found


def spread(count: int, size: int) -> NDArray[np.int64]:
    """`size` numbers spread evenly from 0 to `count` - 1."""
    return np.linspace(0, count - 1, size).astype(np.int64)


def scale_of(output: str, reference: Outputs) -> float:
    """What a difference is measured by: 1 for probabilities, the largest absolute value for logits."""
    return 1.0 if output == "probabilities" else float(np.abs(reference).max()) or 1.0


def spread_of(activation: str, logits: Outputs) -> float:
    """What a difference of logits, N x classes, is measured by where the output is probabilities.

    For softmax the largest distance of a logit from the mean of its image's, since what all have in common changes no
    probability; for sigmoid the largest absolute value.
    """
    exact = logits.astype(np.float64)
    if activation == "softmax":
        exact -= exact.mean(axis=1, keepdims=True)
    return float(np.abs(exact).max()) or 1.0


def saturated(outputs: Outputs) -> float:
    """The share of images, of N x classes probabilities, whose every probability float32 cannot tell from 0 or 1."""
    exact = outputs.astype(np.float64)
    return float((np.minimum(exact, 1 - exact).max(axis=1) < ROUNDING).mean())


def judge(comparisons: Sequence[Comparison], tolerance: float, scale: float, logits_scale: float | None = None) -> str:
    """Which comparison is beyond the tolerance and by how much; empty where none is.

    scale: of the outputs (`scale_of`). logits_scale: of the logits (`spread_of`), where they were compared besides.
    """
    for comparison in comparisons:
        measured = [(where, found, scale, "the output") for where, found in comparison.all()]
        if comparison.logits is not None and logits_scale is not None:
            measured.append(("the logits of the whole validation set", comparison.logits, logits_scale, "the logits"))
        for where, found, size, what in measured:
            if not found.largest / size <= tolerance:
                measure = "" if size == 1.0 else f" times the scale of {what}, {size:.3g}"
                return (
                    f"on {comparison.provider}, {where}: the largest difference is {found.largest:.3g}, "
                    f"the tolerance {tolerance:.3g}{measure}; the top class agrees on {found.agreement:.2%}"
                )
    return ""


def judge_loss(comparisons: Sequence[Comparison], correct: int, max_loss: float) -> str:
    """Which comparison loses more accuracy than is allowed, and how much; empty where none does.

    correct: how many images the trained model gets right. max_loss: a share of all images.
    """
    for comparison in comparisons:
        images = comparison.whole.images
        lost = (correct - comparison.correct) / images
        if lost > max_loss or not np.isfinite(comparison.whole.largest):
            return (
                f"on {comparison.provider} the accuracy falls from {correct / images:.2%} to "
                f"{comparison.correct / images:.2%}, by {lost:.2%} of {images:,} images; "
                f"`max_loss` allows {max_loss:.2%}; the top class agrees on {comparison.whole.agreement:.2%}"
            )
    return ""
