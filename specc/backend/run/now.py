"""How far a training is within an epoch: a file in its run that is there while the epoch lasts, for `specc watch`."""

from contextlib import suppress
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Any, NamedTuple, Self

from specc.backend.progress import ProgressListener
from specc.backend.run.files import NOW
from specc.backend.run.metrics import EpochResult
from specc.files import is_number, json_bytes, parse_json, read_file, write_passing

EACH = 1.0  # seconds between two notes
MOST_BYTES = 1 << 16


class Now(NamedTuple):
    """Where a training is. step: the last one done. loss: of the epoch so far. figure: in words, of the epoch or its
    latest images. speed: images per second."""

    step: int
    loss: float
    figure: str
    speed: float


class Noting:
    """A listener that tells another one, and notes in a run where the training is."""

    def __init__(self, listener: ProgressListener, run: Path) -> None:
        self.listener, self._path, self._last = listener, run / NOW, 0.0

    def __enter__(self) -> Self:
        self.listener.__enter__()
        self._remove()  # that of a training that was killed
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._remove()
        self.listener.__exit__(kind, error, trace)

    def say(self, text: str) -> None:
        self.listener.say(text)

    def steps(self, done: int, epoch: float, loss: float, figure: str, speed: float) -> None:
        self.listener.steps(done, epoch, loss, figure, speed)
        if monotonic() - self._last >= EACH:
            self._last = monotonic()
            with suppress(OSError):  # training does not depend on it
                write_passing(self._path, json_bytes(Now(done, loss, figure, speed)._asdict(), indent=None))

    def epoch(self, result: EpochResult, line: dict[str, Any], best: bool) -> None:
        self._remove()
        self.listener.epoch(result, line, best)

    def _remove(self) -> None:
        with suppress(OSError):
            self._path.unlink(missing_ok=True)


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
