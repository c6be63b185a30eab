"""Trainings by several processes: PyTorch is imported once, and the processes are forks that meet over gloo.

    python ranked.py FOLDER      does what FOLDER/jobs.json lists, in order; the first so many processes take part

A test module calls `carry_out` once, with all of its jobs.
"""

import json
import os
import subprocess
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
import torch.distributed as dist

from specc.backend.data.dataset import DataSet, load
from specc.backend.data.subset import subset_of
from specc.backend.ranks import ALONE, Ranks
from specc.backend.run.checkpoint import load_checkpoint
from specc.backend.run.files import CHECKPOINTS
from specc.backend.train.job import train
from specc.backend.train.resume import resume
from specc.check import check
from specc.source import Source

PROJECT = Path(__file__).parents[2]
PROCESSES = 4
SECONDS = 900  # which no module takes
TIMED = ("seconds", "images_per_second")
DIGITS = "data { source = digits }\nnetwork Any { flatten -> dense(10) }\n"
CPU = torch.device("cpu")


class Job(NamedTuple):
    """A training. run: its name. world: of so many processes. spec: None to resume the run. until: a step to pause
    after. subset: train on so many images only. base: the folder of the data, where they are not digits. memory: that
    the images may take, as SPECC_MEMORY says it."""

    run: str
    world: int
    spec: str | None = None
    until: int | None = None
    subset: int | None = None
    base: str | None = None
    memory: str | None = None


def carry_out(folder: Path, jobs: Sequence[Job]) -> None:
    """Do the jobs, in their order, with runs in `folder`."""
    (folder / "jobs.json").write_text(json.dumps(jobs))
    environment = {**os.environ, "PYTHONPATH": str(PROJECT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, __file__, str(folder)],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def bits_of(run: Path) -> dict[str, Any]:
    """All tensors of a run's newest checkpoint as bytes, by their names, and its lines without what a clock says."""
    checkpoint = load_checkpoint(run / CHECKPOINTS)
    lines = [{name: line[name] for name in line if name not in TIMED} for line in checkpoint.scalars["lines"]]
    tensors = {name: value.numpy().tobytes() for name, value in checkpoint.tensors.items()}
    return tensors | {"step": checkpoint.scalars["step"], "lines": lines}


def _work(folder: Path, rank: int, dataset: DataSet, jobs: Sequence[Job]) -> None:
    """What one of the processes does."""
    store = dist.FileStore(  # type: ignore[attr-defined]
        str(folder / "store"), PROCESSES
    )
    dist.init_process_group("gloo", store=store, rank=rank, world_size=PROCESSES)
    groups = {world: dist.new_group(list(range(world))) for world in range(2, PROCESSES + 1)}
    for job in jobs:
        if rank < job.world:
            ranks = ALONE if job.world == 1 else Ranks(rank, job.world, rank, job.world, CPU, groups[job.world])
            until = None if job.until is None else (lambda per_epoch, total, job=job: job.until)
            where: dict[str, Any] = {"device": "cpu", "quiet": True, "until": until, "ranks": ranks}
            os.environ.pop("SPECC_MEMORY", None)
            if job.memory is not None:
                os.environ["SPECC_MEMORY"] = job.memory
            if job.base is None:
                where["dataset"] = dataset if job.subset is None else subset_of(dataset, job.subset)
            if job.spec is None:
                resume(folder / job.run, **where)
            else:
                base = folder if job.base is None else Path(job.base)
                train(check(Source("test.cnn", job.spec)), out=folder / job.run, base=base, **where)
        dist.barrier()
    dist.destroy_process_group()


def main() -> int:
    folder = Path(sys.argv[1])
    jobs = [Job(*job) for job in json.loads((folder / "jobs.json").read_text())]
    dataset = load(check(Source("test.cnn", DIGITS)).trainable().data)
    children = []
    for rank in range(PROCESSES):
        child = os.fork()
        if child == 0:
            try:
                _work(folder, rank, dataset, jobs)
                os._exit(0)
            except BaseException:  # noqa: BLE001 - the parent is told
                traceback.print_exc()
                sys.stderr.flush()
                os._exit(1)
        children.append(child)
    return max(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children)


if __name__ == "__main__":
    sys.exit(main())
