"""Ctrl-C and SIGTERM: the step in hand is finished, then the training stops of its own accord."""

import signal
import threading
from types import FrameType, TracebackType
from typing import Any


class Interrupt:
    """While it is entered, the first signal only sets `signal`; a second Ctrl-C stops at once.

    One within another begins with the signal that the outer one has seen.
    """

    WATCHED = (signal.SIGINT, signal.SIGTERM)

    def __init__(self) -> None:
        self.signal: signal.Signals | None = None
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> "Interrupt":
        if threading.current_thread() is threading.main_thread():  # Python hands signals to this thread only
            self._before = {number: signal.signal(number, self._note) for number in self.WATCHED}
            outer = getattr(self._before[signal.SIGINT], "__self__", None)
            if isinstance(outer, Interrupt):
                self.signal = outer.signal
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.signal is not None and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.signal = signal.Signals(number)

    @property
    def status(self) -> int:
        """The exit status by which a shell knows that a signal ended the process: 130 or 143."""
        return 128 + self.signal if self.signal else 0
