"""Prediction through a run's own weights, in PyTorch."""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from specc.backend.evaluation.activation import activation
from specc.backend.evaluation.heat import heat_maps, on_image, without_heat
from specc.backend.images import Pixels
from specc.backend.onnx.ending import Ending
from specc.backend.onnx.reference import of_run
from specc.backend.predict import Predictor
from specc.backend.resizing import resize
from specc.backend.run.load import open_run
from specc.tricks.resize import Resize
from specc.values import Size


def from_run(path: Path) -> Predictor:
    """The model of a run: its best weights in PyTorch, on the CPU.

    Raises SpeccError E439 to E443 as `open_run` does.
    """
    run = open_run(path)
    channels, *shape = run.spec.graph.input
    size, task, data = Size(*shape), run.task, run.spec.data
    how = data.resizing or Resize(size)
    ending = Ending(task.facts.exports[0], activation(run.spec, task.facts), task.scale)
    reference = of_run(run, ending, torch.device("cpu"))

    def answer(images: Pixels) -> NDArray[np.float64]:
        return reference(resize(images, how)).astype(np.float64)

    def first_not_finite(images: Pixels) -> str:
        return reference.first_not_finite(resize(images, how))

    def heat(images: Pixels, output: int) -> NDArray[np.float32]:
        normalized = reference.normalized(resize(images, how))
        maps = heat_maps(run.net, normalized, torch.tensor([output]))
        return on_image(maps[0], size, Size(*images.shape[2:]), how)

    fixed = None if data.resize else size
    no_heat = without_heat(run.spec.graph, task.facts)
    return Predictor(
        task.facts,
        run.classes,
        channels,
        fixed,
        answer,
        first_not_finite,
        "",
        data.range,
        data.resizing,
        None if no_heat[0] else heat,
        no_heat,
    )
