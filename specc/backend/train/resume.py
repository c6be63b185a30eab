"""A run is gone on with: exactly where it stopped, or with a word on what is otherwise."""

from pathlib import Path

from specc.backend.data.dataset import DataSet
from specc.backend.train.changed import SAFE, TRAJECTORY, judge, refuse_incompatible
from specc.backend.train.checkpoint import load_checkpoint, newest_step, restore
from specc.backend.train.folder import RunFolder
from specc.backend.train.job import Outcome, Until, carry_out, now, prepare, sections, sha256_of
from specc.backend.train.progress import Watcher
from specc.backend.train.run import CHECKPOINTS, METRICS, read_info, read_lines, read_spec
from specc.backend.train.same import ENVIRONMENT, differences, refuse
from specc.check import Checked
from specc.errors import SpeccError


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
    watcher: Watcher | None = None,
    until: Until | None = None,
) -> Outcome:
    """Go on with the run at `path` from its newest checkpoint, on the device where it was unless another is given.

    inexact: also where device, versions, threads or precision are others, so that other digits come out; else that is
    refused with E486. spec, base: a changed spec to go on with, and where its relative paths start from.

    Raises SpeccError: E438 no checkpoint, E439 no run, E440 its spec has errors, E441 its data have changed, E445 the
    checkpoint is of another network, E485 another process trains it; and as `train` does.
    """
    read_info(path)
    read_spec(path)
    found = load_checkpoint(path / CHECKPOINTS) if _has_begun(path) else None
    with RunFolder(path) as folder:
        info, checked = read_info(path), read_spec(path)  # nobody writes now
        if newest_step(path / CHECKPOINTS) != (found.newest if found else None):
            found = load_checkpoint(path / CHECKPOINTS)
        data_dir = data_dir or (Path(info["data_dir"]) if info["data_dir"] else None)
        base, subset = base or Path(info["base"]), info.get("subset")
        judged = []
        if spec is not None:
            sections(spec)
            judged = judge(checked, spec, info["steps_per_epoch"])
            refuse_incompatible(judged, path, spec.source.path)
            checked = spec
        job = prepare(checked, device or info["device"], data_dir, base, subset, dataset, info)
        if job.about["data_sha256"] != info["data_sha256"]:
            raise SpeccError(
                "E441",
                f"the data of {path} have changed since it began",
                help="bring back the data, or begin a new run",
                status=1,
            )
        changed = [str(one) for one in differences(info, job.about)]
        changed += [str(one) for one in judged if one.kind == TRAJECTORY]
        is_exact = not changed
        if not inexact:
            refuse(changed, path)
        state = job.loop.state
        notes = restore(state, found, path) if found else []
        folder.sweep(found.scalars["step"] if found else 0)
        folder.cut_metrics(state.step, state.per_epoch)
        changed += [str(one) for one in judged if one.kind == SAFE]
        info |= {name: job.about[name] for name in ENVIRONMENT}
        if spec is not None:
            folder.write_spec(spec.resolved)
            info |= {**job.about, "base": str(base.resolve()), "spec_sha256": sha256_of(spec.resolved)}
        again = {"at": now(), "step": state.step, "exact": is_exact, "changed": changed}
        folder.write_info(info | {"resumed": [*info.get("resumed", ()), again]})
        if found and found.scalars["step"] != state.step:
            folder.pause(state)  # steps are counted otherwise now, and no checkpoint shall stand under another's number
        notes += changed
        notes.append(f"going on after step {job.loop.state.step:,} of {job.loop.total:,}")
        return carry_out(job._replace(notes=notes), folder, read_info(path), quiet, watcher, until)


def _has_begun(path: Path) -> bool:
    """Whether there was a checkpoint ever: not where the training was killed before the one of its first epoch."""
    is_young = (path / METRICS).exists() and len(list(read_lines(path / METRICS))) < 2
    return any((path / CHECKPOINTS).glob("*.json")) or not is_young
