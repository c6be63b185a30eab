"""Where a path that a spec gives as `source` leads to."""

from pathlib import Path

from specc.backend.data.places import Where, places
from specc.errors import SpeccError, clean


def outside(path: Path, where: Where) -> tuple[str, ...]:
    """A note for data that lie outside the spec's folder: that is allowed, and shown."""
    real = path.resolve()
    return () if real.is_relative_to(where.base.resolve()) else (f"the images are read from {clean(str(real))}",)


def find_path(text: str, where: Where, kind: str) -> Path:
    """A path as a spec gives it: from the spec's folder, or else from the places where data is looked for.

    kind: "folder" or "file". Raises SpeccError E403 where there is none.
    """
    try:
        tried = tried_paths(text, where)
        for path in tried:
            if path.is_dir() if kind == "folder" else path.is_file():
                return path
        other = next((path for path in tried if path.exists()), None)
    except OSError as error:  # a folder that may not be entered, a name that is too long
        raise no_path(text, error) from None
    if other is not None:
        what = "a file" if other.is_file() else "a folder" if other.is_dir() else "a pipe, a socket or a device"
        message = clean(f"{other} is {what}; `source` needs a {kind} here")
        raise SpeccError("E403", message, help=clean(_suggestion(other, kind)))
    lines = [f"there is no {kind} {text}", *(f"looked for {path}" for path in tried)]
    raise SpeccError("E403", lines, help="correct the path in `source`, or give the place with --data-dir")


def tried_paths(text: str, where: Where) -> list[Path]:
    """Where a path as a spec gives it may lead to, in order. Raises SpeccError E403 for the home of nobody."""
    try:
        given = Path(text).expanduser()
    except RuntimeError as error:
        raise no_path(text, error) from None
    return list(dict.fromkeys([where.base / given, *(place / given for place in places(where.data_dir))]))


def no_path(text: str, error: Exception) -> SpeccError:
    """E403: a path that the system does not even look for."""
    message = clean(f"{text} cannot be looked for: {getattr(error, 'strerror', None) or error}")
    return SpeccError("E403", message, help="correct the path in `source`")


def _suggestion(path: Path, kind: str) -> str:
    if kind == "folder" and path.suffix == ".npz":
        return f'write npz("{path}")'
    is_table = kind == "folder" and path.suffix.lower() in (".csv", ".parquet")
    return f'write csv("{path}", image=COLUMN, label=COLUMN)' if is_table else f"give the path of a {kind}"
