"""What a program that keeps the figures of runs is told, and which of them there are."""

import re
from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from specc.errors import SpeccError


class About(NamedTuple):
    """The run that is told of. name: of the network, with its variant. path: its folder."""

    name: str
    path: Path

    @property
    def label(self) -> str:
        """What a run is called where there are several."""
        return self.path.resolve().name


class Sink(Protocol):
    """A program that is told of one run. Whatever a method raises, the training goes on without it.

    where: what a user is told about the place.
    """

    where: str

    def settings(self, values: Mapping[str, str]) -> None:
        """The settings of the spec, by their paths."""

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """The figures of an epoch, by names such as `val/accuracy`. step: optimizer steps so far."""

    def results(self, step: int, values: Mapping[str, float]) -> None:
        """The figures that the run ended with."""

    def text(self, name: str, text: str) -> None:
        """A text in Markdown."""

    def picture(self, name: str, file: Path) -> None:
        """A PNG file."""

    def file(self, file: Path) -> None:
        """A file of the run, such as its model."""

    def close(self, *, finished: bool) -> None:
        """No more is told. finished: the training has come to its end."""


class Kind(NamedTuple):
    """A program. title: for people. package: what is imported. extra: which of specc's extras installs it."""

    title: str
    package: str
    extra: str


KINDS = {
    "tensorboard": Kind("TensorBoard", "tensorboard", "tensorboard"),
    "mlflow": Kind("MLflow", "mlflow", "mlflow"),
    "wandb": Kind("Weights & Biases", "wandb", "wandb"),
    "trackio": Kind("Trackio", "trackio", "trackio"),
}


def need(name: str) -> None:
    """Raise SpeccError: E483 there is no sink of that name, E534 its package is not installed. Nothing is imported."""
    if name not in KINDS:
        from specc.diagnostics import nearest

        help = nearest(name, KINDS) or f"one of {', '.join(KINDS)}"
        raise SpeccError("E483", f"there is no `{name}` to log to", help=help)
    kind = KINDS[name]
    try:
        is_there = find_spec(kind.package) is not None
    except ValueError:  # replaced by None
        is_there = False
    if not is_there:
        message = f"logging to {kind.title} needs the package {kind.package}, which is not installed"
        raise SpeccError("E534", message, help=f'pip install "specc-cnn[{kind.extra}]"')


def open_sink(name: str, about: About) -> Sink:
    """A sink for a run. Raises whatever its package does."""
    module = import_module(f"specc.backend.sinks.{name}_sink")
    sink: Sink = module.open_sink(about)
    return sink


def flat(values: Mapping[str, Any]) -> dict[str, float]:
    """The figures of an epoch's line in metrics.jsonl, as sinks call them: `train/loss`, `val/accuracy`, `lr`."""
    numbers = {name: value for name, value in values.items() if type(value) in (int, float) and name != "step"}
    return {re.sub(r"^(train|val)_", r"\1/", name): float(value) for name, value in numbers.items()}
