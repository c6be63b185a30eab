"""A run's folder while it is trained: it belongs to one process, and every file in it is old or new."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from torch import Tensor

from specc.backend.run.checkpoint import State, save_checkpoint, sweep
from specc.backend.run.files import BEST, CHECKPOINTS, INFO, LAST, METRICS, MOST_BYTES, SPEC
from specc.backend.run.lock import Lock, is_held
from specc.backend.run.metrics import append_line, restore_lines
from specc.backend.run.weights import weights_bytes
from specc.errors import SpeccError
from specc.faults import reach
from specc.files import json_bytes, read_file, refuse_bytes, size_of, sweep_parts, write_atomic


class TrainedState(State, Protocol):
    """A training whose network is kept, too."""

    @property
    def has_improved(self) -> bool:
        """Whether the last epoch is the best one so far."""

    def model(self) -> dict[str, Tensor]:
        """The weights and buffers of the network that is evaluated and exported."""


class RunFolder:
    """Writes a run while it is trained; nobody else can until `with` is left. Every file is old or new, never torn.

    meaning: what the weights that are kept shall say of themselves (`manifest.meaning_of`).

    Raises SpeccError: E481 where the disk does not take something, of what is there nothing is lost; E485 where
    another process trains into it.
    """

    def __init__(self, path: Path, *, is_new: bool = False) -> None:
        self.path = path
        help = "wait until it ends, or choose another folder with --out" if is_new else "wait until it ends"
        self.meaning: dict[str, Any] = {}
        with self._writing():
            self.lock = Lock(path, help)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.lock.release()

    def begin(self, spec: str) -> None:
        """Write what is there before the first step. Raises SpeccError E435 where there is a run in it already."""
        with self._writing():
            _refuse_taken(self.path, spec)
            (self.path / CHECKPOINTS).mkdir(exist_ok=True)
            sweep_parts(self.path)
            write_atomic(self.path / SPEC, spec.encode())
            write_atomic(self.path / METRICS, b"")

    def epoch(self, state: TrainedState, line: dict[str, Any]) -> None:
        """Keep the end of an epoch. The checkpoint comes last: what it does not cover is done again by a resume."""
        with self._writing():
            append_line(self.path / METRICS, line)
            reach("metrics.after")
            if state.has_improved:
                write_atomic(self.path / BEST, weights_bytes(state.model(), self.meaning))
        self.pause(state)

    def pause(self, state: TrainedState) -> None:
        """Keep the state as it is, within an epoch or at its end."""
        with self._writing():
            write_atomic(self.path / LAST, weights_bytes(state.model(), self.meaning))
            save_checkpoint(self.path / CHECKPOINTS, state)

    def restore_metrics(self, known: list[dict[str, Any]], lines: list[dict[str, Any]]) -> str:
        """Write the metrics of a resumed training; see `restore_lines`."""
        with self._writing():
            return restore_lines(self.path / METRICS, known, lines)

    def write_spec(self, spec: str) -> None:
        with self._writing():
            write_atomic(self.path / SPEC, spec.encode())

    def write_info(self, info: dict[str, Any]) -> None:
        with self._writing():
            write_atomic(self.path / INFO, json_bytes(info))

    def sweep(self, step: int) -> None:
        """Remove what a killed process left, and damaged checkpoints after `step`, which is gone on from."""
        with self._writing():
            (self.path / CHECKPOINTS).mkdir(exist_ok=True)
            sweep_parts(self.path)
            sweep(self.path / CHECKPOINTS, step)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Say what a refusal of the disk means for the run."""
        try:
            yield
        except OSError as error:
            help = "choose a writable folder with --out"
            if (self.path / INFO).exists():
                help = f"nothing saved is lost; free some disk space, then run `specc train --resume {self.path}`"
            found = f"the run cannot be written to {self.path}: {error.strerror or error}"
            raise SpeccError("E481", found, help=help) from error


def refuse_taken(path: Path, spec: str) -> None:
    """See that `create` will not refuse a folder, before long work. Raises SpeccError E435, E469, E481.

    One that another training writes to now is left to `create`, which waits for nothing either.
    """
    refuse_bytes(path)
    if not is_held(path):
        _refuse_taken(path, spec)


def _refuse_taken(path: Path, spec: str) -> None:
    """Raise SpeccError E435 where there is a run in a folder already, E481 where nobody can tell.

    A process that was killed before it wrote `run.json` left no run, only this spec.
    """
    info, metrics, own = (path / name for name in (INFO, METRICS, SPEC))
    try:
        is_ours = not own.exists() or read_file(own, MOST_BYTES) == spec.encode()
        is_fresh = not metrics.exists() or size_of(metrics) == 0
        taken = [file for file, free in ((info, not info.exists()), (own, is_ours), (metrics, is_fresh)) if not free]
    except OSError as error:
        raise _unwritable(path, error) from error
    if taken:
        raise SpeccError(
            "E435",
            f"{path} already contains a run: it has {taken[0].name}",
            help=f"continue it with `specc train --resume {path}`, or choose another folder with --out",
        )


def create(out: Path | None, name: str, spec: str) -> RunFolder:
    """A new run folder, `runs/NAME-N` where `out` is not given, with the spec in it.

    Raises SpeccError: E481 it cannot be written, E435 there is a run in it already, E485 there is about to be one,
    E469 its path is no text.
    """
    refuse_bytes(out or Path())
    try:
        if out is None:
            path = _numbered(Path("runs"), name)
        else:
            path = out
            out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(out or Path("runs"), error) from error
    folder = RunFolder(path, is_new=True)
    try:
        folder.begin(spec)
    except BaseException:
        folder.lock.release()
        raise
    return folder


def _unwritable(path: Path, error: OSError) -> SpeccError:
    message = f"the run cannot be written to {path}: {error.strerror or error}"
    return SpeccError("E481", message, help="choose a writable folder with --out")


def _numbered(folder: Path, name: str) -> Path:
    """A new folder NAME-N with the first free number above all that are taken."""
    folder.mkdir(parents=True, exist_ok=True)
    taken = [path.name.removeprefix(f"{name}-") for path in folder.glob(f"{name}-*")]
    first = max((int(number) for number in taken if number.isdecimal()), default=0) + 1
    for number in count(first):
        try:
            path = folder / f"{name}-{number}"
            path.mkdir()
        except FileExistsError:
            continue
        return path
    raise AssertionError  # numbers do not end
