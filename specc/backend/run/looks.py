"""looks.jsonl: a line for every look at the test part, by the training at its end or by `specc eval --part test`.

Whoever chooses by the figures of the test part, between settings or between runs, makes them optimistic. That cannot be
prevented, but counted. A line is written before its figures are shown; where they then cannot be printed, because the
reader of the output is gone, it stays: the images have been measured, and whoever runs the command again looks again.
"""

import json
from pathlib import Path
from typing import Any

from specc.backend.run.files import LOOKS, MOST_BYTES
from specc.errors import SpeccError
from specc.files import append_locked, parse_json, read_file


def write_look(run: Path, look: dict[str, Any]) -> int:
    """Add a look to those of a run; how many there are now. Raises SpeccError E481 where it cannot be written: then the
    figures are not to be shown, either."""
    try:
        append_locked(run / LOOKS, json.dumps(look).encode() + b"\n")
    except OSError as error:
        message = f"the look at the test part cannot be recorded in {run / LOOKS}: {error.strerror or error}"
        help = "make the run's folder writable: no figure of the test part is given without a record"
        raise SpeccError("E481", message, help=help) from error
    return len(read_looks(run))


def read_looks(run: Path) -> list[dict[str, Any]]:
    """The looks at the test part so far; a line that is damaged is a look of which nothing is known."""
    try:
        lines = read_file(run / LOOKS, MOST_BYTES).splitlines()
    except OSError:
        return []
    return [_look(line) for line in lines if line.strip()]


def _look(line: bytes) -> dict[str, Any]:
    try:
        value = parse_json(line)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
