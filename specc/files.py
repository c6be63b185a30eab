"""Files: where the user's cache is, and how to write so that a reader sees the old file or the new one, never a mix."""

import os
from collections.abc import Mapping
from pathlib import Path

from specc.faults import reach

PART = ".part"  # the ending of a file that is being written


def cache_folder() -> Path:
    """The user's cache directory of specc: downloaded data sets, parser tables."""
    home = os.environ.get("LOCALAPPDATA" if os.name == "nt" else "XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "specc"


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
