"""What is seen of a study: on a terminal a live table, elsewhere a line for each training. On standard error."""

import sys
from time import perf_counter
from types import TracebackType
from typing import Any, Protocol, Self, TextIO

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from specc.backend.progress import ProgressListener, Quiet
from specc.backend.run.metrics import EpochResult, figures_text
from specc.backend.study.cache import Record
from specc.backend.study.plan import Repetition
from specc.backend.study.statistics import summary
from specc.check import Trainable

HEADINGS = ("runs", "training", "validation")


class Board(Protocol):
    """Whom a study tells how it goes."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def begin(self, name: str, repetition: Repetition) -> None:
        """A training comes next, or is found to be there already."""

    def listener(self, spec: Trainable) -> ProgressListener:
        """Who is told how the training goes."""

    def end(self, name: str, record: Record) -> None:
        """It has ended."""


class Silent:
    """Shows nothing."""

    def __enter__(self) -> "Silent":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def begin(self, name: str, repetition: Repetition) -> None:
        pass

    def listener(self, spec: Trainable) -> ProgressListener:
        return Quiet()

    def end(self, name: str, record: Record) -> None:
        pass


class Shown:
    """A table with a row for each entry where the stream is a terminal; else a line for each training."""

    def __init__(self, names: list[str], repetitions: int, stream: TextIO | None = None) -> None:
        self.names, self.repetitions = names, repetitions
        self.records: dict[str, list[Record]] = {name: [] for name in names}
        self.console = Console(file=stream or sys.stderr, highlight=False, soft_wrap=True)
        self.is_live = self.console.is_terminal and not self.console.is_dumb_terminal
        self.name, self.state, self.number, self.trained = "", "", 0, False
        self.repetition = Repetition(0)
        self.started = perf_counter()
        self.live = Live(console=self.console, get_renderable=self._shown, transient=True, refresh_per_second=4)

    def __enter__(self) -> "Shown":
        if self.is_live:
            self.live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.is_live:
            self.live.stop()

    def begin(self, name: str, repetition: Repetition) -> None:
        self.number += 1
        self.repetition = repetition
        self.name, self.state, self.trained = name, f"{repetition}, loading data", False

    def listener(self, spec: Trainable) -> ProgressListener:
        self.trained = True
        return _Row(self, f"{self.repetition}, epoch ", spec.train.epochs)

    def end(self, name: str, record: Record) -> None:
        self.records[name].append(record)
        self.name = self.state = ""
        if not self.is_live:
            total = len(self.names) * self.repetitions
            self.console.print(
                f"[{self.number}/{total}] {name}, {record.repetition}: {self._said(record)}", markup=False
            )

    def _said(self, record: Record) -> str:
        if record.error or record.train_accuracy is None:
            return "{code} {message}".format(**(record.error or {"code": "", "message": "nothing was measured"}))
        last = record.curve[-1]
        found = f"training {record.train_accuracy:.2%}, validation {last['val_accuracy']:.2%}, {record.seconds:.1f} s"
        return found if self.trained else f"{found} (reused)"

    def _shown(self) -> Group:
        minutes, seconds = divmod(int(perf_counter() - self.started), 60)
        now = f"{self.number} of {len(self.names) * self.repetitions}, {minutes}:{seconds:02}  {self.state}"
        return Group(self._table(), Text(now, no_wrap=True, overflow="ellipsis"))

    def _table(self) -> Table:
        table = Table(pad_edge=False, box=None)
        for heading in ("variant", "runs", "training", "validation", ""):
            table.add_column(heading, justify="right" if heading in HEADINGS else "left", no_wrap=True)
        for name in self.names:
            records = self.records[name]
            fine = [record for record in records if record.error is None]
            failed = next((record.error["code"] for record in records if record.error), "")
            table.add_row(
                name,
                f"{len(records)}/{self.repetitions}",
                _percent([record.train_accuracy or 0.0 for record in fine]),
                _percent([record.curve[-1]["val_accuracy"] for record in fine]),
                "<-" if name == self.name else failed,
            )
        return table


class _Row:
    """Tells a table how the training that runs goes."""

    def __init__(self, shown: Shown, words: str, epochs: float) -> None:
        self.shown, self.words, self.epochs = shown, words, epochs

    def __enter__(self) -> "_Row":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def say(self, text: str) -> None:
        """What is said once stands in the run's folder."""

    def steps(self, done: int, epoch: float, loss: float, figure: str, speed: float) -> None:
        now = f"loss {loss:.4f}  {figure}  {speed:,.0f} images/s"
        self.shown.state = f"{self.words}{epoch:.0f}/{self.epochs:g}  {now}"

    def epoch(self, result: EpochResult, line: dict[str, Any], best: bool) -> None:
        now = figures_text(line)
        self.shown.state = f"{self.words}{result.epoch:g}/{self.epochs:g}  {now}"


def _percent(values: list[float]) -> str:
    found = summary(values)
    if found is None:
        return ""
    return f"{found.mean:.1%}" if found.deviation is None else f"{found.mean:.1%} ± {found.deviation * 100:.1f}"
