"""How long files take to answer, measured one after the other in turns, so that all meet the same machine."""

from collections.abc import Sequence
from statistics import median
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from specc.backend.onnx.compare import Model

WARM = 5  # rounds that do not count
ROUNDS = 200
SECONDS = 1.0  # after which no further round begins, once there are a few


def latencies(models: Sequence[Model], images: NDArray[np.uint8]) -> list[float]:
    """The median time of each model for a batch, in seconds."""
    times: list[list[float]] = [[] for _ in models]
    end = perf_counter() + SECONDS * len(models)
    for number in range(WARM + ROUNDS):
        if number > 2 * WARM and perf_counter() > end:
            break
        for model, own in zip(models, times, strict=True):
            begin = perf_counter()
            model(images)
            own.append(perf_counter() - begin)
    return [median(own[WARM:]) for own in times]
