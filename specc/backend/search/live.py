"""What is seen of a search: on a terminal a live table, elsewhere a line for each trial. On standard error."""

import sys
from time import perf_counter
from types import TracebackType
from typing import Protocol, Self, TextIO

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from specc.backend.search.journal import COMPLETED, LOST, RUNNING, Journal, Trial
from specc.errors import clean
from specc.report.search import values_text
from specc.tasks import Figure

SHOWN = 12  # trials: those that run, then the best


class Board(Protocol):
    """Whom a search tells how it goes."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def say(self, text: str) -> None:
        """Something that is told once."""

    def begin(self, worker: int, trial: Trial, seed: int, is_resumed: bool) -> None:
        """A worker trains a trial with a seed."""

    def steps(self, worker: int, text: str) -> None:
        """How its training goes."""

    def end(self, trial: Trial) -> None:
        """A trial has ended."""


class Silent:
    """Shows nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def say(self, text: str) -> None:
        pass

    def begin(self, worker: int, trial: Trial, seed: int, is_resumed: bool) -> None:
        pass

    def steps(self, worker: int, text: str) -> None:
        pass

    def end(self, trial: Trial) -> None:
        pass


class Shown(Silent):
    """A table of the trials that run and of the best where the stream is a terminal; else a line for each trial."""

    def __init__(self, journal: Journal, trials: int, figure: Figure, stream: TextIO | None = None) -> None:
        self.journal, self.trials, self.figure = journal, trials, figure
        self.console = Console(file=stream or sys.stderr, highlight=False, soft_wrap=True)
        self.is_live = self.console.is_terminal and not self.console.is_dumb_terminal
        self.states: dict[int, tuple[int, str]] = {}  # trial and state by worker
        self.started = perf_counter()
        self.live = Live(console=self.console, get_renderable=self._shown, transient=True, refresh_per_second=4)

    def __enter__(self) -> Self:
        if self.is_live:
            self.live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.is_live:
            self.live.stop()

    def say(self, text: str) -> None:
        self.console.print(clean(text), markup=False)

    def begin(self, worker: int, trial: Trial, seed: int, is_resumed: bool) -> None:
        self.states[worker] = trial.number, f"seed {seed}, {'resuming' if is_resumed else 'starting'}"
        if is_resumed and not self.is_live:
            self.say(f"trial {trial.number}, seed {seed}: taken up again by worker {worker}")

    def steps(self, worker: int, text: str) -> None:
        self.states[worker] = self.states.get(worker, (0, ""))[0], text

    def end(self, trial: Trial) -> None:
        self.states = {worker: state for worker, state in self.states.items() if state[0] != trial.number}
        if not self.is_live:
            self.say(f"[{self._ended()}/{self.trials}] trial {trial.number}: {self._text(trial)}")

    def _ended(self) -> int:
        return sum(trial.state not in (RUNNING, LOST) for trial in self.journal.trials.values())

    def _text(self, trial: Trial) -> str:
        text = f"{values_text(trial.values)}: {self._outcome(trial)}"
        return f"{text} (the same values as trial {trial.same_as})" if trial.same_as else text

    def _outcome(self, trial: Trial) -> str:
        if trial.error:
            return f"{trial.state}: {trial.error['code']} {trial.error['message']}"
        if trial.state == COMPLETED:
            return f"validation {self.figure.title} {self.figure.text(trial.value)}"
        outcomes = [one.outcome for one in trial.trainings.values() if one.outcome]
        if not outcomes:
            return trial.state
        last = outcomes[-1]
        after = f"epoch {last['epochs']:g}" if last["pruned"] else f"{len(outcomes)} seeds"
        return f"{trial.state} after {after}, validation {self.figure.title} {self.figure.text(last['value'])}"

    def _shown(self) -> Group:
        minutes, seconds = divmod(int(perf_counter() - self.started), 60)
        now = f"{self._ended()} of {self.trials} trials, {minutes}:{seconds:02}"
        return Group(self._table(), Text(now, no_wrap=True, overflow="ellipsis"))

    def _table(self) -> Table:
        table = Table(pad_edge=False, box=None)
        for heading in ("trial", "values", self.figure.title, ""):
            table.add_column(heading, justify="right" if heading in ("trial", self.figure.title) else "left")
        state_of = {number: (worker, state) for worker, (number, state) in self.states.items()}
        running = [trial for trial in self.journal.running if trial.number in state_of]
        for trial in running[:SHOWN]:
            worker, state = state_of[trial.number]
            table.add_row(str(trial.number), values_text(trial.values), "", f"worker {worker}: {state}")
        for place, trial in enumerate(self.journal.ranked(self.figure)[: max(SHOWN - len(running), 1)]):
            value = self.figure.text(trial.value)
            table.add_row(str(trial.number), values_text(trial.values), value, "" if place else "best so far")
        return table
