"""Image files in, answers out: through an exported file (`file.py`, without torch), or a run's weights (`run.py`)."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from specc.backend.evaluation.answers import not_finite
from specc.backend.images import BadImage, Pixels, Range, decode
from specc.backend.resizing import resize
from specc.errors import SpeccError, clean
from specc.tasks import Task
from specc.tricks.resize import Resize
from specc.values import Size


class Predictor(NamedTuple):
    """A trained model as prediction sees it.

    outputs: the names of its classes, tags or numbers. answer: uint8 images, N x C x H x W, to N x outputs: float64
    probabilities, or numbers in the data's own units; of masks to N x classes x H x W probabilities, or N x H x W
    classes, uint8. size: the images that it takes; None where it takes any and resizes them itself.
    first_not_finite: for such images, where in the model numbers are not finite first, in words. warning: what its user
    ought to know. range: the values of 16-bit image files that become 0 and 255.
    """

    task: Task
    outputs: list[str]
    channels: int
    size: Size | None
    answer: Callable[[Pixels], NDArray[Any]]
    first_not_finite: Callable[[Pixels], str]
    warning: str = ""
    range: Range | None = None


class Prediction(NamedTuple):
    """What a model says of one image.

    values: names, each with what belongs to it: the likeliest classes, or the tags above the threshold, with their
    probabilities, the most probable first; numbers, in their order; of a mask each class with its share of the pixels.
    resized: the image's height and width, where they were not the model's. mask: the class of each pixel at the image's
    own size, uint8 H x W; pixels: of the image. Both None where there is no mask.
    """

    image: Path
    values: list[tuple[str, float]]
    resized: Size | None
    mask: Pixels | None = None
    pixels: Pixels | None = None


def predict(predictor: Predictor, image: Path, top: int = 5, threshold: float = 0.5) -> Prediction:
    """The answer for an image file. top: how many classes; threshold: the least probability of a tag.

    Raises SpeccError: E460 the file cannot be read, E461 what is in it cannot serve as an image for this model, E465
    the model's answer is not a finite number.
    """
    try:
        pixels = decode(image, predictor.channels, predictor.range)
    except BadImage as bad:
        raise SpeccError("E461", clean(f"{image} {bad}"), help="give a PNG or JPEG file", status=1) from None
    except OSError as error:
        reason = "does not exist" if not image.exists() else "is a folder" if image.is_dir() else str(error.strerror)
        raise SpeccError("E460", clean(f"{image} {reason}"), help="check the paths of the image files") from None
    stored = Size(*pixels.shape[1:])
    wanted = predictor.size or stored
    images = resize(pixels, Resize(wanted))[None]
    answer = predictor.answer(images)[0]
    if answer.dtype.kind == "f" and not np.isfinite(answer).all():
        raise not_finite(str(image), predictor.first_not_finite(images))
    resized = stored if stored != wanted else None
    if predictor.task.per_pixel:
        classes = answer.argmax(axis=0) if answer.ndim == 3 else answer
        mask = to_size(classes.astype(np.uint8), stored)
        return Prediction(image, _shares(mask, predictor.outputs), resized, mask, pixels)
    return Prediction(image, _values(predictor, answer, top, threshold), resized)


def _values(predictor: Predictor, answer: NDArray[np.float64], top: int, threshold: float) -> list[tuple[str, float]]:
    named = [(name, float(value)) for name, value in zip(predictor.outputs, answer, strict=True)]
    if predictor.task.outputs == "numbers":
        return named
    ranked = [named[i] for i in np.argsort(-answer, kind="stable")]
    if predictor.task.outputs == "tags":
        return [(name, value) for name, value in ranked if value >= threshold]
    return ranked[:top]


def _shares(mask: Pixels, classes: list[str]) -> list[tuple[str, float]]:
    counts = np.bincount(mask.reshape(-1), minlength=len(classes)) / mask.size
    return [(name, float(share)) for name, share in zip(classes, counts, strict=True)]


def to_size(mask: Pixels, size: Size) -> Pixels:
    """A mask, H x W, stretched to another size: each pixel takes the class that lies under its center."""
    rows, columns = ((2 * np.arange(new) + 1) * old // (2 * new) for new, old in zip(size, mask.shape, strict=True))
    stretched: Pixels = mask[rows[:, None], columns]
    return stretched


def softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probabilities from logits, N x classes, or N x classes x H x W."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares: NDArray[np.float64] = powers / powers.sum(axis=1, keepdims=True)
    return shares
