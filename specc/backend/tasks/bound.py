"""A task on one data set: what a network's outputs are held against, and what they are worth."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from specc.backend.resolve import resolve
from specc.tasks import CLASSIFICATION, TASKS, Task

Records = NDArray[np.float64]


class Scale(NamedTuple):
    """How numbers are brought to the units in which they are learned: (number - mean) / std, of each of them."""

    mean: tuple[float, ...]
    std: tuple[float, ...]


class BoundTask(ABC):
    """A task, and what its data set says of it.

    facts: the task. outputs: the names of what the network gives: classes, tags or numbers. ignore: the number of
    pixels in masks that do not count. scale: of the numbers.
    """

    def __init__(
        self, facts: Task, outputs: Sequence[str], *, ignore: int | None = None, scale: Scale | None = None
    ) -> None:
        self.facts, self.outputs, self.ignore, self.scale = facts, tuple(outputs), ignore, scale

    @property
    @abstractmethod
    def columns(self) -> int:
        """How many numbers the record of an image has."""

    @abstractmethod
    def answers(self, outputs: Tensor) -> Tensor | None:
        """What the network's outputs say: a class for each image or pixel, yes or no for each tag; None for numbers,
        of which no two are alike."""

    @abstractmethod
    def restore(self, given: Tensor, output: str) -> Tensor:
        """What `records` and `answers` take, from what an exported graph gives.

        output: what that is: "probabilities", "logits", "numbers" or "classes".
        """

    @abstractmethod
    def records(self, outputs: Tensor, labels: Tensor) -> Tensor:
        """What is kept of each image, N x columns: enough for every figure. Nothing waits for the device."""

    @abstractmethod
    def figures(self, records: Records) -> dict[str, float | None]:
        """All figures of the task over the images that have these records; None for one over nothing."""

    @abstractmethod
    def by_output(self, records: Records) -> Sequence[Any]:
        """The figures of each class, tag or number, a named tuple for each."""

    @abstractmethod
    def counts(self, labels: Tensor) -> tuple[int, ...]:
        """How often labels have each class or tag: images, or pixels of masks; () for numbers."""

    @abstractmethod
    def strata(self, labels: Tensor, most: int = 10) -> list[tuple[int, ...]]:
        """Of each image what a split divides evenly, as numbers from 0: its class; its tags, the rarest first; the
        tenth of its number, or which of `most` parts if that is fewer; the rarest class in its mask."""

    @abstractmethod
    def costs(self, records: Records, probabilities: Records | None) -> NDArray[np.float64]:
        """How wrong the answer for each image is, N numbers: 0 for one that is right, the more the worse.

        probabilities: N x outputs; None where the network gives numbers or maps.
        """

    @abstractmethod
    def row(self, record: NDArray[np.float64], probabilities: NDArray[np.float64] | None) -> dict[str, Any]:
        """What is true of one image, and what the network says of it, as JSON takes it."""

    def about(self) -> dict[str, Any]:
        """What a run.json says of it, besides the names of the outputs."""
        about: dict[str, Any] = {"task": self.facts.name}
        if self.ignore is not None:
            about["ignore"] = self.ignore
        if self.scale is not None:
            about["scale"] = {"mean": list(self.scale.mean), "std": list(self.scale.std)}
        return about


def task_of(about: Mapping[str, Any], outputs: Sequence[str]) -> BoundTask:
    """The task that a run.json tells of (`BoundTask.about`); one that says nothing is a classification's."""
    scale = about.get("scale")
    return bind(
        TASKS[about.get("task", CLASSIFICATION.name)],
        outputs,
        ignore=about.get("ignore"),
        scale=Scale(tuple(scale["mean"]), tuple(scale["std"])) if scale else None,
    )


def bind(facts: Task, outputs: Sequence[str], *, ignore: int | None = None, scale: Scale | None = None) -> BoundTask:
    """The task on a data set."""
    bound: BoundTask = resolve(facts.target)(facts, outputs, ignore=ignore, scale=scale)
    return bound
