"""How many processes `specc train` is: this one, those that it starts, or one of torchrun's or srun's."""

import os
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from specc.cli.shards import shards_of, with_shards
from specc.cli.training import Request
from specc.errors import SpeccError

if TYPE_CHECKING:
    from specc.backend.ranks import Ranks

HANGS = 60.0  # seconds
TAKEN = ("INT", "TERM", "KILL", "STOP", "USR1")  # signals that mean something else; USR1 is NCCL's

Work = Callable[["Ranks | None"], int]


class Several(NamedTuple):
    """The options for several processes, as they are given."""

    devices: str | None
    max_restarts: int | None
    hang_timeout: float | None


def carry_out(request: Request, several: Several, out: Path | None, run: Path | None, work: Work) -> int:
    """Train, in as many processes as are asked for. Gives the exit status.

    out: the folder of the new run, where it is given. run: the one that is resumed. work: what a process does; it is
    given its `Ranks` where there are several.
    """
    from specc.backend.launch.member import as_member, is_member

    limit = several.hang_timeout or HANGS
    if is_member(several.devices is not None):
        _refuse_starting(several)
        warn_of_restarts(os.environ)
        return as_member(_device(request, run), limit, work)
    if several.devices is None and several.max_restarts is None:
        if several.hang_timeout is not None:
            message = "--hang-timeout only works with several processes"
            raise SpeccError("E475", message, help="specc train FILE --devices 4 --hang-timeout 120")
        return work(None)
    return _start(request, several, out, run)


def _refuse_starting(several: Several) -> None:
    """Raise SpeccError E475 where a process that was started by something else is to start processes."""
    from specc.backend.launch.watch import is_launched

    for option, value in (("--devices", several.devices), ("--max-restarts", several.max_restarts)):
        if value is not None and not is_launched():
            message = f"{option} cannot be combined with torchrun or srun, which start the processes"
            raise SpeccError("E475", message, help=f"remove {option}, or start without torchrun and srun")


def warn_of_restarts(environment: Mapping[str, str]) -> None:
    """Say, once, where torchrun is to start processes again: those may wait for each other without an end."""
    restarts = environment.get("TORCHELASTIC_MAX_RESTARTS", "0")
    if restarts in ("", "0") or environment.get("RANK") != "0" or environment.get("TORCHELASTIC_RESTART_COUNT") != "0":
        return
    message = f"warning: torchrun was given --max-restarts {restarts}: processes that it starts again may hang"
    print(f"{message}; leave it at 0, and start the same line again after a death", file=sys.stderr)
    print("on one machine, `specc train FILE --devices N --max-restarts K` restarts them", file=sys.stderr)


def _start(request: Request, several: Several, out: Path | None, run: Path | None) -> int:
    """Check what can be checked before, and start the processes."""
    from specc.backend.launch.devices import process_count
    from specc.backend.launch.start import Job, launch
    from specc.backend.run.again import begun_run
    from specc.backend.run.folder import refuse_taken
    from specc.backend.train.processes import refuse_world
    from specc.backend.train.start import anchored

    count = process_count("1" if several.devices is None else several.devices, _device(request, run))
    shards = shards_of(run) if run else 0
    name = ""
    if request.file is not None:
        checked = request.check(lint=False)  # the first process prints them
        if checked is not None:
            checked = with_shards(request.check_again, checked, shards or count)
        if checked is None:
            return 1
        shards, name = checked.trainable().train.shards, checked.name
        if out is not None:
            refuse_taken(out, anchored(checked.trainable(), request.where["base"]).resolved)
    refuse_world(shards, count)

    def find(job: str) -> Path | None:
        return run or begun_run(job, out, name)

    return launch(Job(sys.argv[1:], shards, find), count, several.max_restarts or 0)


def _device(request: Request, run: Path | None) -> str:
    """The kind of device that is asked for, or that the run was on."""
    if request.device is not None or run is None:
        return request.device or "auto"
    from specc.backend.run.manifest import read_info

    return str(read_info(run)["device"]).partition(":")[0]


def signal_called(name: str) -> signal.Signals:
    """The signal that --checkpoint-signal names, with or without SIG. Raises SpeccError E483 for one that is taken."""
    short = name.upper().removeprefix("SIG")
    found = getattr(signal, f"SIG{short}", None)
    if not isinstance(found, signal.Signals) or short in TAKEN:
        why = "NCCL uses it" if short == "USR1" else "it means something else" if short in TAKEN else "there is none"
        message = f"--checkpoint-signal {name} is not possible: {why}"
        raise SpeccError("E483", message, help="--checkpoint-signal USR2, and #SBATCH --signal=USR2@120")
    return found


def requeueing(work: Work, name: str) -> Work:
    """Work that also stops at a signal, after which the SLURM job goes back into its queue."""
    number = signal_called(name)

    def then(ranks: "Ranks | None") -> int:
        from specc.backend.interrupt import Interrupt
        from specc.backend.launch.slurm import requeue

        with Interrupt((number,)):
            status = work(ranks)
        if status == 128 + number and (ranks is None or ranks.is_first):
            told = requeue(os.environ)
            if told:
                print(told, file=sys.stderr)
        return status

    return then
