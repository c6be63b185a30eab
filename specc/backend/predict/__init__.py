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
from specc.tricks.resize import Resize, center
from specc.values import Size

UNSEEN = 255  # in a mask: what `cover` or `view` cropped away


class Predictor(NamedTuple):
    """A trained model as prediction sees it.

    outputs: the names of its classes, tags or numbers. answer: uint8 images, N x C x H x W, to N x outputs: float64
    probabilities, or numbers in the data's own units; of masks to N x classes x H x W probabilities, or N x H x W
    classes, uint8. size: the images that it takes; None where it takes any and resizes them itself, as `resizing` says.
    first_not_finite: for such images, where in the model numbers are not finite first, in words. warning: what its user
    ought to know. range: the values of 16-bit image files that become 0 and 255. heat: where an image, 1 x C x H x W,
    speaks for the output of a number: H x W, from 0 to 1; None for a model that has no gradients. no_heat: why there
    are no heat maps, as the message of an error and its help.
    """

    task: Task
    outputs: list[str]
    channels: int
    size: Size | None
    answer: Callable[[Pixels], NDArray[Any]]
    first_not_finite: Callable[[Pixels], str]
    warning: str = ""
    range: Range | None = None
    resizing: Resize | None = None
    heat: Callable[[Pixels, int], NDArray[np.float32]] | None = None
    no_heat: tuple[str, str] = ("", "")


class Prediction(NamedTuple):
    """What a model says of one image.

    values: names, each with what belongs to it: the likeliest classes, or the tags above the threshold, with their
    probabilities, the most probable first; numbers, in their order; of a mask each class with its share of the pixels.
    resized: the image's height and width, where they were not the model's. mask: the class of each pixel at the image's
    own size, uint8 H x W, or UNSEEN where the network did not see it; None where there is no mask. heat: where the
    image speaks for the output `heat_of`, float32 H x W from 0 to 1; None where it was not wanted. pixels: of the
    image; None where there is neither.
    """

    image: Path
    values: list[tuple[str, float]]
    resized: Size | None
    mask: Pixels | None = None
    pixels: Pixels | None = None
    heat: NDArray[np.float32] | None = None
    heat_of: str = ""

    @property
    def unseen(self) -> float:
        """The share of the pixels that the network did not see."""
        return 0.0 if self.mask is None else float((self.mask == UNSEEN).mean())


def predict(
    predictor: Predictor, image: Path, top: int = 5, threshold: float = 0.5, *, with_heat: bool = False
) -> Prediction:
    """The answer for an image file. top: how many classes; threshold: the least probability of a tag.

    with_heat: give a heat map, too: of the most probable class or tag, or of the first number.

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
    return predict_pixels(predictor, pixels, image, top, threshold, with_heat=with_heat)


def predict_pixels(
    predictor: Predictor, pixels: Pixels, image: Path, top: int = 5, threshold: float = 0.5, *, with_heat: bool = False
) -> Prediction:
    """The answer for the pixels of an image, uint8 C x H x W. image: what it is called. Raises SpeccError E465."""
    stored = Size(*pixels.shape[1:])
    wanted = predictor.size or stored
    images = resize(pixels, Resize(wanted))[None]
    answer = predictor.answer(images)[0]
    if answer.dtype.kind == "f" and not np.isfinite(answer).all():
        raise not_finite(str(image), predictor.first_not_finite(images))
    resized = stored if stored != wanted else None
    if predictor.task.per_pixel:
        classes = answer.argmax(axis=0) if answer.ndim == 3 else answer
        mask = to_image(classes.astype(np.uint8), stored, predictor.resizing)
        return Prediction(image, _shares(mask, predictor.outputs), resized, mask, pixels)
    values = _values(predictor, answer, top, threshold)
    if not with_heat:
        return Prediction(image, values, resized)
    assert predictor.heat is not None
    output = 0 if predictor.task.outputs == "numbers" else int(answer.argmax())
    heat = predictor.heat(pixels[None], output)
    return Prediction(image, values, resized, None, pixels, heat, predictor.outputs[output])


def refuse_without_heat(predictor: Predictor) -> None:
    """Raise SpeccError E530 where a model gives no heat maps."""
    if predictor.heat is None:
        message, help = predictor.no_heat
        raise SpeccError("E530", message, help=help)


def _values(predictor: Predictor, answer: NDArray[np.float64], top: int, threshold: float) -> list[tuple[str, float]]:
    named = [(name, float(value)) for name, value in zip(predictor.outputs, answer, strict=True)]
    if predictor.task.outputs == "numbers":
        return named
    ranked = [named[i] for i in np.argsort(-answer, kind="stable")]
    if predictor.task.outputs == "tags":
        return [(name, value) for name, value in ranked if value >= threshold]
    return ranked[:top]


def _shares(mask: Pixels, classes: list[str]) -> list[tuple[str, float]]:
    counts = np.bincount(mask.reshape(-1), minlength=UNSEEN + 1)[: len(classes)]
    return [(name, float(share)) for name, share in zip(classes, counts / counts.sum(), strict=True)]


def to_image(mask: Pixels, size: Size, how: Resize | None) -> Pixels:
    """The mask of what the network saw, H x W, at the size of the image: each pixel takes the class under its center.

    how: the way the image was resized; None where it was stretched. UNSEEN is what was cropped away.
    """
    places = []
    for axis, seen in zip((how or Resize(Size(*mask.shape))).axes(size), mask.shape, strict=True):
        scaled = (2 * np.arange(axis.old) + 1) * axis.new // (2 * axis.old)
        places.append(scaled - axis.start - center(axis.kept, seen))
    known = [(place >= 0) & (place < seen) for place, seen in zip(places, mask.shape, strict=True)]
    result = np.full(size, UNSEEN, dtype=np.uint8)
    seen_rows, seen_columns = (place[there] for place, there in zip(places, known, strict=True))
    result[np.ix_(*known)] = mask[np.ix_(seen_rows, seen_columns)]
    return result


def softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probabilities from logits, N x classes, or N x classes x H x W."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares: NDArray[np.float64] = powers / powers.sum(axis=1, keepdims=True)
    return shares
