"""A run's metrics: one line of JSON for each epoch, and how epochs are compared."""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from specc.backend.run.files import MOST_METRICS
from specc.backend.run.manifest import unreadable
from specc.errors import counted
from specc.files import is_number, parse_json, read_file, write_atomic
from specc.tasks import FIGURES, LOSS, Figure, Task


class EpochResult(NamedTuple):
    """What the validation images said at the end of an epoch. `epoch` and `step` count what was done until then.

    figures: those of the task that are known, by name.
    """

    epoch: float
    step: int
    loss: float
    figures: Mapping[str, float]

    def value(self, figure: Figure) -> float:
        """A figure, which may be the loss."""
        return self.loss if figure == LOSS else self.figures[figure.name]

    def as_json(self) -> dict[str, Any]:
        return {"epoch": self.epoch, "step": self.step, "loss": self.loss, **self.figures}


class Selection(NamedTuple):
    """Which epoch's weights are kept: the best by a figure, or the last. The figure is also what `early_stop`,
    `target` and `plateau` follow."""

    figure: Figure
    keeps_last: bool = False

    def best(self, results: Sequence[EpochResult]) -> EpochResult | None:
        """The epoch to keep; among equals the one with the lowest loss, and the first of these."""
        if self.keeps_last:
            return results[-1] if results else None
        return self.highest(results)

    def highest(self, results: Sequence[EpochResult]) -> EpochResult | None:
        """The best epoch by the figure, whichever is kept."""
        return min(results, key=lambda result: (self.cost(result), result.loss), default=None)

    def cost(self, result: EpochResult) -> float:
        """The figure, turned so that the lower is the better."""
        value = result.value(self.figure)
        return value if self.figure.is_error else -value

    def reached(self, result: EpochResult, target: float) -> bool:
        """Whether a result is as good as a target."""
        return self.cost(result) <= (target if self.figure.is_error else -target)


def selection(best: str, task: Task) -> Selection:
    """What the setting `train.best` means for a task, which has that figure."""
    if best in ("auto", "last"):
        return Selection(task.figures[0], keeps_last=best == "last")
    return Selection(task.figure(best))


def epoch_result(line: Mapping[str, Any]) -> EpochResult:
    """The result in an epoch's line."""
    return EpochResult(line["epoch"], line["step"], line["val_loss"], figures_in(line, "val"))


def figures_in(line: Mapping[str, Any], part: str) -> dict[str, float]:
    """The figures of a part, "train" or "val", in an epoch's line, by name."""
    keys = ((name, f"{part}_{name}") for name in FIGURES)
    return {name: line[key] for name, key in keys if key in line}


def figures_text(line: Mapping[str, Any]) -> str:
    """The figures of an epoch's line for people: those of training, and the same ones of validation."""
    train, validation = (figures_in(line, part) for part in ("train", "val"))
    texts = [f"{name} {FIGURES[name].text(value)}" for name, value in train.items()]
    others = [f"val_{name} {FIGURES[name].text(validation[name])}" for name in train if name in validation]
    return "  ".join([f"loss {line['train_loss']:.4f}", *texts, f"val_loss {line['val_loss']:.4f}", *others])


def is_epoch_line(line: Any) -> bool:
    """Whether a value from a JSON text is the line of an epoch."""
    numbers = ("epoch", "val_loss")
    return isinstance(line, dict) and type(line.get("step")) is int and all(is_number(line.get(n)) for n in numbers)


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """The whole lines of a metrics file; none where there is none.

    Raises SpeccError E439 where it cannot be read.
    """
    try:
        content = read_file(path, MOST_METRICS)
    except FileNotFoundError:
        return
    except OSError as error:
        raise unreadable(path, error) from error
    for line in content.splitlines():
        try:
            values = parse_json(line)
        except ValueError:
            continue
        if isinstance(values, dict) and type(values.get("step")) is int and is_number(values.get("epoch", 0)):
            yield values


def append_line(path: Path, line: dict[str, Any]) -> None:
    """Add the line of an epoch; it is on the disk when this returns. Raises OSError."""
    with path.open("a", encoding="utf-8") as file:
        file.write(_text([line]))
        file.flush()
        os.fsync(file.fileno())


def restore_lines(path: Path, known: list[dict[str, Any]], lines: list[dict[str, Any]]) -> str:
    """Write `lines` in place of what is there.

    known: those that a checkpoint holds, with whatever step number they had. More may be there, of epochs that ended
    after the checkpoint and are trained again. Gives a note where something else was there: it was damaged.

    Raises SpeccError E439 where the file cannot be read, OSError where it cannot be written.
    """
    try:
        there = read_file(path, MOST_METRICS)
    except FileNotFoundError:
        there = b""
    except OSError as error:
        raise unreadable(path, error) from error
    write_atomic(path, _text(lines).encode())
    if there.startswith(_text(known).encode()):
        return ""
    return f"{path.name} was damaged and has been restored from the checkpoint ({counted(len(lines), 'epoch')})"


def _text(lines: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(line) + "\n" for line in lines)
