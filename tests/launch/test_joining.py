"""Processes that something else starts: torchrun on two machines, and SLURM's srun."""

import os
import socket
import sys
from pathlib import Path

import pytest

from tests.helpers.faults import fingerprint
from tests.helpers.launched import Started, steps_of

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the loopback is called lo")


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def test_torchrun_on_two_machines(folder: Path, straight: Path) -> None:
    """Two agents on this one, with two processes each."""
    run, endpoint = folder / "torchrun", f"127.0.0.1:{free_port()}"
    agent = ["torch.distributed.run", "--nnodes", "2", "--nproc-per-node", "2"]
    agent += ["--rdzv-backend", "c10d", "--rdzv-endpoint", endpoint, "--rdzv-id", "small", "--local-addr", "127.0.0.1"]
    training = ["-m", "specc", "train", "small.cnn", "--device", "cpu", "-q", "--out", str(run)]
    more = {"GLOO_SOCKET_IFNAME": "lo"}
    started = [Started(folder, [*agent, *training], more=more) for _ in range(2)]
    ended = [one.end() for one in started]
    assert [one.status for one in ended] == [0, 0], ended
    assert fingerprint(run) == fingerprint(straight)


def tasks(folder: Path, run: Path, fault: str = "") -> list[Started]:
    """What srun starts: a process for each task, told apart by SLURM's variables."""
    slurm = {
        "SLURM_JOB_ID": "4711",
        "SLURM_STEP_ID": "0",
        "SLURM_NTASKS": "3",
        "SLURM_NODELIST": "localhost",
        "SLURM_TASKS_PER_NODE": "3",
        "MASTER_PORT": str(free_port()),
        "GLOO_SOCKET_IFNAME": "lo",
        "PATH": f"{folder}/bin:{os.environ['PATH']}",
    }
    arguments = ["specc", "train", "small.cnn", "--device", "cpu", "-q", "--out", str(run)]
    arguments += ["--checkpoint-signal", "USR2"]
    return [
        Started(folder, arguments, fault, {**slurm, "SLURM_PROCID": str(number), "SLURM_LOCALID": str(number)})
        for number in range(3)
    ]


def test_srun_and_a_job_that_queues_again(folder: Path, straight: Path, tmp_path: Path) -> None:
    """SIGUSR2 at one task saves, stops all and requeues the job; started again, it continues its run."""
    run, program = folder / "slurm", folder / "bin" / "scontrol"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/called\n')
    program.chmod(0o755)
    ended = [one.end() for one in tasks(folder, run, "epoch.middle:9@1=usr2")]
    assert [one.status for one in ended] == [140, 140, 140], ended
    assert (tmp_path / "called").read_text() == "requeue 4711\n"
    assert ended[0].err.endswith("requeued job 4711\n") and [one.err for one in ended[1:]] == ["", ""]
    assert steps_of(run) == [6, 9]
    again = [one.end() for one in tasks(folder, run)]
    assert [one.status for one in again] == [0, 0, 0], again
    assert fingerprint(run) == fingerprint(straight)
