"""Notes in a run how far its training is within an epoch."""

from contextlib import suppress
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Any, Self

from specc.backend.progress import ProgressListener
from specc.backend.run.files import NOW
from specc.backend.run.metrics import EpochResult
from specc.backend.run.now import Now
from specc.files import json_bytes, write_passing

EACH = 1.0  # seconds between two notes


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
