"""How deeply a spec may be nested, and room for the recursion that this takes."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

DEEPEST_BRACKETS = 100
DEEPEST_TREE = 400
_RECURSION_LIMIT = 20_000  # Python's own, 1000, is too near; frames of Python code cost no C stack

_lock = Lock()
_inside: list[int] = []  # for each that is within: the limit that it found


@contextmanager
def deep_recursion() -> Iterator[None]:
    """Within it, functions may call themselves as deeply as a spec that is within its bounds makes them.

    The limit is the whole process's: the last thread to leave puts it back.
    """
    with _lock:
        _inside.append(_inside[0] if _inside else sys.getrecursionlimit())
        sys.setrecursionlimit(max(_inside[0], _RECURSION_LIMIT))
    try:
        yield
    finally:
        with _lock:
            limit = _inside.pop()
            if not _inside:
                sys.setrecursionlimit(limit)
