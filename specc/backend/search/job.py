"""A search as a whole: its folder prepared, its trials trained, what was found written down and drawn."""

import json
import platform
import socket
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import torch

from specc import __version__
from specc.backend.data.datasets import DataSets
from specc.backend.device import all_threads, describe, find
from specc.backend.pictures.search import front_figure, history_figure, importance_figure, parallel_figure
from specc.backend.pictures.style import look, save
from specc.backend.run.metrics import selection
from specc.backend.search.engine import need_optuna
from specc.backend.search.journal import COMPLETED, FAILED, Journal
from specc.backend.search.live import Board, Shown, Silent
from specc.backend.search.place import (
    BEST,
    RESULT,
    SPEC,
    Check,
    anchored_text,
    begin,
    hold,
    identity,
    refuse_change,
    refuse_to_vary,
    write_result,
)
from specc.backend.search.pool import Processes, environments
from specc.backend.search.replay import Replayed, replay
from specc.backend.search.results import as_json
from specc.backend.search.runner import Scope, Search
from specc.backend.search.storage import hidden, refuse_storage
from specc.backend.search.suggest import How, Suggester
from specc.check import Checked, Trainable
from specc.check.variants import Searched
from specc.errors import SpeccError, counted
from specc.report.search import figure_of

PICTURES = {"history": history_figure, "importances": importance_figure, "parallel": parallel_figure}
FORMAT = 1


class Request(NamedTuple):
    """What is asked for.

    trials: in all. seed: of the sampler. seeds: trainings of a trial. against: the cost of the front; "" for none.
    command: for the record.
    """

    trials: int
    sampler: str
    pruner: str
    seed: int
    seeds: int
    workers: int
    storage: str | None
    subset: int | None
    device: str
    data_dir: Path | None
    against: str
    command: tuple[str, ...]


class Given(NamedTuple):
    """What is done for a search by others.

    space: the settings that the spec in the search's folder searches. stored: that spec, with settings on top.
    worker: the command that starts a worker, which is told so much. latency: seconds for one image of a spec's network.
    """

    space: Callable[[], Sequence[Searched]]
    stored: Check
    worker: Callable[[Mapping[str, Any]], Sequence[str]]
    latency: Callable[[Checked], float]


def prepare(folder: Path, checked: Check, space: Sequence[Searched], base: Path, request: Request) -> None:
    """Make the folder of a search, or see that the one that is there is the same search.

    checked: the spec at FILE with settings on top; its relative paths start from `base`.

    Raises SpeccError: E430 no such device, E437 no data, E401 and on from the data; E514 the search varies what it
    is measured by; E516 the folder holds another search, E481 it cannot be written.
    """
    device = find(request.device)
    spec = checked(()).trainable()
    refuse_to_vary(space, spec.train.best)
    dataset = DataSets(request.data_dir, base).of(spec.data)
    figure = selection(spec.train.best, dataset.task.facts).figure
    about = identity(
        spec,
        space,
        data_sha256=dataset.hash,
        sampler=request.sampler,
        pruner=request.pruner,
        seed=request.seed,
        seeds=[spec.train.seed + number for number in range(request.seeds)],
        subset=request.subset,
        device=device.type,
    )
    name = f"{spec.name} {identity_name(about)}"
    head = {
        **about,
        "name": name,
        "specc": __version__,
        "command": list(request.command),
        "figure": figure.name,
        "epochs": _longest(spec, space),
        "threads": max(1, all_threads() // request.workers),
        "storage": hidden(request.storage) if request.storage else None,
        "data_dir": str(request.data_dir.absolute()) if request.data_dir else None,
        "network": spec.name,
        "validated_on": dataset.validated_on,
        "validation_part": dataset.part,
        "has_test": dataset.test is not None,
    }
    lock = hold(folder)
    try:
        begin(folder, Journal(folder), head, anchored_text(checked, space, base, request.data_dir))
    finally:
        lock.release()


def identity_name(about: Mapping[str, Any]) -> str:
    """What a search is called in a shared storage: the same for the same search, wherever it is."""
    from hashlib import sha256

    return sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()[:12]


def _longest(spec: Trainable, space: Sequence[Searched]) -> float:
    """The epochs of the longest training that may be drawn."""
    for searched in space:
        if searched.path == "train.epochs":
            return max(map(float, searched.values)) if searched.values else searched.high
    return spec.train.epochs


def search(folder: Path, request: Request, given: Given, quiet: bool = False) -> tuple[dict[str, Any], int]:
    """Train trials until there are as many as wanted; what search.json holds, and the exit status.

    Raises SpeccError: E512 no Optuna, E515 the storage is refused or does not answer, E517 every trial failed, E516
    another process searches in the folder, E519 no worker can be started.
    """
    need_optuna()
    if request.storage is not None:
        refuse_storage(request.storage)
    opened(folder)
    lock = hold(folder)
    try:
        return _search(folder, request, given, quiet)
    finally:
        lock.release()


def _search(folder: Path, request: Request, given: Given, quiet: bool) -> tuple[dict[str, Any], int]:
    journal, space, began = opened(folder), given.space(), _now()
    bind_storage(journal, request.storage)
    head = journal.head
    figure, device = figure_of(head), find(request.device)
    how = How(
        head["name"],
        head["sampler"],
        head["pruner"],
        head["seed"],
        len(head["seeds"]),
        head["epochs"],
        request.storage,
        f"{socket.gethostname()}:{folder.absolute()}",
    )
    suggester = Suggester(space, how, figure)
    board: Board = Silent() if quiet else Shown(journal, request.trials, figure)
    importances: dict[str, float] = {}

    def found() -> dict[str, Any]:
        about = {
            "format": FORMAT,
            "network": head["network"],
            "command": list(request.command),
            **{name: head[name] for name in ("sampler", "pruner", "seed", "seeds", "subset", "threads", "storage")},
            **{name: head[name] for name in ("validated_on", "validation_part", "has_test", "data_sha256")},
            "wanted": request.trials,
            "workers": request.workers,
            "device": str(device),
            "device_name": describe(device),
            "platform": platform.platform(),
            "versions": _versions(),
            "best_file": str(folder / BEST),
            "started": began,
            "ended": _now(),
        }
        figures = as_json(journal, suggester.elsewhere(), figure, importances, request.against)
        ended = figures["counts"]["running"] == 0 and len(figures["trials"]) >= request.trials
        return about | {"finished": ended} | figures

    scope = Scope(request.trials, tuple(head["seeds"]), head["pruner"])
    pool = Processes(*_processes(folder, folder, head, request, given))

    def keep() -> None:
        write_result(folder, found(), given.stored)

    try:
        status = Search(space, scope, journal, suggester, pool, board, given.stored, keep).run()
        if not status and request.against == "latency":
            _measure_latency(journal, given)
        importances |= suggester.importances()
        result = found()
    finally:
        suggester.close()
    write_result(folder, result, given.stored)
    _draw(folder, result)
    if not status:
        _refuse_failure(result)
    return result, status


def _processes(
    folder: Path, place: Path, head: Mapping[str, Any], request: Request, given: Given
) -> tuple[Sequence[str], list[dict[str, str]], Path]:
    """The workers: their command, their environments, and where they write what else they have to say."""
    about = {
        "spec": str((folder / SPEC).absolute()),
        "place": str(place.absolute()),
        "data_dir": head["data_dir"],
        "device": request.device,
        "subset": head["subset"],
        "command": list(request.command),
    }
    is_free = request.device in ("auto", "cuda") and find(request.device).type == "cuda"
    gpus = torch.cuda.device_count() if is_free else 0
    return given.worker(about), environments(request.workers, head["threads"], gpus), place


def replay_search(folder: Path, out: Path, request: Request, given: Given, quiet: bool) -> tuple[list[Replayed], int]:
    """Train all that a search trained once more into `out`, and compare the weights.

    Raises SpeccError: E516 there is no search in the folder, E518 nothing has been trained, E435 `out` is taken.
    """
    journal = opened(folder)
    if out.exists() and any(out.iterdir()):
        help = "choose another folder with --out, or remove it"
        raise SpeccError("E435", f"{out} is not empty, but a replay begins every training anew", help=help)
    board: Board = Silent() if quiet else Shown(journal, 0, figure_of(journal.head))
    return replay(journal, Processes(*_processes(folder, out, journal.head, request, given)), board)


def opened(folder: Path) -> Journal:
    """The journal of the search in a folder. Raises SpeccError E516 where there is none, or its spec was changed."""
    journal = Journal(folder)
    if not journal.head:
        help = "give the folder of a search; `specc search FILE` begins one"
        raise SpeccError("E516", f"{folder} holds no search: {journal.path.name} is not there", help=help)
    refuse_change(folder, journal.head)
    return journal


def bind_storage(journal: Journal, storage: str | None) -> None:
    """Keep a search where its first trial is. Until then another storage may be given: the first may not have answered.

    Raises SpeccError E516 where a search is continued in another storage than its trials are in.
    """
    head, now = journal.head, hidden(storage) if storage else None
    if head["storage"] == now:
        return
    if not journal.trials:
        journal.write(**head | {"storage": now})
        return
    was = f"in the storage {head['storage']}" if head["storage"] else "without --storage"
    raise SpeccError("E516", f"this search was begun {was}", help="continue it so, or choose another folder with --out")


def _refuse_failure(found: Mapping[str, Any]) -> None:
    """Raise SpeccError E517 where all trials failed."""
    counts = found["counts"]
    if counts[FAILED] and counts[FAILED] == len(found["trials"]):
        first = next(one for one in found["trials"] if one["error"])
        error = first["error"]
        what = f"the first, trial {first['trial']}, with {error['code']}: {error['message']}"
        raise SpeccError(
            "E517",
            f"every trial failed ({counted(counts[FAILED], 'trial')}); {what}",
            help=f"`specc explain {error['code']}` tells what it means; narrow down what `search` tries",
            status=1,
        )


def _measure_latency(journal: Journal, given: Given) -> None:
    """Time the networks of all completed trials, one after the other, now that no worker is at work."""
    for trial in journal.trials.values():
        if trial.state == COMPLETED and trial.latency is None and not trial.same_as:
            journal.write("latency", trial=trial.number, seconds=given.latency(given.stored(trial.sets)))


def _draw(folder: Path, found: dict[str, Any]) -> None:
    with look():
        for name, figure in PICTURES.items():
            save(figure(found), folder / f"{name}.svg")
        front = folder / "front.svg"
        if found["against"]:
            save(front_figure(found), front)
        else:
            front.unlink(missing_ok=True)  # of an earlier command, which asked for it


def files_of(found: Mapping[str, Any]) -> list[str]:
    """The files that a search leaves behind for people."""
    best = [BEST] if found["best"] else []
    pictures = [*PICTURES, *(["front"] if found["against"] else [])]
    return [*best, RESULT, *(f"{name}.svg" for name in pictures)]


def _versions() -> dict[str, str]:
    optuna = need_optuna().__version__
    return {"specc": __version__, "python": platform.python_version(), "torch": torch.__version__, "optuna": optuna}


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
