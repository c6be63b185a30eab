"""Image files in, classes out: through an exported file (`file.py`, without torch), or a run's weights (`run.py`)."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from specc.backend.evaluation.answers import not_finite
from specc.backend.images import BadImage, Pixels, Range, decode
from specc.backend.resizing import resize
from specc.errors import SpeccError, clean
from specc.tricks.resize import Resize
from specc.values import Size


class Classifier(NamedTuple):
    """A trained model as prediction sees it.

    answer: uint8 images, N x C x H x W, to probabilities, N x classes. size: the images that it takes; None where it
    takes any and resizes them itself. first_not_finite: for such images, where in the model numbers are not finite
    first, in words. warning: what its user ought to know. range: the values of 16-bit image files that become 0 and
    255.
    """

    classes: list[str]
    channels: int
    size: Size | None
    answer: Callable[[Pixels], NDArray[np.float64]]
    first_not_finite: Callable[[Pixels], str]
    warning: str = ""
    range: Range | None = None


class Prediction(NamedTuple):
    """The classes of one image, the likeliest first. resized: its height and width, where they were not the model's."""

    image: Path
    classes: list[tuple[str, float]]
    resized: Size | None


def predict(classifier: Classifier, image: Path, top: int) -> Prediction:
    """The `top` likeliest classes of an image file.

    Raises SpeccError: E460 the file cannot be read, E461 what is in it cannot serve as an image for this model, E465
    the model's answer is not a finite number.
    """
    try:
        pixels = decode(image, classifier.channels, classifier.range)
    except BadImage as bad:
        raise SpeccError("E461", clean(f"{image} {bad}"), help="give a PNG or JPEG file", status=1) from None
    except OSError as error:
        reason = "does not exist" if not image.exists() else "is a folder" if image.is_dir() else str(error.strerror)
        raise SpeccError("E460", clean(f"{image} {reason}"), help="check the paths of the image files") from None
    stored = Size(*pixels.shape[1:])
    wanted = classifier.size or stored
    images = resize(pixels, Resize(wanted))[None]
    probabilities = classifier.answer(images)[0]
    if not np.isfinite(probabilities).all():
        raise not_finite(str(image), classifier.first_not_finite(images))
    best = np.argsort(-probabilities, kind="stable")[:top]
    ranked = [(classifier.classes[i], float(probabilities[i])) for i in best]
    return Prediction(image, ranked, stored if stored != wanted else None)


def softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probabilities from logits, along the last axis."""
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    shares: NDArray[np.float64] = powers / powers.sum(axis=-1, keepdims=True)
    return shares
