"""`specc train --devices N`: torchrun's agent starts processes on this machine, and starts them again where they die.

Each process is the same command line once more. What it finds in its environment makes it one of several.
"""

import logging
import os
import shlex
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple
from uuid import uuid4

from torch.distributed.elastic.agent.server.api import RunResult, WorkerGroup, WorkerSpec
from torch.distributed.elastic.agent.server.local_elastic_agent import LocalElasticAgent
from torch.distributed.elastic.multiprocessing import DefaultLogsSpecs, SignalException
from torch.distributed.elastic.rendezvous import RendezvousParameters
from torch.distributed.elastic.rendezvous import registry as meeting

from specc.backend.launch.watch import ERROR, HUNG, LAUNCHER, LOST, LOST_STATUS, SHARDS, STOPPED, Outcome, problem
from specc.backend.run.again import step_of
from specc.errors import counted
from specc.faults import STARTS

STOPPING = 600  # seconds that processes may take to save after a signal
FRUITLESS = 2  # deaths in a row without a new checkpoint, after which fewer processes go on
KILL = getattr(signal, "SIGKILL", 9)


class Ending(NamedTuple):
    """How the processes ended. status: of all. died: what befell one of them, if it may go on; "" if all is said."""

    status: int
    died: Outcome | None = None


class Job(NamedTuple):
    """What is started. arguments: of `specc`. shards: of the training, which the number of processes divides.

    run: finds the run of a job by the job's name, once there is one.
    """

    arguments: Sequence[str]
    shards: int
    run: Callable[[str], Path | None]


def launch(job: Job, count: int, max_restarts: int) -> int:
    """Train with `count` processes. Gives the exit status of all.

    Where one dies or hangs, the others end, and all are started again `max_restarts` times: they resume the run, or
    begin again where there is no checkpoint yet. After `FRUITLESS` deaths without a new checkpoint in between, fewer
    are started, as many as divide the shards.

    Raises SpeccError: E507 one died, E508 one hangs.
    """
    name = uuid4().hex
    before, fruitless = _step(job.run(name)), 0
    for starts in range(max_restarts + 1):
        ending = _processes(job, count, name, starts)
        if ending.died is None:
            return ending.status
        run = job.run(name)
        step = _step(run)
        fruitless, before = (fruitless + 1 if step == before else 0), step
        if starts == max_restarts:
            raise problem(ending.died, _help(run, step, count))
        fewer = _fewer(job.shards, count) if fruitless >= FRUITLESS else count
        _say(ending.died, step, f"restart {starts + 1} of {max_restarts}", count, fewer)
        if fewer < count:
            count, fruitless = fewer, 0
    raise AssertionError  # the last start has returned


def _fewer(shards: int, count: int) -> int:
    """The next smaller number of processes that divides the shards; the same where one is left."""
    return next((fewer for fewer in range(count - 1, 0, -1) if shards % fewer == 0), count)


def _step(run: Path | None) -> int | None:
    return None if run is None else step_of(run)


def _say(died: Outcome, step: int | None, which: str, count: int, fewer: int) -> None:
    goes_on = "starting again" if step is None else f"resuming after step {step:,}"
    with_count = f"with {counted(fewer, 'process')}"
    if fewer < count:
        with_count += f" instead of {count}, which made no progress {FRUITLESS} times in a row"
    print(f"{died.text}; {goes_on} {with_count} ({which})", file=sys.stderr, flush=True)


def _help(run: Path | None, step: int | None, count: int) -> str:
    by_itself = "--max-restarts 3 does so by itself"
    if run is None or step is None:
        return f"there is no checkpoint yet: start again; {by_itself}"
    again = f"specc train --resume {shlex.quote(str(run))} --devices {count}"
    return f"to continue after step {step:,}: {again}; {by_itself}"


class _Agent(LocalElasticAgent):
    """torchrun's agent, which knows the processes that it has started."""

    pids: Mapping[int, Any] = {}

    def _start_workers(self, worker_group: WorkerGroup) -> dict[int, Any]:
        started: dict[int, Any] = super()._start_workers(worker_group)
        self.pids = started
        return started

    def kill(self) -> None:
        """End the processes that a second signal has left, each with those that it has started."""
        for pid in self.pids.values():
            with suppress(ChildProcessError, ProcessLookupError):
                if os.waitpid(pid, os.WNOHANG) == (0, 0):
                    os.killpg(pid, KILL)


def _processes(job: Job, count: int, name: str, starts: int) -> Ending:
    """Start processes, and wait until all have ended."""
    with _environment(count, job.shards, starts), _handlers(), TemporaryDirectory(prefix="specc-") as logs:
        parameters = RendezvousParameters("c10d", "localhost:0", name, 1, 1, local_addr="localhost")
        handler = meeting.get_rendezvous_handler(parameters)
        arguments = [argument.replace("$", "$$") for argument in job.arguments]  # the agent fills in what it knows
        spec = WorkerSpec(
            role="specc",
            local_world_size=count,
            entrypoint=sys.executable,
            args=("-m", "specc", *arguments),
            rdzv_handler=handler,
            max_restarts=0,
            monitor_interval=0.1,
            local_addr="localhost",
        )
        agent = _Agent(spec, DefaultLogsSpecs(log_dir=logs), shutdown_timeout=STOPPING)
        try:
            return _ending(agent.run(), count)
        except SignalException as stopped:
            agent.kill()
            return Ending(128 + stopped.sigval)
        finally:
            handler.shutdown()


def _ending(result: RunResult, count: int) -> Ending:
    """What became of processes that have all ended, some of them with a failure."""
    if not result.is_failed():
        return Ending(0)
    codes = {rank: failure.exitcode for rank, failure in result.failures.items()}
    told = [_told(failure.error_file_data) for failure in result.failures.values()]
    outcome = next((one for one in told if one is not None), None)
    if outcome is not None and outcome.kind == HUNG:
        return Ending(2, outcome)
    killed = [rank for rank, code in codes.items() if code < 0 and code != -signal.SIGTERM]
    is_stopped = outcome is not None and outcome.kind == STOPPED and not killed  # the agent stops what a death leaves
    if outcome is not None and (outcome.kind == ERROR or is_stopped):
        return Ending(outcome.status)
    failed = [rank for rank, code in codes.items() if code > 0 and code != LOST_STATUS]
    rank = [*killed, *failed, *codes][0]
    if codes[rank] < 0:
        text = f"rank {rank} of {count} was killed ({signal.Signals(-codes[rank]).name})"
    else:
        text = f"rank {rank} of {count} ended with exit status {codes[rank]}"
    return Ending(2, Outcome(LOST, rank, rank, 2, text))


def _told(data: Mapping[str, Any]) -> Outcome | None:
    """What a process has left of why the training ended."""
    message = data.get("message")
    if not isinstance(message, dict) or "kind" not in message.get("extraInfo", {}):
        return None
    about = message["extraInfo"]
    text = str(message["message"]).partition(": ")[2]
    return Outcome(about["kind"], about["rank"], about["rank"], message["errorCode"], text)


@contextmanager
def _environment(count: int, shards: int, starts: int) -> Iterator[None]:
    """What the processes find besides what the agent tells them."""
    threads = max((os.cpu_count() or 1) // count, 1)
    mine = {
        "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", str(threads)),
        LAUNCHER: str(os.getpid()),
        STARTS: str(starts),
        SHARDS: str(shards),
        "TORCHELASTIC_SIGNALS_TO_HANDLE": "SIGTERM,SIGINT",
        "TORCH_CPP_LOG_LEVEL": os.environ.get("TORCH_CPP_LOG_LEVEL", "ERROR"),
    }
    if sys.platform == "linux":  # nothing outside this machine takes part
        mine["GLOO_SOCKET_IFNAME"] = os.environ.get("GLOO_SOCKET_IFNAME", "lo")
    before = {name: os.environ.get(name) for name in mine}
    os.environ.update(mine)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextmanager
def _handlers() -> Iterator[None]:
    """The agent takes signals over, and prints much for programmers; both end here."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)
        for number, handler in before.items():
            signal.signal(number, handler)
