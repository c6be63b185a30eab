"""How far a training is within an epoch: a file in its run that is there while the epoch lasts, for `specc watch`."""

from pathlib import Path
from typing import NamedTuple

from specc.backend.run.files import NOW
from specc.files import is_number, parse_json, read_file

MOST_BYTES = 1 << 16


class Now(NamedTuple):
    """Where a training is. step: the last one done. loss: of the epoch so far. figure: in words, of the epoch or its
    latest images. speed: images per second."""

    step: int
    loss: float
    figure: str
    speed: float


def read_now(run: Path) -> Now | None:
    """Where a run's training is; None where nothing that makes sense is noted."""
    try:
        value = parse_json(read_file(run / NOW, most=MOST_BYTES))
    except (OSError, ValueError):
        return None
    if not isinstance(value, dict) or {*value} != {*Now._fields} or not isinstance(value["figure"], str):
        return None
    if not all(is_number(value[name]) for name in ("step", "loss", "speed")):
        return None
    return Now(**value)
