"""One training at a time in a run's folder."""

import os
from contextlib import suppress
from pathlib import Path
from time import monotonic, sleep

from specc.errors import SpeccError

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
        while True:
            self.file = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o666)
            if not _take_in_time(self.file):
                who = os.read(self.file, 32).decode("ascii", "replace").strip()
                os.close(self.file)
                raise SpeccError(
                    "E485",
                    f"another training is writing to {folder}: process {who or 'unknown'}",
                    help=help,
                )
            if _is_same(self.file, self.path):
                break
            os.close(self.file)  # another process removed it between the opening and the taking
        os.ftruncate(self.file, 0)
        os.write(self.file, f"{os.getpid()}\n".encode())

    def release(self) -> None:
        """Let go; a second time does nothing."""
        if self.file >= 0:
            with suppress(OSError):  # Windows removes no file that is open
                self.path.unlink(missing_ok=True)
            os.close(self.file)
            self.file = -1


def is_held(folder: Path) -> bool:
    """Whether a process holds the lock of a folder now. Nothing is written."""
    try:
        file = os.open(folder / NAME, os.O_RDWR)
    except OSError:
        return False
    try:
        return not _take(file)
    finally:
        os.close(file)  # which lets go of what was taken


def _take_in_time(file: int) -> bool:
    """Lock an open file; whether that was possible. `is_held` takes it for an instant, which is waited out."""
    end = monotonic() + PATIENCE
    while not _take(file):
        if monotonic() > end:
            return False
        sleep(PATIENCE / 20)
    return True


def _take(file: int) -> bool:
    """Lock an open file without waiting; whether that was possible."""
    try:
        import fcntl
    except ImportError:  # not POSIX
        return _take_on_windows(file)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks: nothing can be promised there
        return True
    return True


def _take_on_windows(file: int) -> bool:
    import msvcrt

    os.lseek(file, 1 << 20, os.SEEK_SET)  # behind the content, which others may then still read
    try:
        msvcrt.locking(file, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined, unused-ignore]
    except OSError:
        return False
    finally:
        os.lseek(file, 0, os.SEEK_SET)
    return True


def _is_same(file: int, path: Path) -> bool:
    """Whether the open file is the one that is at the path now."""
    try:
        return os.path.samestat(os.fstat(file), path.stat())
    except FileNotFoundError:
        return False
