"""SLURM: the processes that srun starts take their places from its environment, and a job that has to end queues again.

A `Ranks` joins by torchrun's variables (`backend/ranks.py`); here they are derived from SLURM's.
"""

import re
import shutil
import subprocess
from collections.abc import Mapping

from specc.errors import SpeccError

PORT = 29_500  # torchrun's; a job adds to it, so that two jobs on one machine do not meet
PORTS = 20_000
HOSTS = ("SLURM_STEP_NODELIST", "SLURM_NODELIST", "SLURM_JOB_NODELIST")
ITEM = re.compile(r"(?:[^,\[\]]|\[[^\]]*\])+")  # one of several hosts: gpu[01-03,7]
RANGES = re.compile(r"\[([^\],-]*)[^\]]*\]")
COUNTS = re.compile(r"(\d+)(?:\(x(\d+)\))?")
LONGEST = 60  # seconds that scontrol may take


def task_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """torchrun's variables for a task of srun; none where this process is not one of several tasks."""
    tasks = environment.get("SLURM_STEP_NUM_TASKS") or environment.get("SLURM_NTASKS") or "1"
    if "RANK" in environment or "SLURM_PROCID" not in environment or tasks == "1":
        return {}
    hosts = next((environment[name] for name in HOSTS if environment.get(name)), "")
    job = environment.get("SLURM_JOB_ID", "")
    port = PORT + (int(job) % PORTS if job.isdecimal() else 0)
    return {
        "RANK": environment["SLURM_PROCID"],
        "WORLD_SIZE": tasks,
        "LOCAL_RANK": environment.get("SLURM_LOCALID", "0"),
        "LOCAL_WORLD_SIZE": _local_tasks(environment) or tasks,
        "MASTER_ADDR": environment.get("MASTER_ADDR") or first_host(hosts) or "localhost",
        "MASTER_PORT": environment.get("MASTER_PORT") or str(port),
    }


def first_host(hosts: str) -> str:
    """The first of SLURM's list of hosts: `gpu07` of `gpu[07-09,12],big1`; "" of an empty list."""
    item = ITEM.match(hosts)
    return RANGES.sub(r"\1", item[0]) if item else ""


def _local_tasks(environment: Mapping[str, str]) -> str:
    """How many tasks this machine has: of `2(x3),1` the first three have two, the last has one. "" if unknown."""
    name = "SLURM_STEP_TASKS_PER_NODE" if "SLURM_STEP_TASKS_PER_NODE" in environment else "SLURM_TASKS_PER_NODE"
    counts: list[str] = []
    for tasks, times in COUNTS.findall(environment.get(name, "")):
        counts += [tasks] * int(times or 1)
    node = environment.get("SLURM_NODEID", "0")
    return counts[int(node)] if node.isdecimal() and int(node) < len(counts) else ""


def requeue(environment: Mapping[str, str]) -> str:
    """Put the job back into SLURM's queue, where there is one; what was done, in words.

    Raises SpeccError E510 where SLURM does not take it.
    """
    job = environment.get("SLURM_JOB_ID")
    if not job:
        return ""
    program = shutil.which("scontrol")
    try:
        if program is None:
            raise OSError("there is no program `scontrol`")
        done = subprocess.run(  # noqa: S603
            [program, "requeue", job], capture_output=True, text=True, timeout=LONGEST, check=False
        )
        why = (done.stderr or done.stdout).strip() or f"exit status {done.returncode}" if done.returncode else ""
    except (OSError, subprocess.TimeoutExpired) as error:
        why = str(error)
    if why:
        message = f"SLURM did not requeue job {job}: {why}"
        raise SpeccError("E510", message, help="the checkpoint is there: submit the job again, with --resume RUN")
    return f"requeued job {job}"
