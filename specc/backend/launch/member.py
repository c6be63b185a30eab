"""One of several processes that train together: it joins, works, and ends as all of them end.

Rank 0 prints. The others are silent unless they are the first to fail: then their message is the training's, and names
them, unless all fail alike. Whatever ends one ends all.
"""

import atexit
import os
import signal
import sys
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager, suppress
from types import FrameType
from typing import NoReturn

import torch.distributed as dist

from specc.backend.launch.slurm import task_environment
from specc.backend.launch.watch import ERROR, LOST_STATUS, STOPPED, Outcome, Watch, problem
from specc.backend.ranks import Ranks, join, leave
from specc.errors import SpeccError

OWN = ("E448",)  # codes of problems that one process may have alone: too little memory
CONNECTIONS = ("gloo", "Connection", "Broken pipe", "Socket", "NCCL")


def is_member(starts: bool, environment: MutableMapping[str, str] = os.environ) -> bool:
    """Whether torchrun, srun or `--devices` started this process; the environment then has torchrun's variables.

    starts: it is to start processes itself, as a batch script of SLURM may, which has a job's variables, too.
    """
    if not starts or "SLURM_STEP_ID" in environment:
        environment.update(task_environment(environment))
    return "RANK" in environment and "WORLD_SIZE" in environment


def as_member(device: str, limit: float, work: Callable[[Ranks], int]) -> int:
    """Do the work of one of the processes. Gives the exit status, the same on all of them.

    device: as `ranks.join` takes it. limit: seconds after which a process that does not answer hangs.
    """
    watch = Watch(os.environ, limit)
    before = signal.signal(signal.SIGTERM, _end)
    with _silenced(watch.rank > 0):
        try:
            ranks = join(device, store=watch.start())
            status = work(ranks)
            if status:
                if watch.rank:  # the first one still has files to write
                    watch.wait_for_first()
                _stop(watch, status)
            else:
                signal.signal(signal.SIGTERM, before)
                watch.leave()
                leave(ranks)
        except (SystemExit, KeyboardInterrupt) as error:
            _stop(watch, 130 if isinstance(error, KeyboardInterrupt) else _status(error))
            raise
        except Exception as error:
            failure = _failure(watch, error)
            if failure is error:
                raise
            raise failure from error
        return status


def _end(number: int, frame: FrameType | None) -> NoReturn:
    """SIGTERM ends the process as Ctrl-C does, with its own exit status, where no training waits for it."""
    raise SystemExit(128 + number)


@contextmanager
def _silenced(wanted: bool) -> Iterator[None]:
    """While it is entered, nothing is printed; exceptions are told outside."""
    if not wanted:
        yield
        return
    before = sys.stdout, sys.stderr
    with open(os.devnull, "w", encoding="utf-8") as nothing:  # noqa: PTH123
        sys.stdout = sys.stderr = nothing
        try:
            yield
        finally:
            sys.stdout, sys.stderr = before


def _status(error: SystemExit) -> int:
    return error.code if isinstance(error.code, int) else 2


def _stop(watch: Watch, status: int) -> None:
    """All end with this status."""
    watch.end(Outcome(STOPPED, watch.rank, watch.rank, status))
    _leave_at_once(watch, status)


def _failure(watch: Watch, error: Exception) -> BaseException:
    """What to raise for an exception, which ends all, unless it only follows from what befell another process."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # which the agent sends as soon as another one has ended
    known, is_of_all = watch.outcome, False
    if is_lost_connection(error):
        known = known or watch.why_lost()
    else:
        watch.tell_failure(str(error))
        is_of_all = _is_of_all(error, watch)  # before the others are told to end
        known = known or watch.outcome
    if known is None:
        status = error.status if isinstance(error, SpeccError) else 2
        known = watch.end(Outcome(ERROR, watch.rank, watch.rank, status, str(error)))
    if known.kind in (ERROR, STOPPED):
        _leave_at_once(watch, known.status)
        if known.rank != watch.rank:
            return SystemExit(known.status)
        return error if is_of_all else _named(error, watch)
    _leave_at_once(watch, LOST_STATUS)
    speaks = known.teller == watch.rank and not watch.launcher
    return problem(known) if speaks else SystemExit(LOST_STATUS)


def is_lost_connection(error: BaseException) -> bool:
    """Whether an exchange failed because another process is gone."""
    if isinstance(error, dist.DistError):
        return True
    return isinstance(error, RuntimeError) and any(word in str(error) for word in CONNECTIONS)


def _is_of_all(error: Exception, watch: Watch) -> bool:
    """Whether a problem is the training's rather than this process's: rank 0 looks on behalf of all, or all have it."""
    if watch.world == 1:
        return True
    if not isinstance(error, SpeccError) or error.code in OWN:
        return False
    return watch.rank == 0 or watch.all_failed(str(error))


def _named(error: Exception, watch: Watch) -> Exception:
    """The error with the process that it befell."""
    who = f"on rank {watch.rank} of {watch.world}"
    if isinstance(error, SpeccError):
        return SpeccError(error.code, [*error.message.split("\n"), who], help=error.help, status=error.status)
    print(f"{who}:", file=sys.__stderr__)
    return error


def _leave_at_once(watch: Watch, status: int) -> None:
    """Once Python ends, end the process: what waits for others in a destructor must not hold it up."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # it ends, and may have something to say before
    watch.leave()

    def end() -> None:
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                stream.flush()
        os._exit(status)

    atexit.register(end)
