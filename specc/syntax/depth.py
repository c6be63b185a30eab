"""How deeply a spec may be nested, and room for the recursion that this takes."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

DEEPEST_BRACKETS = 100
DEEPEST_TREE = 400
_RECURSION_LIMIT = 20_000  # Python's own, 1000, is too near; frames of Python code cost no C stack


@contextmanager
def deep_recursion() -> Iterator[None]:
    """Within it, functions may call themselves as deeply as a spec that is within its bounds makes them."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, _RECURSION_LIMIT))
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)
