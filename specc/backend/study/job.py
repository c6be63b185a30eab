"""A study as a whole: trained, and written down after every training."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from specc.backend.pictures.study import study_figure
from specc.backend.pictures.style import look, save
from specc.backend.study.live import Board, Shown, Silent
from specc.backend.study.plan import Entry, Repetition
from specc.backend.study.results import about, about_data, as_json
from specc.backend.study.runner import Options, Records, Study, Trainings
from specc.check import Checked
from specc.errors import SpeccError
from specc.files import json_bytes, write_atomic
from specc.report.study import study_markdown

STUDY, TABLE, PICTURE = "study.json", "table.md", "curves"
FILES = (STUDY, TABLE, f"{PICTURE}.svg", f"{PICTURE}.png")
FORMAT = 1


def study(
    entries: Sequence[Entry],
    against: Mapping[str, str],
    checked: Callable[[Entry, Repetition], Checked],
    options: Options,
    trainings: Trainings,
    words: Mapping[str, Any],
    quiet: bool = False,
) -> tuple[dict[str, Any], int]:
    """Train entries with every seed, or on every fold, into the folder `options.out`.

    Gives what study.json holds, and the exit status.

    against: the entry that each is measured against. checked: the spec of a repetition of an entry. trainings: what
    trains. words: what else study.json shall say of the study. The status is 0, or 130 and 143 where Ctrl-C or SIGTERM
    stopped it.

    Raises SpeccError: E430 no such device, E437 no data, E401 and on from the data, E481 the study cannot be written.
    """
    board: Board = Silent() if quiet else Shown([entry.name for entry in entries], len(options.repetitions))
    began = _now()

    def found() -> dict[str, Any]:
        images = about_data(whole.seen) if whole.seen else {}
        figures = as_json(entries, against, whole.records, checked, options.repetitions, _overlap(whole), whole.figure)
        head = {"format": FORMAT, **words, **about(options, whole.device), "started": began, "ended": _now()}
        return head | images | figures

    def keep(records: Records) -> None:
        _write(options.out, found())

    whole = Study(entries, checked, options, trainings, board, keep)
    status = whole.run()
    result = found()
    _write(options.out, result)
    with look():
        save(study_figure(result), options.out / PICTURE)
    return result, status


def _overlap(study: Study) -> float:
    """How many images are validated on for each that is trained on, where the trainings are on folds; else 0."""
    if study.seen is None or not study.options.repetitions[0].folds:
        return 0.0
    return len(study.seen.validation) / len(study.seen.train)


def _write(folder: Path, found: dict[str, Any]) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_atomic(folder / STUDY, json_bytes(found))
        write_atomic(folder / TABLE, study_markdown(found).encode("utf-8", "backslashreplace"))
    except OSError as error:
        message = f"the study cannot be written to {folder}: {error.strerror or error}"
        raise SpeccError("E481", message, help="choose a writable folder with --out") from error


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
