"""A study from its beginning to its end, or on from where it stopped: every entry with every seed."""

from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import NamedTuple, Protocol

from specc.backend.data.dataset import DataSet
from specc.backend.data.datasets import DataSets
from specc.backend.data.subset import subset_of
from specc.backend.device import find
from specc.backend.interrupt import Interrupt
from specc.backend.progress import ProgressListener
from specc.backend.run.files import MODEL
from specc.backend.run.metrics import selection
from specc.backend.start import resolve_start
from specc.backend.study.cache import Record, drop, key_of, place_of, read_record, write_record
from specc.backend.study.live import Board
from specc.backend.study.measure import on_training_images, on_validation_images
from specc.backend.study.plan import Entry, Repetition
from specc.check import Checked, Trainable
from specc.errors import SpeccError
from specc.tasks import LOSS, Figure, Task

Records = dict[str, dict[Repetition, Record]]
OURS = ("E481", "E482")  # not the variant's fault: the disk's
FINAL = "E436"  # the same seed gives the same loss that is not finite


class Options(NamedTuple):
    """How a study is trained. base: the folder that relative paths in the spec start from. command: for the record."""

    repetitions: tuple[Repetition, ...]
    out: Path
    subset: int | None = None
    device: str = "auto"
    data_dir: Path | None = None
    base: Path = Path()
    command: tuple[str, ...] = ()


class Trainings(Protocol):
    """What a study has done for it by others: trainings, and exports of what they leave."""

    def begin(self, checked: Checked, run: Path, dataset: DataSet, listener: ProgressListener) -> int:
        """Train into a new run folder. Gives 0, or 130 and 143 where a signal stopped it."""

    def resume(self, run: Path, dataset: DataSet, listener: ProgressListener) -> int:
        """Go on with a run; raises SpeccError E438, E439 or E486 where that cannot be. Gives the same."""

    def export(self, run: Path) -> None:
        """Export a run that is finished; does nothing where no exports are asked for."""


class Study:
    """Trains entries, seed by seed or fold by fold over all of them, so that what is there early can be compared.

    checked: the spec of a repetition of an entry. trainings: what trains. keep: called after every training
    with all records so far.
    """

    def __init__(
        self,
        entries: Sequence[Entry],
        checked: Callable[[Entry, Repetition], Checked],
        options: Options,
        trainings: Trainings,
        board: Board,
        keep: Callable[[Records], object],
    ) -> None:
        self.entries, self.checked, self.options = entries, checked, options
        self.trainings, self.board, self.keep = trainings, board, keep
        self.device = find(options.device)
        self.records: Records = {entry.name: {} for entry in entries}
        self._data = DataSets(options.data_dir, options.base)
        self.seen: DataSet | None = None  # the data of the first training, as it was trained on

    @cached_property
    def task(self) -> Task:
        """What all of its trainings learn. Raises SpeccError E437, E401 and on from the data."""
        return self.dataset(self._first).task.facts

    @cached_property
    def figure(self) -> Figure:
        """By which trainings are compared: the one that chooses in the first entry, or the task's first where that is
        the loss, as losses of variants may differ in kind."""
        chosen = selection(self._first.train.best, self.task).figure
        return self.task.figures[0] if chosen == LOSS else chosen

    @property
    def _first(self) -> Trainable:
        return self.checked(self.entries[0], self.options.repetitions[0]).trainable()

    def run(self) -> int:
        """Train whatever is not there yet. Gives 0, or 130 and 143 where Ctrl-C or SIGTERM stopped it.

        An entry that cannot be trained is a record with its error, and the others go on.
        Raises SpeccError: E481 the study cannot be written; E437, E401 and on where the first entry has no data, as
        then none has.
        """
        self.dataset(self._first)
        with self.board, Interrupt() as interrupt:
            for repetition in self.options.repetitions:
                for entry in self.entries:
                    if interrupt.signal:
                        return interrupt.status
                    self.board.begin(entry.name, repetition)
                    record, status = self._one(entry, repetition)
                    if record is None:
                        return status
                    self.records[entry.name][repetition] = record
                    self.keep(self.records)
                    self.board.end(entry.name, record, self.figure)
            return interrupt.status

    def _one(self, entry: Entry, repetition: Repetition) -> tuple[Record | None, int]:
        """The record of one training, and 0; no record and the status where it was stopped."""
        try:
            return self._train(self.checked(entry, repetition), entry.name, repetition)
        except SpeccError as error:
            if error.code in OURS:
                raise
            return Record.failed(repetition, error), 0

    def _train(self, checked: Checked, name: str, repetition: Repetition) -> tuple[Record | None, int]:
        options = self.options
        spec = checked.trainable()
        dataset = self.dataset(spec)
        _refuse_other_task(dataset.task.facts, self.task, name, self.entries[0].name)
        some = self._some(dataset)
        self.seen = self.seen or some
        key = key_of(spec, dataset.hash, options.subset, self.device, self._start_hash(spec))
        place = place_of(options.out, key, name, repetition)
        done = read_record(options.out, place, key, repetition)
        if done is None:
            try:
                status = self._go(checked, place, dataset, self.board.listener(spec))
            except SpeccError as error:
                if error.code != FINAL:
                    raise
                return write_record(options.out, place, key, Record.failed(repetition, error)), 0
            if status:
                return None, status
            record = self._measured(spec, place, some, repetition)
            done = write_record(options.out, place, key, record)
        if done.error is None and not (place / MODEL).exists():
            self.trainings.export(place)
        return done, 0

    def _start_hash(self, spec: Trainable) -> str:
        """The SHA-256 of the weights that a training begins with; "" where all are drawn."""
        return resolve_start(spec.train.start, self.options.base).sha256 if spec.train.start else ""

    def _measured(self, spec: Trainable, run: Path, dataset: DataSet, repetition: Repetition) -> Record:
        """What the last weights of a run that is finished come to."""
        learned = on_training_images(spec, run, dataset, self.device)
        of_classes = {}
        if self.figure.of_class:
            validated = on_validation_images(spec, run, dataset, self.device)
            scores = dataset.task.by_output(validated.records)
            of_classes = {score.name: getattr(score, self.figure.of_class) for score in scores}
        return Record(repetition, "", learned.figures, learned.loss, len(learned.records), of_classes, [], None)

    def _go(self, checked: Checked, place: Path, dataset: DataSet, listener: ProgressListener) -> int:
        """Begin a run, or go on with what is there of it; the exit status."""
        if place.exists():
            try:
                return self.trainings.resume(place, dataset, listener)
            except SpeccError as error:
                if error.code not in ("E438", "E439", "E486"):  # stopped early, or begun on another machine
                    raise
                drop(place)
        return self.trainings.begin(checked, place, dataset, listener)

    def _some(self, dataset: DataSet) -> DataSet:
        subset = self.options.subset
        return dataset if subset is None else subset_of(dataset, subset)

    def dataset(self, spec: Trainable) -> DataSet:
        """The data of a spec, loaded once for all that have the same. Raises SpeccError E401 and on from the data."""
        return self._data.of(spec.data)


def _refuse_other_task(task: Task, other: Task, name: str, first: str) -> None:
    """Raise SpeccError E317 where an entry learns something else than the first, so that no figure compares them."""
    if task != other:
        message = f"the task of `{name}` is {task.name}, that of `{first}` is {other.name}: no figure compares them"
        raise SpeccError("E317", message, help="give variants of one study sources of one task", status=1)
