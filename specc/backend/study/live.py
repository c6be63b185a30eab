"""What is seen of a study: on a terminal a live table, elsewhere a line for each training. On standard error."""

import sys
from collections.abc import Sequence
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
from specc.report.study import mean_text
from specc.tasks import Figure

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

    def end(self, name: str, record: Record, figure: Figure) -> None:
        """It has ended. figure: of the study."""


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

    def end(self, name: str, record: Record, figure: Figure) -> None:
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
        self.figure: Figure | None = None  # known once a training has ended
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

    def end(self, name: str, record: Record, figure: Figure) -> None:
        self.records[name].append(record)
        self.figure = figure
        self.name = self.state = ""
        if not self.is_live:
            total = len(self.names) * self.repetitions
            self.console.print(
                f"[{self.number}/{total}] {name}, {record.repetition}: {self._text(record, figure)}", markup=False
            )

    def _text(self, record: Record, figure: Figure) -> str:
        if record.error:
            return f"{record.error['code']} {record.error['message']}"
        training, validation = (figure.text(value) for value in _values(record, figure))
        text = f"training {training}, validation {validation}, {record.seconds:.1f} s"
        return text if self.trained else f"{text} (reused)"

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
            means = ("", "")
            if self.figure is not None:
                pairs = [_values(record, self.figure) for record in fine]
                training, validation = (list(values) for values in zip(*pairs, strict=True)) if pairs else ([], [])
                means = _mean(training, self.figure), _mean(validation, self.figure)
            table.add_row(
                name,
                f"{len(records)}/{self.repetitions}",
                *means,
                "<-" if name == self.name else failed,
            )
        return table


class _Row(Quiet):
    """Tells a table how the training that runs goes. What is said once stands in the run's folder."""

    def __init__(self, shown: Shown, words: str, epochs: float) -> None:
        self.shown, self.words, self.epochs = shown, words, epochs

    def steps(self, done: int, epoch: float, loss: float, figure: str, speed: float) -> None:
        now = f"loss {loss:.4f}  {figure}  {speed:,.0f} images/s"
        self.shown.state = f"{self.words}{epoch:.0f}/{self.epochs:g}  {now}"

    def epoch(self, result: EpochResult, line: dict[str, Any], best: bool) -> None:
        now = figures_text(line)
        self.shown.state = f"{self.words}{result.epoch:g}/{self.epochs:g}  {now}"


def _values(record: Record, figure: Figure) -> tuple[float | None, float | None]:
    """The figure on the training and on the validation images."""
    return record.figures.get(figure.name), record.curve[-1].get(f"val_{figure.name}")


def _mean(values: Sequence[float | None], figure: Figure) -> str:
    found = summary([value for value in values if value is not None])
    return mean_text(found._asdict(), figure) if found else ""
