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
from typing import Any, NamedTuple

from torch.distributed import Store  # type: ignore[attr-defined]

from specc.backend.launch.meeting import MEETING, address_in, meet
from specc.errors import SpeccError
from specc.render import render_error

INTERVAL = 1.0  # seconds between beats
LATE = 3.0  # seconds; a look that comes later was held up itself, and says nothing about the others
ALIKE = 10.0  # seconds within which processes that fail alike have all failed
GRACE = 5.0  # seconds that the main thread has to end by itself, once another process has ended the training
ORPHANED = 30  # seconds to save and stop, once the launcher is gone

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


def is_launched() -> bool:
    """Whether `specc train --devices` started this process, rather than torchrun or srun."""
    return LAUNCHER in os.environ


def problem(outcome: Outcome, help: str = RESUME) -> SpeccError:
    """E507 for a process that is gone, E508 for one that hangs."""
    return SpeccError("E508" if outcome.kind == HUNG else "E507", outcome.text, help=help)


class Watch:
    """Keeps watch from `start` to `leave`. limit: seconds without a beat after which a process hangs."""

    def __init__(self, environment: Mapping[str, str], limit: float) -> None:
        self.rank, self.world = int(environment["RANK"]), int(environment["WORLD_SIZE"])
        self.address = address_in(environment)
        self.launcher = int(environment.get(LAUNCHER, "0"))
        self.limit = limit
        self.parent = self.launcher or os.getppid()
        self.outcome: Outcome | None = None
        self._first: Store | None = None  # which lives as long as this, for the others, too
        self._store: Store | None = None
        self._over = threading.Event()
        self._is_cut = False
        self._count = 0
        self._beats: dict[int, str] = {}
        self._places: dict[int, tuple[str, int]] = {}  # host and process of each rank that has answered
        self._seen: dict[int, float] = {}
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    def start(self) -> Store:
        """Meet the others, and begin to keep watch. Gives the store in which they exchange addresses."""
        self._first, self._store = meet(self.address, self.rank, self.world)
        about = json.dumps([socket.gethostname(), os.getpid()])
        self._store.set(f"who/{self.rank}", about)
        self._seen = dict.fromkeys(range(self.world), time.monotonic())
        self._thread.start()
        return self._first

    def end(self, outcome: Outcome) -> Outcome:
        """Tell the others that the training ends. Gives the outcome that was told first, this one or another."""
        self.outcome = self.outcome or self._tell(outcome) or outcome
        return self.outcome

    def tell_failure(self, text: str) -> None:
        """Tell the others with which words this process fails."""
        if self._store is not None:
            _quietly(self._store.set, f"failed/{self.rank}", text)

    def all_failed(self, text: str) -> bool:
        """Whether all processes fail with these words; each is given a moment to do so, until one has ended all."""
        keys, deadline = [f"failed/{rank}" for rank in range(self.world)], time.monotonic() + ALIKE
        while self._store is not None and not _quietly(self._store.check, keys):
            if time.monotonic() > deadline or self.outcome is not None:
                return False
            time.sleep(INTERVAL / 10)
        texts = _quietly(self._store.multi_get, keys) if self._store is not None else None
        return texts is not None and all(one.decode() == text for one in texts)

    def leave(self) -> None:
        """Part from the others: from now on nobody waits for this process. One that hosts the store leaves last."""
        if self._store is None or self._over.is_set():
            return
        _quietly(self._store.set, f"beat/{self.rank}", "done")
        self._beats[self.rank] = "done"
        deadline = time.monotonic() + GRACE
        while self._hosts(self.rank) and not self._is_cut and time.monotonic() < deadline:
            if all(self._beats.get(rank) == "done" for rank in range(self.world)):
                break
            time.sleep(INTERVAL / 10)
        self._over.set()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(GRACE)  # Python ends a thread that is in torch's store by ending the process

    def wait_for_first(self) -> None:
        """Wait until rank 0 has left, or an outcome is told."""
        deadline = time.monotonic() + MEETING
        while self._store is not None and self.outcome is None and time.monotonic() < deadline:
            if self._beats.get(0) == "done" or self._is_cut:
                return
            time.sleep(INTERVAL / 10)

    def _hosts(self, rank: int) -> bool:
        """Whether a process has opened the store."""
        return rank == 0 and not self.address.is_hosted

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
        assert self._store is not None
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
                self._look(self._store, now)
                answered, self._is_cut = time.monotonic(), False
            except RuntimeError:
                self._is_cut = True
                if self._hosts(0) and time.monotonic() - answered > self.limit:
                    self._end_hung(0)
            if self.outcome is not None and (self.outcome.teller != self.rank or self.outcome.kind == HUNG):
                self._end()

    def _look(self, store: Store, now: float) -> None:
        """Beat, hear the others, and see whether the training has ended. Raises RuntimeError if the store is silent."""
        self._count += 1
        if self._beats.get(self.rank) != "done":
            store.set(f"beat/{self.rank}", str(self._count))
        if store.check(["outcome"]):
            self.outcome = self.outcome or Outcome(*json.loads(store.get("outcome")))
        known = [rank for rank in range(self.world) if rank in self._beats or store.check([f"beat/{rank}"])]
        beats = dict(zip(known, store.multi_get([f"beat/{rank}" for rank in known]), strict=True))
        for rank in range(self.world):
            text = beats[rank].decode() if rank in beats else ""
            if text and rank not in self._places:  # now, while the store answers
                host, pid = json.loads(store.get(f"who/{rank}"))
                self._places[rank] = host, pid
            if text and text != self._beats.get(rank):
                self._beats[rank], self._seen[rank] = text, now
            elif now - self._seen[rank] > self.limit and self._expects(rank):
                self._end_hung(rank)

    def _expects(self, rank: int) -> bool:
        return rank != self.rank and self._beats.get(rank) != "done"

    def _end_hung(self, rank: int) -> None:
        """A process hangs: say so, and end it where it is known to be of this machine."""
        host, pid = self._places.get(rank, ("", 0))
        where = f" (process {pid} on {host})" if pid else ""
        text = f"rank {rank} of {self.world}{where} has not answered for {self.limit:g} seconds"
        self.outcome = self.outcome or self._tell(Outcome(HUNG, rank, self.rank, 2, text))
        self.outcome = self.outcome or Outcome(HUNG, rank, self.rank, 2, text)
        if pid and self.launcher and self.outcome.teller == self.rank:
            _quietly(os.kill, pid, getattr(signal, "SIGKILL", 9))

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
        if hasattr(signal, "alarm"):
            signal.alarm(ORPHANED)  # the system's own, which also ends a process that hangs in its last moments


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
