"""A worker of a search: a process that trains what it is given, and asks after each epoch whether to go on."""

import hashlib
import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable
from math import isfinite
from pathlib import Path
from queue import Queue
from types import TracebackType
from typing import Any, NamedTuple, Protocol, Self, TextIO

from specc.backend.data.dataset import DataSet
from specc.backend.data.datasets import DataSets
from specc.backend.progress import ProgressListener
from specc.backend.run.checkpoint import newest_step
from specc.backend.run.files import BEST, CHECKPOINTS, LAST, METRICS
from specc.backend.run.manifest import read_info
from specc.backend.run.metrics import EpochResult, Selection, epoch_result, figures_text, read_lines, selection
from specc.backend.search.messages import Job, Message, job_of
from specc.backend.study.cache import drop
from specc.check import Checked
from specc.errors import SpeccError
from specc.files import read_file

OURS = ("E481", "E482")  # not the trial's fault: the disk's
MOST_WEIGHTS = 1 << 40  # bytes of a file of weights


class Pruned(Exception):
    """The training is not worth going on with; its run is as the last epoch left it."""


class Left(Exception):
    """The search that this worker belongs to has ended."""


class Trainings(Protocol):
    """What a worker has done for it by others."""

    def begin(self, checked: Checked, run: Path, dataset: DataSet, listener: ProgressListener) -> int:
        """Train into a new run folder. Gives 0, or 130 and 143 where a signal stopped it."""

    def resume(self, run: Path, dataset: DataSet, listener: ProgressListener) -> int:
        """Go on with a run; raises SpeccError E438, E439 or E486 where that cannot be. Gives the same."""


class Bench(NamedTuple):
    """What a worker works with. place: the folder that runs lie in. checked: the spec with the settings of a job."""

    place: Path
    checked: Callable[[tuple[str, ...]], Checked]
    datasets: DataSets
    trainings: Trainings


class Line:
    """The connection to the search: messages out, and answers in. When the search is gone, the training stops."""

    def __init__(self, incoming: Iterable[str], outgoing: TextIO) -> None:
        self.outgoing = outgoing
        self.answers: Queue[Message | None] = Queue()
        self.is_training = False
        threading.Thread(target=self._read, args=(incoming,), daemon=True).start()

    def _read(self, incoming: Iterable[str]) -> None:
        for line in incoming:
            self.answers.put(json.loads(line))
        self.answers.put(None)
        if self.is_training:
            os.kill(os.getpid(), signal.SIGTERM)  # the step in hand is finished, and the state is kept

    def tell(self, what: str, **values: Any) -> None:
        try:
            self.outgoing.write(json.dumps({"what": what, **values}) + "\n")
            self.outgoing.flush()
        except BrokenPipeError:
            raise Left from None

    def next(self) -> Message:
        """The next message. Raises Left where none will come."""
        message = self.answers.get()
        if message is None:
            self.answers.put(None)
            raise Left
        return message


def serve(line: Line, bench: Bench) -> int:
    """Carry out jobs until there are no more."""
    line.tell("ready", pid=os.getpid())
    try:
        while True:
            job = job_of(line.next())
            line.is_training = True
            line.tell(**_outcome(line, bench, job))
            line.is_training = False
    except Left:
        return 0


def _outcome(line: Line, bench: Bench, job: Job) -> Message:
    """How a job ended, whatever happened."""
    try:
        return _train(line, bench, job)
    except SpeccError as error:
        is_ours = error.code in OURS
        return {"what": "failed", "code": error.code, "message": error.message, "help": error.help, "ours": is_ours}


def _train(line: Line, bench: Bench, job: Job) -> Message:
    spec = bench.checked((*job.sets, f"train.seed={job.seed}"))
    trainable = spec.trainable()
    dataset = bench.datasets.of(trainable.data)
    chosen = selection(trainable.train.best, dataset.task.facts)
    run, reporter = bench.place / job.run, Reporter(line, chosen, trainable.train.epochs, job.until)
    status, pruned = 0, False
    try:
        status = _go(spec, bench.trainings, run, dataset, reporter)
    except Pruned:
        pruned = True
    if status:
        return {"what": "stopped", "status": status}
    lines = list(read_lines(run / METRICS))
    best = chosen.best([epoch_result(one) for one in lines])
    assert best is not None  # a training ends with an epoch
    return {
        "what": "trained",
        "value": best.value(chosen.figure),
        "epoch": best.epoch,
        "epochs": lines[-1]["epoch"],
        "pruned": pruned,
        "seconds": sum(one["seconds"] for one in lines),
        "threads": read_info(run)["threads"],
        "weights": {name: sha256_of(run / name) for name in (LAST, BEST)},
    }


def _go(spec: Checked, trainings: Trainings, run: Path, dataset: DataSet, reporter: "Reporter") -> int:
    """Begin a run, or go on with what is there of it; the exit status."""
    if run.exists():
        reporter.catch_up(run)
        try:
            return trainings.resume(run, dataset, reporter)
        except SpeccError as error:
            if error.code not in ("E438", "E439", "E486"):  # killed early, or begun on another machine
                raise
            if error.code == "E486":
                reporter.line.tell("note", text=f"{run.name} begins again: {error.message}")
            drop(run)
    return trainings.begin(spec, run, dataset, reporter)


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file of weights."""
    return hashlib.sha256(read_file(path, MOST_WEIGHTS)).hexdigest()


class Reporter:
    """Tells the search of each epoch, and ends the training where the answer is to prune it.

    until: in a replay, the epoch at which it was pruned, or infinity; None where the search is asked.
    """

    def __init__(self, line: Line, chosen: Selection, epochs: float, until: float | None) -> None:
        self.line, self.chosen, self.epochs, self.until = line, chosen, epochs, until

    def catch_up(self, run: Path) -> None:
        """Tell of the epochs that the newest checkpoint holds: the worker may have been killed before it could.

        Raises Pruned where the answer to the last of them was to prune: the run is as that epoch left it.
        """
        step = newest_step(run / CHECKPOINTS) or 0
        for line in read_lines(run / METRICS):
            if line["step"] <= step:
                self._report(epoch_result(line))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def say(self, text: str) -> None:
        """What is said once stands in the run's folder."""

    def steps(self, done: int, epoch: float, loss: float, figure: str, speed: float) -> None:
        text = f"epoch {epoch:.0f}/{self.epochs:g}  loss {loss:.4f}  {figure}  {speed:,.0f} images/s"
        self.line.tell("steps", text=text)

    def epoch(self, result: EpochResult, line: dict[str, Any], best: bool) -> None:
        self.line.tell("steps", text=f"epoch {result.epoch:g}/{self.epochs:g}  {figures_text(line)}")
        self._report(result)

    def _report(self, result: EpochResult) -> None:
        if self.until is not None:
            if result.epoch >= self.until:
                raise Pruned
            return
        is_last, value = result.epoch >= self.epochs, result.value(self.chosen.figure)
        if not isfinite(value):  # which compares with no other
            message = f"the validation {self.chosen.figure.title} is not finite after epoch {result.epoch:g}"
            raise SpeccError("E436", message, help="narrow down what `search` tries", status=1)
        self.line.tell("epoch", epoch=result.epoch, value=value, last=is_last)
        if self.line.next()["prune"]:
            raise Pruned


def connected() -> Line:
    """The line of this process: standard input and output. Whatever else prints goes to standard error."""
    outgoing = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return Line(sys.stdin, outgoing)
