"""What a search did, line by line in `suggestions.jsonl`: each suggestion, each figure, each decision, each outcome.

The file is only ever added to. A search that was stopped or killed is what its lines add up to; so are its trials when
they are trained again.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from specc.check.variants import Settings
from specc.errors import SpeccError
from specc.files import append_locked, parse_json, read_file, reason
from specc.tasks import Figure

JOURNAL = "suggestions.jsonl"
FORMAT = 1
MOST_BYTES = 1 << 30
RUNNING, COMPLETED, PRUNED, FAILED, LOST = "running", "completed", "pruned", "failed", "lost"


class Report(NamedTuple):
    """The figure after an epoch, and whether the training was to end with it."""

    value: float
    prune: bool


class Training:
    """One training of a trial, with a seed. outcome: its last line, once it has ended. kills: since it last came on."""

    def __init__(self, seed: int, run: str) -> None:
        self.seed, self.run = seed, run
        self.reports: dict[float, Report] = {}  # by epoch
        self.outcome: dict[str, Any] | None = None
        self.kills = 0

    @property
    def value(self) -> float:
        assert self.outcome is not None
        return float(self.outcome["value"])


class Trial:
    """Values for the settings that are searched, and what came of them.

    number: from 1. values: path and value, as `--set` takes them. drawn: by path, what the sampler drew: a share of the
    way through a range, the number of a choice. state: running, completed, pruned, failed; lost where another machine
    has taken it over. same_as: the number of the earlier trial with these values, 0 for none; original: that trial,
    unless another machine has it.
    """

    def __init__(self, line: Mapping[str, Any]) -> None:
        self.number = int(line["trial"])
        self.values: Settings = tuple((str(path), str(value)) for path, value in line["values"])
        self.drawn: dict[str, float] = dict(line["drawn"])
        self.parameters: int | None = line["parameters"]
        self.macs: int | None = line["macs"]
        self.latency: float | None = None
        self.same_as = int(line["same_as"] or 0)
        self.original: Trial | None = None
        self.trainings: dict[int, Training] = {}
        self.state = RUNNING
        self.value: float | None = None
        self.error: dict[str, str] | None = None

    @property
    def sets(self) -> list[str]:
        return [f"{path}={value}" for path, value in self.values]

    def steps(self, by_seed: bool) -> dict[int, float]:
        """What a pruner compares: the figure of each seed, or of each epoch of the only training."""
        if self.original:
            return self.original.steps(by_seed)
        trainings = list(self.trainings.values())
        if by_seed:
            return {step: one.value for step, one in enumerate(trainings, 1) if one.outcome}
        return {step: one.value for training in trainings for step, one in enumerate(training.reports.values(), 1)}


def cost(value: float | None, figure: Figure) -> float:
    """A figure, turned so that the lower is the better."""
    assert value is not None  # it was trained to the end
    return value if figure.is_error else -value


class Journal:
    """The lines of a search, and what they add up to: its head, and its trials by number."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / JOURNAL
        self.head: dict[str, Any] = {}
        self.trials: dict[int, Trial] = {}
        for number, line in _lines(self.path):
            try:
                _refuse_odd_numbers(line)
                self._apply(line)
            except (AssertionError, KeyError, TypeError, ValueError) as error:
                message = f"{self.path} is damaged: line {number} does not follow from those before it"
                help = "take back what was changed in it, or choose another folder with --out"
                raise SpeccError("E516", message, help=help) from error

    def write(self, what: str, **values: Any) -> None:
        """Add a line; it is on the disk when this returns. Raises SpeccError E481 where it cannot be written."""
        line = {"what": what, **values}
        written = {"at": datetime.now(UTC).isoformat(timespec="milliseconds"), **line}
        try:
            append_locked(self.path, (json.dumps(written, allow_nan=False) + "\n").encode())
        except OSError as error:
            message = f"the search cannot be written to {self.path}: {error.strerror or error}"
            help = "free some disk space, or choose a writable folder with --out; nothing written so far is lost"
            raise SpeccError("E481", message, help=help) from error
        self._apply(line)

    def _apply(self, line: Mapping[str, Any]) -> None:
        what = line["what"]
        if what == "search":
            self.head = dict(line)
            return
        trial = self.trials.get(line.get("trial", 0))
        match what:
            case "suggested":
                trial = self.trials[line["trial"]] = Trial(line)
                trial.original = self.trials.get(trial.same_as)
            case "started":
                assert trial is not None
                trial.trainings.setdefault(line["seed"], Training(line["seed"], line["run"]))
            case "epoch":
                assert trial is not None
                training = trial.trainings[line["seed"]]
                training.reports[line["epoch"]] = Report(line["value"], line["prune"])
                training.kills = 0
            case "trained":
                assert trial is not None
                trial.trainings[line["seed"]].outcome = dict(line)
            case "killed":
                assert trial is not None
                trial.trainings[line["seed"]].kills += 1
            case "ended":
                assert trial is not None
                trial.state, trial.value, trial.error = line["state"], line["value"], line["error"]
            case "latency":
                assert trial is not None
                trial.latency = line["seconds"]

    @property
    def running(self) -> list[Trial]:
        return [trial for trial in self.trials.values() if trial.state == RUNNING]

    def ranked(self, figure: Figure) -> list[Trial]:
        """The trials that were trained to the end, the best first; of equals, the first."""
        completed = [one for one in self.trials.values() if one.state == COMPLETED and not one.original]
        return sorted(completed, key=lambda one: (cost(one.value, figure), one.number))

    def earlier(self, values: Settings) -> Trial | None:
        """The first trial with these values that is trained, or was."""
        trials = self.trials.values()
        return next((one for one in trials if one.values == values and not one.same_as and one.state != LOST), None)


def _refuse_odd_numbers(line: Mapping[str, Any]) -> None:
    """Raise ValueError where a line has a number that JSON does not have: NaN and Infinity compare with nothing."""
    json.dumps(line, allow_nan=False)


def _lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """The whole lines of a journal with their numbers, from 1; none where there is none.

    Raises SpeccError: E516 it is not the journal of a search, E447 it is of another version.
    """
    try:
        content = read_file(path, MOST_BYTES)
    except FileNotFoundError:
        return
    except OSError as error:
        raise SpeccError("E516", f"{path} cannot be read: {reason(error)}", help="check its permissions") from error
    for number, text in enumerate(content.splitlines(), start=1):
        try:
            line = parse_json(text)
        except ValueError:
            continue  # what a process that was killed left of a line
        if not isinstance(line, dict) or "what" not in line or (number == 1 and line["what"] != "search"):
            help = "choose another folder with --out"
            raise SpeccError("E516", f"{path} is not the journal of a search", help=help)
        if number == 1 and line.get("format") != FORMAT:
            message = f"{path} was written by another version of specc: its format is {line.get('format')}"
            raise SpeccError("E447", message, help=f"it was written by specc {line.get('specc', '?')}")
        yield number, line
