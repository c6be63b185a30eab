"""Processes that are started again find the run that they have begun, by the name of their job in run.json."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from specc.backend.run.checkpoint import newest_step
from specc.backend.run.files import CHECKPOINTS
from specc.backend.run.manifest import read_info
from specc.errors import SpeccError

UNNAMED = "none"  # torchrun's word where --rdzv-id is not given
JOB = "job"


def job_name(environment: Mapping[str, str]) -> str:
    """What names a job, also after its processes were started again: torchrun's name or SLURM's number; "" if
    nothing does."""
    name = environment.get("TORCHELASTIC_RUN_ID", UNNAMED)
    if name != UNNAMED:
        return name
    job = environment.get("SLURM_JOB_ID")
    return f"slurm {job}.{environment.get('SLURM_STEP_ID', '0')}" if job else ""


def about_job(environment: Mapping[str, str]) -> dict[str, Any]:
    """What run.json keeps of it."""
    name = job_name(environment)
    return {JOB: name} if name else {}


def begun_run(job: str, out: Path | None, name: str, spec_sha256: str | None = None) -> Path | None:
    """The newest run that a job has begun: `out`, or one of `runs/NAME-N`; None where there is none.

    spec_sha256: of a run with this spec only.
    """
    for path in [out] if out else _newest_first(Path("runs"), name):
        try:
            info = read_info(path)
        except SpeccError:  # none yet, or not a whole one
            continue
        if job and info.get(JOB) == job and spec_sha256 in (None, info.get("spec_sha256")):
            return path
    return None


def step_of(path: Path) -> int | None:
    """The step of a run's newest checkpoint; None where there is none."""
    return newest_step(path / CHECKPOINTS)


def _newest_first(folder: Path, name: str) -> Iterator[Path]:
    numbers = [path.name.removeprefix(f"{name}-") for path in folder.glob(f"{name}-*")]
    for number in sorted((int(number) for number in numbers if number.isdecimal()), reverse=True):
        yield folder / f"{name}-{number}"
