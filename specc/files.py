"""Files: where the user's cache is, how one is read that somebody else may have written, and how to write so that a
reader sees the old file or the new one, never a mix."""

import errno
import json
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from io import BufferedReader
from pathlib import Path
from typing import Any, cast

from specc.errors import SpeccError
from specc.faults import reach
from specc.locks import locked, take

PART = ".part"  # the ending of a file that is being written


def cache_folder() -> Path:
    """The user's cache directory of specc: downloaded data sets, parser tables."""
    home = os.environ.get("LOCALAPPDATA" if os.name == "nt" else "XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "specc"


def refuse_bytes(path: Path) -> None:
    """Raise SpeccError E469 for a path that is no text: safetensors and onnxruntime open no such file."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        help = "rename the folder, or use a relative path from inside it"
        raise SpeccError(
            "E469", f"{path} is not a valid UTF-8 path, so runs and models cannot be stored there", help=help
        ) from None


def size_of(path: Path) -> int:
    """The bytes of a plain file. Raises OSError where there is none: a pipe or a device might never end."""
    status = path.stat()
    _refuse_odd(status, path)
    return status.st_size


def _refuse_odd(status: os.stat_result, path: Path) -> None:
    """Raise OSError for what is no plain file."""
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, "it is a folder", str(path))
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "it is a pipe, a socket or a device", str(path))


def open_file(path: Path, *, buffering: int = -1) -> BufferedReader:
    """A plain file, opened for reading: every file that a user, a spec or a run names is opened here.

    Raises OSError where there is none. Opening a pipe would wait for a writer, and a device may do anything; neither is
    opened, nor waited for where one takes the file's place meanwhile.
    """
    size_of(path)
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    try:
        _refuse_odd(os.fstat(descriptor), path)
        return cast(BufferedReader, os.fdopen(descriptor, "rb", buffering))
    except BaseException:
        os.close(descriptor)
        raise


def read_file(path: Path, most: int | None = None) -> bytes:
    """What is in a plain file of at most `most` bytes. Raises OSError where that cannot be read, or it has more.

    No more is read than the file has when it is opened: those of `/proc` have no size, and may never end.
    """
    with open_file(path) as file:
        size = os.fstat(file.fileno()).st_size
        if most is not None and size > most:
            raise OSError(errno.EFBIG, f"it has {size:,} bytes, but at most {most:,} are allowed", str(path))
        return file.read(size)


def parse_json(text: str | bytes) -> Any:
    """What a JSON text says. Raises ValueError where it is none, or is nested deeper than Python reads."""
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def is_number(value: Any) -> bool:
    """Whether a value from a JSON text is a number that can be calculated with."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300


def json_bytes(value: Any, indent: int | None = 2) -> bytes:
    """A value as a JSON file for people. A path that is no UTF-8 is written so that it is read back as it was."""
    return (json.dumps(value, indent=indent, ensure_ascii=False) + "\n").encode("utf-8", "backslashreplace")


def reason(error: Exception) -> str:
    """Why a file could not be read, for a message."""
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


def unwritable(path: Path, error: OSError) -> SpeccError:
    """E481: a file that cannot be written, and what helps against the reason."""
    help = "check the permissions" if path.parent.is_dir() else f"folder `{path.parent}` does not exist"
    if error.errno in (errno.EEXIST, errno.ENOTDIR):
        file = next((one for one in (path, *path.parents) if one.is_file()), path)
        help = f"`{file}` is a file; choose another place"
    elif error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", None)):
        help = "free some disk space, or choose a place on another disk"
    return SpeccError("E481", f"`{path}` cannot be written: {reason(error)}", help=help)


def append_locked(path: Path, data: bytes) -> None:
    """Add `data`, whole lines, to the end of a plain file, which is made where there is none.

    Processes that do so at once wait for each other. What one that was killed left of a line is ended first. All is on
    the disk when this returns. Raises OSError.
    """
    if os.path.lexists(path):
        size_of(path)
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    with os.fdopen(os.open(path, flags, 0o666), "r+b", buffering=0) as file:
        _refuse_odd(os.fstat(file.fileno()), path)
        take(file.fileno(), waits=True)
        end = file.seek(0, os.SEEK_END)
        if end:
            file.seek(end - 1)
            if file.read(1) != b"\n":
                data = b"\n" + data
        file.write(data)
        os.fsync(file.fileno())


@contextmanager
def turn(path: Path) -> Iterator[None]:
    """While it is entered, no other process is where it says the same path; others wait. Beside it lies a file then.

    The system ends the turn of a process that dies. Raises OSError where the folder cannot be written.
    """
    file = path.with_name(f".{path.name}.lock")
    new = [folder for folder in file.parents if not folder.exists()]
    while True:
        with suppress(FileNotFoundError):  # another process removes the folder
            file.parent.mkdir(parents=True, exist_ok=True)
            descriptor = locked(file)
            break
    try:
        yield
    finally:
        with suppress(OSError):  # Windows removes no file that is open; something may be in the folder
            file.unlink(missing_ok=True)
            for folder in new:
                folder.rmdir()
        os.close(descriptor)


def write_atomic(path: Path, data: bytes) -> None:
    """Write `data` to `path`: beside it, synced to the disk, then renamed over it.

    Raises OSError where the file cannot be written; `path` is then as it was.
    """
    write_together({path: data})


def write_together(files: Mapping[Path, bytes]) -> None:
    """Write several files of one folder: none gets its name before all are on the disk, and the last gets it last.

    Raises OSError where one cannot be written; all are then as they were.
    """
    parts: dict[Path, Path] = {}
    for path in files:
        if os.path.lexists(path) and not path.is_symlink():
            size_of(path)  # a device would be replaced by a file
    try:
        for path, data in files.items():
            parts[path] = _write_part(path, data)
        for path, part in parts.items():
            reach("rename.before")
            part.replace(path)
            reach("rename.after")
    except BaseException:
        for part in parts.values():
            part.unlink(missing_ok=True)
        raise
    for folder in {path.parent for path in files}:
        _sync_folder(folder)


def write_passing(path: Path, data: bytes) -> None:
    """Write beside `path`, then rename, without waiting for the disk: what a system that goes down may lose.

    Raises OSError where the file cannot be written.
    """
    part = path.with_name(f".{path.name}{PART}")
    try:
        part.write_bytes(data)
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _write_part(path: Path, data: bytes) -> Path:
    """A new file beside `path` with this content, synced to the disk."""
    import tempfile

    reach("write.before")
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=PART, dir=path.parent)
    part, half = Path(name), len(data) // 2
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(memoryview(data)[:half])
            file.flush()
            reach("write.middle")
            file.write(memoryview(data)[half:])
            file.flush()
            os.fsync(file.fileno())
        part.chmod(0o666 & ~_umask())
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    return part


def sweep_parts(folder: Path) -> None:
    """Remove what a killed process left half written in a folder that nobody else writes into now."""
    for path in folder.glob(f".*{PART}"):
        path.unlink(missing_ok=True)


def _umask() -> int:
    """The permissions that this process takes away from new files."""
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


def _sync_folder(folder: Path) -> None:
    """Make the rename itself last: on POSIX systems a folder is synced like a file."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
