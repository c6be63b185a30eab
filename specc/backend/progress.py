"""What is seen of a training: a live line on a terminal, a kept line for each epoch everywhere.

On standard error; `out` names another place for the lines of the epochs.
"""

import sys
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Protocol, Self, TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from specc.backend.run.metrics import EpochResult, figures_text
from specc.errors import clean_lines

INTERVAL = 0.25  # seconds between looks at the device, each of which waits for it


class ProgressListener(Protocol):
    """Whom a training tells how it goes."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def say(self, text: str) -> None:
        """Something that is told once, such as what a trick applied to."""

    def steps(self, done: int, epoch: float, loss: float, figure: str, speed: float) -> None:
        """`done` steps are done; loss is of the epoch so far, `figure`, in words, of it or its latest images, speed in
        images per second."""

    def epoch(self, result: EpochResult, line: dict[str, Any], best: bool) -> None:
        """An epoch has ended; `line` is its line in metrics.jsonl."""


class Quiet:
    """Shows nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def say(self, text: str) -> None:
        pass

    def steps(self, done: int, epoch: float, loss: float, figure: str, speed: float) -> None:
        pass

    def epoch(self, result: EpochResult, line: dict[str, Any], best: bool) -> None:
        pass


class Lines:
    """For people and pipes: on a terminal a live line below the kept ones, elsewhere only those, without colors."""

    def __init__(self, epochs: float, total: int, done: int = 0, stream: TextIO | None = None) -> None:
        self.epochs = epochs
        self.console = Console(file=stream or sys.stderr, highlight=False, soft_wrap=True)
        self.progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TaskProgressColumn(),
            TimeRemainingColumn(compact=True),
            TextColumn("left"),
            console=self.console,
            transient=True,
            disable=not self.console.is_terminal or self.console.is_dumb_terminal,
        )
        self.out: TextIO | None = None
        self.task = self.progress.add_task("starting", total=total, completed=done)

    def __enter__(self) -> "Lines":
        self.progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.progress.stop()

    def say(self, text: str) -> None:
        self.console.print(clean_lines(text), markup=False)

    def steps(self, done: int, epoch: float, loss: float, figure: str, speed: float) -> None:
        about = f"epoch {epoch:.0f}/{self.epochs:g}  loss {loss:.4f}  {figure}  {speed:,.0f} images/s"
        self.progress.update(self.task, completed=done, description=about)

    def epoch(self, result: EpochResult, line: dict[str, Any], best: bool) -> None:
        text = f"epoch {result.epoch:g}/{self.epochs:g}  {epoch_text(line, best)}"
        if self.out is None:
            self.say(text)
        else:
            print(text, file=self.out, flush=True)
        self.progress.update(self.task, completed=result.step)


def epoch_text(line: Mapping[str, Any], best: bool) -> str:
    """The figures of an epoch's line, its speed, and whether it is the best so far."""
    speed = f"{line['images_per_second']:,.0f} images/s  {line['seconds']:.1f} s"
    return f"{figures_text(line)}  {speed}{'  best' if best else ''}"
