"""The workers of a search on this machine: processes, each with its share of threads or its own GPU."""

import json
import os
import subprocess
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from queue import Empty, Queue
from typing import NamedTuple, Protocol

from specc.backend.search.messages import Message

PATIENCE = 60.0  # seconds that a worker has to stop in, before it is killed


class Event(NamedTuple):
    """Something that a worker, by its number, has told, or its death."""

    worker: int
    message: Message


class Pool(Protocol):
    """Workers, by number from 1 on."""

    size: int

    def start(self, worker: int) -> int:
        """Start a worker; the number of its process."""

    def send(self, worker: int, message: Message) -> None:
        """Tell a worker something. What is told to one that has died is lost; its death is an event."""

    def events(self, seconds: float) -> list[Event]:
        """What has happened; waits for so long at most."""

    def stop(self) -> None:
        """Ask all workers to stop after the step in hand."""

    def close(self, at_once: bool = False) -> None:
        """End all workers. at_once: whatever they do."""

    def last_words(self, worker: int) -> str:
        """The last line that a worker wrote to its log."""


class Processes:
    """Workers as processes. command: what starts one. log: the folder for what they write beside their messages.

    environment: of the worker of a number, on top of this process's own.
    """

    def __init__(self, command: Sequence[str], environments: Sequence[Mapping[str, str]], log: Path) -> None:
        self.command, self.environments, self.log = list(command), environments, log
        self.size = len(environments)
        self.processes: dict[int, subprocess.Popen[str]] = {}
        self.readers: list[threading.Thread] = []
        self.queue: Queue[Event] = Queue()
        log.mkdir(parents=True, exist_ok=True)

    def start(self, worker: int) -> int:
        with self._log(worker).open("ab") as log:
            process = subprocess.Popen(  # noqa: S603 - this program itself
                self.command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env={**os.environ, **self.environments[worker - 1]},
                start_new_session=True,  # Ctrl-C comes to the search, which stops its workers one and all
            )
        self.processes[worker] = process
        self.readers.append(threading.Thread(target=self._read, args=(worker, process), daemon=True))
        self.readers[-1].start()
        return process.pid

    def _read(self, worker: int, process: "subprocess.Popen[str]") -> None:
        assert process.stdout is not None and process.stdin is not None
        with process.stdout:
            for line in process.stdout:
                with suppress(ValueError):  # half a line of one that was killed
                    self.queue.put(Event(worker, json.loads(line)))
        status = process.wait()
        with suppress(OSError):  # what it was told last, it did not read
            process.stdin.close()
        self.queue.put(Event(worker, {"what": "died", "status": status}))

    def send(self, worker: int, message: Message) -> None:
        stdin = self.processes[worker].stdin
        assert stdin is not None
        with suppress(OSError, ValueError):  # it has died
            stdin.write(json.dumps(message) + "\n")
            stdin.flush()

    def events(self, seconds: float) -> list[Event]:
        found = []
        try:
            found.append(self.queue.get(timeout=seconds))
            while True:
                found.append(self.queue.get_nowait())
        except Empty:
            return found

    def stop(self) -> None:
        for process in self.processes.values():
            if process.poll() is None:
                process.terminate()

    def close(self, at_once: bool = False) -> None:
        for process in self.processes.values():
            with suppress(OSError):
                assert process.stdin is not None
                process.stdin.close()  # nothing more will come
        for process in self.processes.values():
            try:
                process.wait(0 if at_once else PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
        for reader in self.readers:
            reader.join()

    def last_words(self, worker: int) -> str:
        with suppress(OSError):
            lines = self._log(worker).read_text("utf-8", "replace").strip().splitlines()
            return lines[-1] if lines else ""
        return ""

    def _log(self, worker: int) -> Path:
        return self.log / f"worker-{worker}.log"


def environments(workers: int, threads: int, gpus: int) -> list[dict[str, str]]:
    """What makes each worker keep to its share of the machine.

    threads: of each on a CPU. gpus: of this machine, if workers are to take them in turn; 0 if they are not.
    """
    names = ["OMP_NUM_THREADS", "MKL_NUM_THREADS"] + ["SPECC_WORKERS"] * ("SPECC_WORKERS" not in os.environ)
    share = dict.fromkeys(names, str(threads))
    if not gpus:
        return [share] * workers
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")
    own = [name for name in visible if name] or [str(number) for number in range(gpus)]
    return [share | {"CUDA_VISIBLE_DEVICES": own[worker % len(own)]} for worker in range(workers)]
