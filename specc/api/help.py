"""Errors that Python shows: with the help that the command line prints below the message."""

from collections.abc import Iterator
from contextlib import contextmanager

from specc.errors import SpeccError


@contextmanager
def with_help() -> Iterator[None]:
    """Add the help of a SpeccError to it as a note, which a traceback shows. Also a decorator."""
    try:
        yield
    except SpeccError as error:
        note = f"help: {error.help}"
        if error.help and error.help not in str(error) and note not in getattr(error, "__notes__", ()):
            error.add_note(note)
        raise
