"""A run's metrics: one line of JSON for each epoch, and the figures by which epochs are compared."""

import json
import os
from collections.abc import Iterator
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


def is_epoch_result(value: Any) -> bool:
    """Whether a value from a JSON text is the list that an EpochResult is written as."""
    if not isinstance(value, list) or len(value) != len(EpochResult._fields):
        return False
    result = EpochResult(*value)  # its loss may be no number
    numbers = is_number(result.epoch) and is_number(result.accuracy) and type(result.step) is int
    return numbers and isinstance(result.loss, int | float)


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
        file.write(json.dumps(line) + "\n")
        file.flush()
        os.fsync(file.fileno())


def cut_lines(path: Path, step: int, per_epoch: int | None = None) -> None:
    """Drop the lines of epochs that ended after `step`, and a torn last line: they will be written again.

    per_epoch: steps of an epoch, by which steps are counted where a changed spec has other ones.

    Raises SpeccError E439 where they cannot be read, OSError where they cannot be written.
    """
    lines = list(read_lines(path))
    for line in lines:
        if per_epoch and "epoch" in line:
            line["step"] = round(line["epoch"] * per_epoch)
    kept = [line for line in lines if line["step"] <= step]
    write_atomic(path, "".join(json.dumps(line) + "\n" for line in kept).encode())
