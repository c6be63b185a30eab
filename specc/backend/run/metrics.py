"""A run's metrics: one line of JSON for each epoch, and the figures by which epochs are compared."""

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from specc.backend.run.files import MOST_METRICS
from specc.backend.run.manifest import unreadable
from specc.files import is_number, parse_json, read_file, write_atomic


class EpochResult(NamedTuple):
    """What the validation images said at the end of an epoch. `epoch` and `step` count what was done until then."""

    epoch: float
    step: int
    loss: float
    accuracy: float


def epoch_result(line: Mapping[str, Any]) -> EpochResult:
    """The result in an epoch's line."""
    return EpochResult(line["epoch"], line["step"], line["val_loss"], line["val_accuracy"])


def is_epoch_line(line: Any) -> bool:
    """Whether a value from a JSON text is the line of an epoch."""
    numbers = ("epoch", "val_loss", "val_accuracy")
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
    return f"{path.name} was damaged and has been restored from the checkpoint ({len(lines)} epochs)"


def _text(lines: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(line) + "\n" for line in lines)
