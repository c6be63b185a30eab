"""The watch that each of several processes keeps: it tells the others that it lives, and notices those that do not.

A thread of its own beats, so that neither a long step nor a compiler looks like a standstill; what stops is a process
that the system has stopped, or that is gone with its machine. The processes meet in torch's store of keys and values.
"""

import json
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any, NamedTuple

from torch.distributed import PrefixStore, Store, TCPStore  # type: ignore[attr-defined]

from specc.errors import SpeccError
from specc.render import render_error

INTERVAL = 1.0  # seconds between beats
LATE = 3.0  # seconds; a look that comes later was held up itself, and says nothing about the others
GRACE = 5.0  # seconds that the main thread has to end by itself, once another process has ended the training
ORPHANED = 30.0  # seconds to save and stop, once the launcher is gone
STORE = 20.0  # seconds in which the store has to answer
MEETING = 600.0  # seconds in which all processes have to be there

ERROR, STOPPED, HUNG, LOST = "error", "stopped", "hung", "lost"
LOST_STATUS = 75  # of a process that only ends because another one is gone
RESUME = "`specc train --resume RUN` continues from the newest checkpoint; with --max-restarts that happens by itself"
ERROR_FILE = "TORCHELASTIC_ERROR_FILE"
LAUNCHER = "SPECC_LAUNCHER"  # the process of `specc train --devices`
SHARDS = "SPECC_SHARDS"  # train.shards, where the spec does not set it


class Outcome(NamedTuple):
    """What ends a training of several processes before its time.

    kind: ERROR, STOPPED by a signal, HUNG, or LOST: gone without a word. rank: whom it befell. teller: who noticed.
    """

    kind: str
    rank: int
    teller: int
    status: int
    text: str = ""


def problem(outcome: Outcome, help: str = RESUME) -> SpeccError:
    """E507 for a process that is gone, E508 for one that hangs."""
    return SpeccError("E508" if outcome.kind == HUNG else "E507", outcome.text, help=help)


class Watch:
    """Keeps watch from `start` to `leave`. limit: seconds without a beat after which a process hangs."""

    def __init__(self, environment: Mapping[str, str], limit: float) -> None:
        self.rank, self.world = int(environment["RANK"]), int(environment["WORLD_SIZE"])
        self.address = environment.get("MASTER_ADDR", "localhost"), int(environment.get("MASTER_PORT", "0"))
        self.is_hosted = environment.get("TORCHELASTIC_USE_AGENT_STORE") == "True"  # else rank 0 hosts the store
        self.launcher = int(environment.get(LAUNCHER, "0"))
        self.starts = environment.get("TORCHELASTIC_RESTART_COUNT", "0")
        self.limit = limit
        self.parent = self.launcher or os.getppid()
        self.outcome: Outcome | None = None
        self._store: Store | None = None
        self._host: Store | None = None
        self._over = threading.Event()
        self._count = 0
        self._beats: dict[int, str] = {}
        self._seen: dict[int, float] = {}
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    def start(self) -> None:
        """Begin, before anything that may fail; rank 0 opens the store, unless the launcher has."""
        if not self.is_hosted and self.rank == 0:
            host, port = self.address
            try:
                self._host = TCPStore(host, port, self.world, True, wait_for_workers=False, multi_tenant=True)
            except (RuntimeError, ValueError, OSError) as error:
                message = f"rank 0 cannot listen at {host}:{port}: {str(error).splitlines()[0]}"
                raise SpeccError("E505", message, help="set MASTER_PORT to a free port, on all machines") from error
        self._thread.start()

    def end(self, outcome: Outcome) -> Outcome:
        """Tell the others that the training ends. Gives the outcome that was told first, this one or another."""
        self.outcome = self.outcome or self._tell(outcome) or outcome
        return self.outcome

    def leave(self) -> None:
        """Part from the others: from now on nobody waits for this process."""
        self._over.set()
        if self._store is not None:
            _quietly(self._store.set, f"beat/{self.rank}", "done")

    def wait_for(self, rank: int, seconds: float = MEETING) -> None:
        """Wait until a process has left, or an outcome is told."""
        deadline = time.monotonic() + seconds
        while self._store is not None and self.outcome is None and time.monotonic() < deadline:
            if self._beats.get(rank) == "done" or not self._thread.is_alive():
                return
            time.sleep(INTERVAL / 10)

    def why_lost(self) -> Outcome:
        """What is behind a connection that broke: what another process told, or which processes are silent."""
        deadline = time.monotonic() + GRACE
        while self.outcome is None and time.monotonic() < deadline:
            time.sleep(INTERVAL / 10)
        if self.outcome is not None:
            return self.outcome
        now = time.monotonic()
        silent = [rank for rank, seen in self._seen.items() if now - seen > GRACE - INTERVAL and self._expects(rank)]
        names = f"rank{'s' if len(silent) > 1 else ''} {', '.join(map(str, silent))}" if silent else "another process"
        text = f"{names} of {self.world} ended without a word: killed, or its machine is gone"
        return self.end(Outcome(LOST, silent[0] if silent else -1, self.rank, 2, text))

    def _tell(self, outcome: Outcome) -> Outcome | None:
        """Put an outcome into the store, unless there is one; the one that is there then. None: there is no store."""
        if self._store is None:
            return None
        first = _quietly(self._store.compare_set, "outcome", "", json.dumps(outcome))
        if not first:
            return None
        told = Outcome(*json.loads(first))
        if told.teller == self.rank:
            _record(told)
        return told

    def _run(self) -> None:
        store = self._connect()
        if store is None:
            return  # the main thread meets the same refusal
        about = json.dumps([socket.gethostname(), os.getpid()])
        _quietly(store.set, f"who/{self.rank}", about)
        self._store = store
        looked = answered = time.monotonic()
        while not self._over.wait(INTERVAL):
            now = time.monotonic()
            late = now - looked - INTERVAL
            if late > LATE:  # the machine slept, or this process was stopped
                self._seen = {rank: seen + late for rank, seen in self._seen.items()}
                answered += late
            looked = now
            self._look_after_launcher()
            try:
                self._look(store, now)
                answered = time.monotonic()
            except RuntimeError:
                if not self.is_hosted and time.monotonic() - answered > max(self.limit, STORE):
                    self._end_hung(0)
            if self.outcome is not None:
                self._end()

    def _connect(self) -> Store | None:
        host, port = self.address
        try:
            timeout = timedelta(seconds=MEETING)
            store = TCPStore(host, port, None, False, timeout=timeout, wait_for_workers=False)
        except (RuntimeError, ValueError, OSError):
            return None
        store.set_timeout(timedelta(seconds=STORE))
        return PrefixStore(f"specc/{self.starts}", store)

    def _look(self, store: Store, now: float) -> None:
        """Beat, hear the others, and see whether the training has ended. Raises RuntimeError if the store is silent."""
        self._count += 1
        store.set(f"beat/{self.rank}", str(self._count))
        if store.check(["outcome"]):
            self.outcome = self.outcome or Outcome(*json.loads(store.get("outcome")))
        for rank in range(self.world):
            if rank not in self._seen and store.check([f"beat/{rank}"]):
                self._seen[rank] = now
        known = list(self._seen)
        for rank, beat in zip(known, store.multi_get([f"beat/{rank}" for rank in known]), strict=True):
            text = beat.decode()
            if text != self._beats.get(rank):
                self._beats[rank], self._seen[rank] = text, now
            elif now - self._seen[rank] > self.limit and self._expects(rank):
                self._end_hung(rank)

    def _expects(self, rank: int) -> bool:
        return rank != self.rank and self._beats.get(rank) != "done"

    def _end_hung(self, rank: int) -> None:
        """A process hangs: say so, and end it where it is known to be of this machine."""
        host, pid = self._who(rank)
        where = f" (process {pid} on {host})" if pid else ""
        text = f"rank {rank} of {self.world}{where} has not answered for {self.limit:g} seconds"
        self.outcome = self.outcome or self._tell(Outcome(HUNG, rank, self.rank, 2, text))
        self.outcome = self.outcome or Outcome(HUNG, rank, self.rank, 2, text)
        if pid and self.launcher and self.outcome.teller == self.rank:
            _quietly(os.kill, pid, getattr(signal, "SIGKILL", 9))

    def _who(self, rank: int) -> tuple[str, int]:
        text = _quietly(self._store.get, f"who/{rank}") if self._store and self._seen.get(rank) else None
        host, pid = json.loads(text) if text else ("", 0)
        return host, pid

    def _end(self) -> None:
        """Another process has ended the training, or hangs: the main thread is left the time to notice, then all ends.

        It may wait in an exchange that nobody ends.
        """
        assert self.outcome is not None
        if self._over.wait(GRACE):
            return
        if self.outcome.kind == HUNG:
            self.shout()
        if sys.stderr.isatty():
            print("\x1b[?25h", end="", file=sys.stderr)  # the cursor, which a live line hides
        _quietly(sys.stderr.flush)
        os._exit(self.outcome.status if self.outcome.kind in (ERROR, STOPPED) else LOST_STATUS)

    def shout(self) -> None:
        """Print what hangs or is lost, where no launcher does, and no other process."""
        if self.outcome is not None and self.outcome.teller == self.rank and not self.launcher:
            error = problem(self.outcome)
            print(render_error(error.code, error.message, error.help), file=sys.stderr)

    def _look_after_launcher(self) -> None:
        """Where the launcher is gone, no process may remain: this one saves, stops, or is ended."""
        if os.getppid() == self.parent:
            return
        self.parent = os.getppid()
        os.kill(os.getpid(), signal.SIGTERM)
        last = threading.Timer(ORPHANED, os._exit, (128 + signal.SIGTERM,))
        last.daemon = True
        last.start()


def _record(outcome: Outcome) -> None:
    """Leave why the training ends where the agent that started this process looks for it."""
    path = os.environ.get(ERROR_FILE)
    if not path:
        return
    about = {"kind": outcome.kind, "rank": outcome.rank, "timestamp": str(int(time.time()))}
    words = f"rank {outcome.rank}: {outcome.text or outcome.kind}"
    message = {"message": words, "errorCode": outcome.status, "extraInfo": about}
    with suppress(OSError), open(path, "w", encoding="utf-8") as file:  # noqa: PTH123
        json.dump({"message": message}, file)


def _quietly(do: Callable[..., Any], *arguments: Any) -> Any:
    """What a call gives; None where the store or the process is gone."""
    try:
        return do(*arguments)
    except (RuntimeError, OSError, ValueError):
        return None
