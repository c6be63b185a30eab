"""Prediction through an exported file: onnxruntime runs it, torch is not needed."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from specc.backend.images import Pixels
from specc.backend.onnx.model_file import read_model
from specc.backend.onnx.not_finite import first_not_finite
from specc.backend.onnx.session import ORT_ERRORS, open_session, plain, run
from specc.backend.predict import Predictor, softmax
from specc.errors import SpeccError

AGAIN = "export it again: specc export RUN"


def from_file(path: Path) -> Predictor:
    """The model in an exported file, run by onnxruntime on the CPU.

    Raises SpeccError E450 to E453 as `read_model` does, and E457 where onnxruntime cannot run the file.
    """
    file = read_model(path)
    try:
        session = open_session(path)
    except ORT_ERRORS as error:
        raise SpeccError("E457", f"onnxruntime cannot load {path}: {plain(error)}", help=AGAIN, status=1) from None

    def answer(images: Pixels) -> NDArray[Any]:
        try:
            given: NDArray[Any] = run(session, images)
        except ORT_ERRORS as error:
            raise SpeccError("E457", f"{path} fails on an image: {plain(error)}", help=AGAIN, status=1) from None
        if given.shape != (len(images), *file.shape):
            found = " x ".join(map(str, given.shape))
            message = f"{path} names {len(file.classes)} {file.task.outputs}, but returns {found}"
            raise SpeccError("E457", message, help=AGAIN, status=1)
        if file.output == "classes":
            return given
        given = given.astype(np.float64)
        if file.output != "logits":
            return given
        return softmax(given) if file.activation == "softmax" else 1 / (1 + np.exp(-given))

    no_heat = (
        f"{path} is an exported file, which has no gradients: there are no heat maps of its answers",
        "give the run: specc predict RUN IMAGE --heat DIR",
    )
    warning = "" if file.untouched else f"{path} was changed after it was certified; for details, run `specc verify`"
    explain = partial(first_not_finite, file)
    return Predictor(
        file.task,
        file.classes,
        file.channels,
        file.size,
        answer,
        explain,
        warning,
        file.range,
        file.resizing,
        no_heat=no_heat,
    )
