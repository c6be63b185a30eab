"""What a folder of runs holds: of each run what it is, what it reached, how long it took, and in which state it is."""

from pathlib import Path
from typing import Any, NamedTuple

from specc.backend.run.checkpoint import newest_step
from specc.backend.run.files import BEST, CHECKPOINTS, INFO, METRICS, SPEC
from specc.backend.run.lock import is_held
from specc.backend.run.manifest import read_info
from specc.backend.run.metrics import is_epoch_line, read_lines
from specc.errors import SpeccError
from specc.files import is_number
from specc.tasks import CLASSIFICATION, LOSS, TASKS, Figure, Task

FINISHED, TRAINING, RESUMABLE, DAMAGED = "finished", "training", "can be resumed", "damaged"


class Summary(NamedTuple):
    """A run among others. info: its run.json; empty where that cannot be read. why: what is damaged, in words.

    epochs: how many ended. seconds: that they took.
    """

    path: Path
    state: str
    info: dict[str, Any]
    epochs: float
    seconds: float
    why: str = ""

    @property
    def task(self) -> Task:
        return TASKS[self.info.get("task", CLASSIFICATION.name)]

    @property
    def name(self) -> str:
        """Of the network, with its variant."""
        name, variant = self.info.get("name"), self.info.get("variant")
        return f"{name}, {variant}" if variant else str(name or "")

    def figures(self, part: str) -> dict[str, dict[str, float | None]]:
        """Those of a part, "validation" or "test", by name: value, low and high; none where they are not known."""
        return figures_of(self.info, part)


def figures_of(info: dict[str, Any], part: str) -> dict[str, dict[str, float | None]]:
    """The figures of a part that a run.json tells of, by name: value, low and high."""
    about = info.get("figures", {}).get(part, {})
    figures = about.get("figures") if isinstance(about, dict) else None
    if not isinstance(figures, dict):
        return {}
    ends = ("value", "low", "high")
    return {
        name: {end: value.get(end) if is_number(value.get(end)) else None for end in ends}
        for name, value in figures.items()
        if isinstance(value, dict)
    }


def all_figures(info: dict[str, Any]) -> list[Figure]:
    """The figures of a run's task, and the loss."""
    return [*TASKS[info.get("task", CLASSIFICATION.name)].figures, LOSS]


def runs_in(folder: Path) -> list[Path]:
    """The folders in a folder that are runs, or were begun as one, in the order in which they began.

    Raises SpeccError E532 where there is none.
    """
    if not folder.is_dir():
        what = "is a file" if folder.exists() else "does not exist"
        raise SpeccError("E532", f"{folder} {what}, but a folder of runs is needed", help="specc runs FOLDER")
    if (folder / INFO).exists():
        return [folder]
    places = [path for path in folder.iterdir() if path.is_dir() and ((path / INFO).exists() or _was_begun(path))]
    if not places:
        raise SpeccError("E532", f"there is no run in {folder}", help="`specc train` writes runs to the folder `runs`")
    return sorted(places, key=lambda path: (path.stat().st_mtime, path.name))


def _was_begun(path: Path) -> bool:
    """Whether a training was killed before it wrote its run.json."""
    return (path / SPEC).exists() and (path / METRICS).exists()


def summary_of(path: Path) -> Summary:
    """What a run is, and its state. Nothing of it is changed."""
    try:
        info = read_info(path)
        lines = [line for line in read_lines(path / METRICS) if is_epoch_line(line)]
    except SpeccError as error:
        return Summary(path, DAMAGED, {}, 0, 0.0, error.message)
    seconds = sum(line["seconds"] for line in lines if is_number(line.get("seconds")))
    epochs = lines[-1]["epoch"] if lines else 0
    state, why = _state(path, info)
    return Summary(path, state, info, epochs, seconds, why)


def _state(path: Path, info: dict[str, Any]) -> tuple[str, str]:
    lacking = [name for name in (SPEC, BEST) if not (path / name).is_file()]
    if info.get("finished"):
        return (DAMAGED, f"{lacking[0]} is missing") if lacking else (FINISHED, "")
    if is_held(path):
        return TRAINING, ""
    if SPEC in lacking:
        return DAMAGED, f"{SPEC} is missing"
    if newest_step(path / CHECKPOINTS) is None:
        return DAMAGED, "it was stopped before its first checkpoint"
    return RESUMABLE, ""
