"""A run is gone on with: exactly where it stopped, or with a word on what is otherwise."""

from collections.abc import Mapping
from os.path import realpath
from pathlib import Path
from typing import Any

from specc.backend.data.dataset import DataSet
from specc.backend.memory import memory_explained
from specc.backend.progress import ProgressListener
from specc.backend.ranks import ALONE, Ranks
from specc.backend.run.checkpoint import load_checkpoint, most_bytes, newest_step, restore
from specc.backend.run.environment import ENVIRONMENT, differences, refuse
from specc.backend.run.files import CHECKPOINTS, METRICS
from specc.backend.run.folder import RunFolder
from specc.backend.run.load import read_spec
from specc.backend.run.manifest import OUTCOME, now, read_info, sha256_of
from specc.backend.run.metrics import read_lines
from specc.backend.run.same_data import meaning_of, refuse_other_data, refuse_other_test
from specc.backend.train.compatibility import SAFE, TRAJECTORY, judge, refuse_incompatible
from specc.backend.train.job import Listening, Outcome, Until, carry_out, follow
from specc.backend.train.prepare import Request, prepare
from specc.backend.train.start import anchored
from specc.check import Checked, check
from specc.errors import counted
from specc.source import Source

RESTORE = "restore the data, or start a new run"


def resume(
    path: Path,
    *,
    device: str | None = None,
    data_dir: Path | None = None,
    quiet: bool = False,
    inexact: bool = False,
    spec: Checked | None = None,
    base: Path | None = None,
    dataset: DataSet | None = None,
    listener: ProgressListener | None = None,
    listening: Listening | None = None,
    until: Until | None = None,
    ranks: Ranks = ALONE,
) -> Outcome:
    """Go on with the run at `path` from its newest checkpoint, on the device where it was unless another is given.

    inexact: also where device, versions, threads or precision are others, so that other digits come out; else that is
    refused with E486. spec, base: a changed spec to go on with, and where its relative paths start from. ranks: this
    process among those that train it together; the first one reads and writes the run.

    Raises SpeccError: E438 no checkpoint, E439 no run, E440 its spec has errors, E434 it was changed in its place, E441
    its data have changed, E445 the checkpoint is of another network, E485 another process trains it; and as `train`
    does.
    """
    if not ranks.is_first:
        return _follow(ranks, dataset, until)
    most = most_bytes(read_spec(path, read_info(path)).graph)
    found = load_checkpoint(path / CHECKPOINTS, most) if _has_begun(path, read_info(path)) else None
    with RunFolder(path) as folder:
        info = read_info(path)  # nobody writes now
        folder.meaning = meaning_of(info)
        trained = read_spec(path, info)
        if newest_step(path / CHECKPOINTS) != (found.newest if found else None):
            found = load_checkpoint(path / CHECKPOINTS, most)
        data_dir = data_dir or (Path(info["data_dir"]) if info["data_dir"] else None)
        new = anchored(spec.trainable(), base or Path(info["base"])) if spec else None
        following = info.pop("next", {})
        if following.get("spec_sha256") == sha256_of(trained.source.text):  # it was killed before run.json knew of it
            info |= following
            new, base = new or trained, base or Path(info["base"])
        base, subset = base or Path(info["base"]), info.get("subset")
        judged = []
        if new is not None:
            judged = judge(anchored(trained, Path(info["base"])), new, info["steps_per_epoch"])
            refuse_incompatible(judged, path, new.source.path)
        spec_now, place = new or trained, device or info["device"]
        place = place if ranks.is_alone else str(ranks.device)
        with memory_explained(spec_now, place):
            has_test = until is None
            request = Request(spec_now, place, data_dir, base, subset, dataset, begun=info, test=has_test, ranks=ranks)
            _tell(request)
            job = prepare(request)
        refuse_other_data(path, info, job.about, RESTORE)
        held_out = job.dataset.test
        if held_out and held_out.images is not None:
            refuse_other_test(path, info, held_out, RESTORE)
        changed = [str(one) for one in differences(info, job.about)]
        changed += [str(one) for one in judged if one.kind == TRAJECTORY]
        is_exact = not changed
        if not inexact:
            refuse(changed, path)
        state = job.trainer.state
        notes = restore(state, found, path) if found else []
        if found:
            ranks.broadcast(state.scalars())
            ranks.broadcast_tensors(state.tensors())
        else:
            ranks.broadcast(None)
        folder.sweep(found.scalars["step"] if found else 0)
        if note := folder.restore_metrics(found.scalars["lines"] if found else [], state.lines):
            notes.append(note)
        changed += [str(one) for one in judged if one.kind == SAFE]
        number = _other_number(info, job.about)
        info |= {name: job.about[name] for name in ENVIRONMENT}
        again = {"at": now(), "step": state.step, "exact": is_exact, "changed": changed}
        more: dict[str, Any] = {"resumed": [*info.get("resumed", ()), again]}
        if new is not None:
            more |= {"base": realpath(base), "spec_sha256": sha256_of(new.resolved)}
            folder.write_info(info | {"next": more})  # a run that is killed here has the one spec or the other
            folder.write_spec(new.resolved)
            info |= job.about
        folder.write_info(info | more)
        if found and found.scalars["step"] != state.step:
            folder.pause(state)  # steps are counted otherwise now, and no checkpoint shall stand under another's number
        notes += [*changed, *number]
        notes.append(f"continuing after step {job.trainer.state.step:,} of {job.trainer.total:,}")
        ranks.broadcast(str(path))
        return carry_out(job._replace(notes=notes), folder, read_info(path), quiet, listener, until, listening)


def _other_number(info: Mapping[str, Any], about: Mapping[str, Any]) -> list[str]:
    """A note where another number of processes goes on, to the same bits. info: run.json as it was; about: as it is."""
    before, now = info.get("ranks", {}).get("world", 1), about["ranks"]["world"]
    if before == now or about["ranks"]["across"] != "exact":
        return []
    return [f"{counted(now, 'process')} instead of {before}, with the same result: gradients are added in one order"]


def _tell(request: Request) -> None:
    """Tell the other processes what is trained, so that they need not read the run."""
    spec, subset = request.spec, request.subset
    paths = [None if path is None else str(path.absolute()) for path in (request.data_dir, request.base)]
    request.ranks.broadcast([spec.source.path, spec.resolved, *paths, subset, dict(request.begun or {})])


def _follow(ranks: Ranks, dataset: DataSet | None, until: Until | None) -> Outcome:
    """Take part in a training that the first process resumes."""
    name, text, data_dir, base, subset, info = ranks.broadcast(None)
    spec = check(Source(name, text)).trainable()
    device, folder = str(ranks.device), None if data_dir is None else Path(data_dir)
    job = prepare(Request(spec, device, folder, Path(base), subset, dataset, begun=info, ranks=ranks))
    scalars = ranks.broadcast(None)
    if scalars is not None:
        job.trainer.state.restore(ranks.broadcast_tensors(None), scalars)
    return follow(job, until)


def _has_begun(path: Path, info: Mapping[str, Any]) -> bool:
    """Whether there was a checkpoint ever: not where the training was killed before the one of its first epoch.

    One that starts from other weights has one before its first step: without it, it would be another training.
    """
    is_young = (path / METRICS).exists() and len(list(read_lines(path / METRICS))) < 2
    is_fresh = is_young and info.get("start") is None and not any(name in info for name in OUTCOME)
    return any((path / CHECKPOINTS).glob("*.json")) or not is_fresh
