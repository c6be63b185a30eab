"""One training at a time in a run's folder."""

import os
from pathlib import Path
from time import monotonic, sleep

from specc.errors import SpeccError
from specc.files import read_file
from specc.locks import locked, release, take

NAME = ".lock"
PATIENCE = 0.2  # seconds


class Lock:
    """Holds a folder for this process until it is released, or the process ends in whatever way.

    The system lets go of the file `.lock` when a process dies, so none has to be removed by hand.

    help: what to do where another process holds it.

    Raises SpeccError E485 where another process holds it, OSError where nothing can be written there.
    """

    def __init__(self, folder: Path, help: str = "wait until it ends") -> None:
        self.path = folder / NAME
        try:
            self.file = _locked_soon(self.path)
        except BlockingIOError:
            who = _holder(self.path)
            message = f"another training is writing to {folder}: process {who or 'unknown'}"
            raise SpeccError("E485", message, help=help) from None
        os.ftruncate(self.file, 0)
        os.write(self.file, f"{os.getpid()}\n".encode())

    def release(self) -> None:
        """Let go; a second time does nothing."""
        if self.file >= 0:
            release(self.file, self.path)
            self.file = -1


def _locked_soon(path: Path) -> int:
    """`locked`, which waits a moment: `is_held` takes the lock for an instant. Raises BlockingIOError."""
    end = monotonic() + PATIENCE
    while True:
        try:
            return locked(path, waits=False)
        except BlockingIOError:
            if monotonic() > end:
                raise
        sleep(PATIENCE / 20)


def _holder(path: Path) -> str:
    """The process that holds a lock; "" where that cannot be read."""
    try:
        return read_file(path).decode("ascii", "replace").strip()[:32]
    except OSError:
        return ""


def is_held(folder: Path) -> bool:
    """Whether a process holds the lock of a folder now. Nothing is written."""
    try:
        file = os.open(folder / NAME, os.O_RDWR)
    except OSError:
        return False
    try:
        take(file, waits=False)
    except BlockingIOError:
        return True
    finally:
        os.close(file)  # which lets go of what was taken
    return False
