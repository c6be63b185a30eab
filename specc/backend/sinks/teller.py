"""Sinks are told beside the training, by threads of their own: what is slow or fails there holds nothing up."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from time import monotonic
from types import TracebackType
from typing import Any, Self

from specc.backend.progress import ProgressListener
from specc.backend.run.metrics import EpochResult
from specc.backend.sinks.sink import KINDS, About, Sink, flat, need, open_sink
from specc.backend.sinks.whole import about_run, epochs_of, tell_begin, tell_end, tell_epochs
from specc.errors import clean

PATIENCE = 60.0  # seconds that the end of a training waits for all sinks together

Task = Callable[[Sink], object]


class Teller:
    """A sink, and the thread in which all is done that concerns it."""

    def __init__(self, name: str, about: About, *, quiet: bool) -> None:
        self.name, self.about, self.quiet = name, about, quiet
        self.tasks: SimpleQueue[Task | None] = SimpleQueue()
        self.error: BaseException | None = None
        self.thread = Thread(target=self._work, name=f"specc-{name}", daemon=True)
        self.thread.start()

    def tell(self, task: Task | None) -> None:
        """Something to do when all before it is done; None for the end."""
        self.tasks.put(task)

    def _work(self) -> None:
        try:
            sink = open_sink(self.name, self.about)
            if not self.quiet:
                print(clean(f"logging to {KINDS[self.name].title}: {sink.where}"), file=sys.stderr)
            while (task := self.tasks.get()) is not None:
                task(sink)
        except BaseException as error:  # noqa: BLE001 - whatever it is, the training goes on
            self.error = error
            words = f"logging to {KINDS[self.name].title} failed and has ended: {type(error).__name__}: {_line(error)}"
            self._warn(words)

    def wait(self, seconds: float) -> None:
        """Wait for what is still to do, and say so where it takes too long."""
        self.thread.join(seconds)
        if self.thread.is_alive():
            self._warn(f"{KINDS[self.name].title} does not answer, and lacks the end of the run")

    def _warn(self, words: str) -> None:
        remedy = f"specc log {self.about.path} --to {self.name}"
        print(f"warning: {clean(words)}\n  = help: to log the whole run afterwards: {clean(remedy)}", file=sys.stderr)


class Log:
    """The sinks that a training is logged to.

    Raises SpeccError: E483 there is no such sink, E534 its package is not installed.
    """

    def __init__(self, names: Sequence[str], *, quiet: bool = False) -> None:
        for name in names:
            need(name)
        self.names, self.quiet = tuple(dict.fromkeys(names)), quiet
        self.tellers: list[Teller] = []
        self.finished = False

    def listening(self, listener: ProgressListener, path: Path) -> ProgressListener:
        """What a training tells how it goes: the listener, and the sinks. path: the run, whose spec is there."""
        if not self.names:
            return listener
        about, begun = about_run(path), epochs_of(path)  # read here: later more epochs stand there
        self.tellers = [Teller(name, about, quiet=self.quiet) for name in self.names]
        for teller in self.tellers:
            teller.tell(lambda sink: tell_begin(sink, path))
            teller.tell(lambda sink: tell_epochs(sink, begun))
        return _Both(listener, self.tellers)

    def tell_end(self, path: Path, *, finished: bool) -> None:
        """Tell what the run ended with, once it is exported."""
        self.finished = finished
        for teller in self.tellers:
            teller.tell(lambda sink: tell_end(sink, path))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the sinks, and wait for them."""
        for teller in self.tellers:
            teller.tell(lambda sink: sink.close(finished=self.finished))
            teller.tell(None)
        end = monotonic() + PATIENCE
        for teller in self.tellers:
            teller.wait(max(end - monotonic(), 0.0))


class _Both:
    """Tells a listener, and puts each epoch into the queues of sinks."""

    def __init__(self, listener: ProgressListener, tellers: Sequence[Teller]) -> None:
        self.listener, self.tellers = listener, tellers

    def __enter__(self) -> Self:
        self.listener.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.listener.__exit__(kind, error, trace)

    def say(self, text: str) -> None:
        self.listener.say(text)

    def steps(self, done: int, epoch: float, loss: float, figure: str, speed: float) -> None:
        self.listener.steps(done, epoch, loss, figure, speed)

    def epoch(self, result: EpochResult, line: dict[str, Any], best: bool) -> None:
        self.listener.epoch(result, line, best)
        step, values = result.step, flat(line)
        for teller in self.tellers:
            teller.tell(lambda sink: sink.scalars(step, values))


def _line(error: BaseException) -> str:
    """What an exception says, in one line."""
    return " ".join(str(error).split())[:300]
