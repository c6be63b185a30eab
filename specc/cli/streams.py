"""Standard streams that are closed, and readers that leave: neither is an error, and neither is worth a message.

A program that is started with a closed stream gets its number again for the next file that it opens, and would then
print into that file. So what is closed is opened on nothing before anything else.
"""

import os
import sys
from contextlib import suppress
from io import TextIOWrapper
from typing import IO

LEFT = 141  # the exit status where a reader has left: that of Unix tools, which SIGPIPE (13) ends


def prepare() -> None:
    """Replace closed streams, and print characters that a stream cannot show escaped.

    What is printed to a closed stream is lost, as the user asked; what is read from one fails.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None or not _is_open(number):
            setattr(sys, name, _nothing(number))
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a terminal that cannot show a character is no defect


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True


def _nothing(number: int) -> IO[str]:
    """Standard stream `number`, opened anew: nothing can be read from it, and what is written is dropped."""
    descriptor = os.open(os.devnull, os.O_WRONLY)
    if descriptor != number:
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.set_inheritable(number, True)  # by the processes that are started, too
    return open(number, "r" if number == 0 else "w", encoding="utf-8", closefd=False)


def finish(status: int) -> int:
    """Write what is not written yet; the exit status, which is another one where the reader has left.

    Raises OSError where it cannot be written for another reason.
    """
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except BrokenPipeError:
        return LEFT
    finally:
        _drop()
    return status


def _drop() -> None:
    """Send what cannot be written nowhere: Python tries again when it ends, and would complain."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            with suppress(OSError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def has_left(error: BaseException) -> bool:
    """Whether an exception comes from a reader that has left: rich leaves the program with status 1 there."""
    return isinstance(error, BrokenPipeError) or isinstance(error.__context__, BrokenPipeError)
