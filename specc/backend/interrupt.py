"""Ctrl-C and SIGTERM: the step in hand is finished, then the training stops of its own accord."""

import signal
import threading
from types import FrameType, TracebackType
from typing import Any, ClassVar


class Interrupt:
    """While it is entered, the first signal only sets `signal`; a second Ctrl-C stops at once.

    watched: the signals. One within another watches its signals, too, and begins with the one that it has seen.
    """

    WATCHED = (signal.SIGINT, signal.SIGTERM)
    _entered: ClassVar[list["Interrupt"]] = []

    def __init__(self, watched: tuple[signal.Signals, ...] = WATCHED) -> None:
        self.signal: signal.Signals | None = None
        self.watched = watched
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> "Interrupt":
        if threading.current_thread() is threading.main_thread():  # Python hands signals to this thread only
            if self._entered:
                outer = self._entered[-1]
                self.watched = tuple(dict.fromkeys((*self.watched, *outer.watched)))
                self.signal = outer.signal
            self._before = {number: signal.signal(number, self._note) for number in self.watched}
            self._entered.append(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        if self in self._entered:
            self._entered.remove(self)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.signal is not None and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.signal = signal.Signals(number)

    @property
    def status(self) -> int:
        """The exit status by which a shell knows that a signal ended the process: 130 or 143."""
        return 128 + self.signal if self.signal else 0
