"""What a page is about: a run, and what was found when it was evaluated for it."""

from collections.abc import Sequence
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from specc.backend.data.dataset import DataSet
from specc.backend.data.loader import in_view
from specc.backend.evaluation.of_run import Measured, dataset_of, evaluate_run
from specc.backend.report_page.images import Budget
from specc.backend.run.files import METRICS
from specc.backend.run.load import Run
from specc.backend.run.metrics import is_epoch_line, read_lines
from specc.tasks import Task

IMAGES = 700  # that a page holds at most


class Subject(NamedTuple):
    """A run with its epochs, and its best weights measured on the validation images. seconds: that this took."""

    run: Run
    lines: list[dict[str, Any]]
    dataset: DataSet
    measured: Measured
    seconds: float
    budget: Budget

    @property
    def info(self) -> dict[str, Any]:
        return self.run.info

    @property
    def task(self) -> Task:
        return self.measured.task.facts

    def pixels(self, numbers: Sequence[int]) -> NDArray[np.uint8]:
        """Validation images as the network sees them before they are normalized: uint8 N x C x H x W."""
        if not numbers:
            return np.empty((0, *self.dataset.shape), np.uint8)
        gathered = self.dataset.validation.gather(torch.tensor(list(numbers), dtype=torch.int64), torch.device("cpu"))
        view = self.run.spec.data.view
        if view is not None:
            gathered = torch.stack([in_view(channel, view) for channel in gathered.unbind(1)], dim=1)
        pixels: NDArray[np.uint8] = gathered.numpy()
        return pixels

    def truths(self, numbers: Sequence[int]) -> NDArray[np.uint8]:
        """The true masks of validation images, as the network sees them: uint8 N x H x W."""
        index = torch.tensor(list(numbers), dtype=torch.int64)
        masks: NDArray[np.uint8] = in_view(self.dataset.validation.labels.cpu()[index], self.run.spec.data.view).numpy()
        return masks


def subject_of(run: Run, lines: list[dict[str, Any]], device: str, data_dir: Any) -> Subject:
    """Measure a run. Raises SpeccError as `evaluate_run` does."""
    dataset = dataset_of(run, data_dir)
    begin = perf_counter()
    measured = evaluate_run(run, device=device, dataset=dataset)
    return Subject(run, lines, dataset, measured, perf_counter() - begin, Budget(IMAGES))


def epochs_in(run: Any) -> list[dict[str, Any]]:
    """The lines of a run's epochs that are whole."""
    return [line for line in read_lines(run / METRICS) if is_epoch_line(line)]
