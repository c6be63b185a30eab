"""How long a line of the output may be, and texts that keep to it.

On a terminal that is its width; in a pipe lines are as long as they are, so that programs find a row in one line.
"""

import shutil
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TextIO

LEAST = 20  # where a terminal says that it is narrower, it is not believed
_limit = ContextVar("limit", default=0)


def width_of(stream: TextIO) -> int:
    """The width of a terminal, in characters; 0 for everything else."""
    return max(shutil.get_terminal_size().columns, LEAST) if stream.isatty() else 0


@contextmanager
def limited(width: int) -> Iterator[None]:
    """Within it no line is to be longer than `width`; 0: as long as it is."""
    token = _limit.set(width)
    try:
        yield
    finally:
        _limit.reset(token)


def limit() -> int:
    """How long a line may be; 0: as long as it is."""
    return _limit.get()


def fitted(text: str, width: int | None = None, more: str = "") -> str:
    """A text whose long lines are broken at spaces. What follows stands below the beginning of its line, behind `more`.

    width: `limit()` unless it is given.
    """
    width = limit() if width is None else width
    if not width:
        return text
    return "\n".join(line if len(line) <= width else _broken(line, width, more) for line in text.split("\n"))


def _broken(line: str, width: int, more: str) -> str:
    body = line.lstrip(" ")
    indent = line[: len(line) - len(body)]
    if len(indent) > width // 2:
        indent = ""
    pieces = textwrap.wrap(
        body, width, initial_indent=indent, subsequent_indent=indent + more, break_long_words=False,
        break_on_hyphens=False,
    )  # fmt: skip
    return "\n".join(pieces)
