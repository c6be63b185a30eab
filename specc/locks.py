"""Locked files: one process or thread holds each, and the system lets go of it when its process dies."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


def locked(path: Path, *, waits: bool = True) -> int:
    """Open a file, which is made where there is none, and lock it until it is closed. Gives its descriptor.

    It is the file that is at the path now: its last holder may have removed the one that was waited for.

    Where the system, or the file system, has no locks, nobody waits.

    Raises BlockingIOError where another one holds it and `waits` is False, OSError where it cannot be made.
    """
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            take(descriptor, waits=waits)
            if _is_at(descriptor, path):
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


@contextmanager
def held(path: Path, *, is_left: bool = True, waits: bool = True) -> Iterator[None]:
    """While it is entered, hold a locked file. is_left: it stays afterwards. Raises as `locked` does."""
    descriptor = locked(path, waits=waits)
    try:
        yield
    finally:
        release(descriptor, None if is_left else path)


def release(descriptor: int, path: Path | None) -> None:
    """Let go of a locked file; of the one at `path`, also remove it: whoever waits for it makes another."""
    if path is not None:
        with suppress(OSError):  # Windows removes no file that is open
            path.unlink(missing_ok=True)
    os.close(descriptor)


def take(descriptor: int, *, waits: bool) -> None:
    """Lock an open file. Raises BlockingIOError where another one holds it and `waits` is False."""
    try:
        import fcntl
    except ImportError:  # not POSIX
        if not waits:
            _take_on_windows(descriptor)
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if waits else fcntl.LOCK_NB))
    except BlockingIOError:
        raise
    except OSError:  # a file system without locks: nothing can be promised there
        return


def _take_on_windows(descriptor: int) -> None:
    import msvcrt

    os.lseek(descriptor, 1 << 20, os.SEEK_SET)  # behind the content, which others may then still read
    try:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined, unused-ignore]
    except OSError:
        raise BlockingIOError from None
    finally:
        os.lseek(descriptor, 0, os.SEEK_SET)


def _is_at(descriptor: int, path: Path) -> bool:
    """Whether the open file is the one that is at the path now."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False
