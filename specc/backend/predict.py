"""Image files in, classes out: through an exported file, which needs no torch, or through a run's own weights."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from specc.backend.images import BadImage, Pixels, decode, resize
from specc.errors import SpeccError, clean
from specc.values import Size

AGAIN = "export it again: specc export RUN"


class Classifier(NamedTuple):
    """A trained model as prediction sees it.

    answer: uint8 images, N x C x H x W, to probabilities, N x classes. size: the images that it takes; None where it
    takes any and resizes them itself. warning: what its user ought to know.
    """

    classes: list[str]
    channels: int
    size: Size | None
    answer: Callable[[Pixels], NDArray[np.float64]]
    warning: str = ""


class Prediction(NamedTuple):
    """The classes of one image, the likeliest first. resized: its height and width, where they were not the model's."""

    image: Path
    classes: list[tuple[str, float]]
    resized: Size | None


def from_file(path: Path) -> Classifier:
    """The classifier in an exported file, run by onnxruntime on the CPU.

    Raises SpeccError E450 to E453 as `read_model` does, and E457 where onnxruntime cannot run the file.
    """
    from specc.backend.onnx.model_file import read_model
    from specc.backend.onnx.session import ORT_ERRORS, open_session, plain, run

    file = read_model(path)
    try:
        session = open_session(path)
    except ORT_ERRORS as error:
        raise SpeccError("E457", f"onnxruntime cannot load {path}: {plain(error)}", help=AGAIN, status=1) from None

    def answer(images: Pixels) -> NDArray[np.float64]:
        try:
            given = run(session, images).astype(np.float64)
        except ORT_ERRORS as error:
            raise SpeccError("E457", f"{path} does not run on an image: {plain(error)}", help=AGAIN, status=1) from None
        if given.shape != (len(images), len(file.classes)):
            found = " x ".join(map(str, given.shape))
            message = f"{path} names {len(file.classes)} classes, but gives {found}"
            raise SpeccError("E457", message, help=AGAIN, status=1)
        if file.output == "probabilities":
            return given
        return softmax(given) if file.activation == "softmax" else 1 / (1 + np.exp(-given))

    warning = "" if file.untouched else f"{path} was changed after it was certified; `specc verify` tells more"
    return Classifier(file.classes, file.channels, file.size, answer, warning)


def from_run(path: Path) -> Classifier:
    """The classifier of a run: its best weights in PyTorch, on the CPU.

    Raises SpeccError E439 to E443 as `open_run` does.
    """
    import torch

    from specc.backend.onnx.reference import activation, of_run
    from specc.backend.run.load import open_run

    run = open_run(path)
    channels, *shape = run.spec.graph.input
    size = Size(*shape)
    reference = of_run(run, activation(run.spec), torch.device("cpu"))

    def answer(images: Pixels) -> NDArray[np.float64]:
        return reference(resize(images, size)).astype(np.float64)

    return Classifier(run.classes, channels, None if run.spec.data.resize else size, answer)


def predict(classifier: Classifier, image: Path, top: int) -> Prediction:
    """The `top` likeliest classes of an image file.

    Raises SpeccError: E460 the file cannot be read, E461 what is in it cannot serve as an image for this model.
    """
    try:
        pixels = decode(image, classifier.channels)
    except BadImage as bad:
        raise SpeccError("E461", clean(f"{image} {bad}"), help="give a PNG or JPEG file", status=1) from None
    except OSError as error:
        reason = "does not exist" if not image.exists() else "is a folder" if image.is_dir() else str(error.strerror)
        raise SpeccError("E460", clean(f"{image} {reason}"), help="give the paths of image files") from None
    stored = Size(*pixels.shape[1:])
    wanted = classifier.size or stored
    probabilities = classifier.answer(resize(pixels, wanted)[None])[0]
    best = np.argsort(-probabilities, kind="stable")[:top]
    ranked = [(classifier.classes[i], float(probabilities[i])) for i in best]
    return Prediction(image, ranked, stored if stored != wanted else None)


def softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probabilities from logits, along the last axis."""
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    shares: NDArray[np.float64] = powers / powers.sum(axis=-1, keepdims=True)
    return shares
