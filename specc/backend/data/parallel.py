"""Work on many things at once, in threads, with the results in order and memory bounded."""

import os
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from threading import Lock
from typing import TypeVar

from specc.errors import SpeccError

In = TypeVar("In")
Out = TypeVar("Out")

MOST = 256  # threads that may be asked for
TURN = 0.0005  # seconds that a thread keeps the interpreter's lock while others wait for it; usually 0.005


def workers() -> int:
    """How many threads read files: `$SPECC_WORKERS`, or one a core, 32 at most. 0: the thread that asks does it itself.

    What is read, and in which order it comes, does not depend on it. Raises SpeccError E484 for what is no number.
    """
    given = os.environ.get("SPECC_WORKERS")
    if not given:
        return min(os.cpu_count() or 1, 32)
    if not (given.isascii() and given.isdecimal() and int(given) <= MOST):
        help = f"write a whole number from 0 to {MOST}, or unset it: specc then uses one thread per core"
        raise SpeccError("E484", f"the environment variable SPECC_WORKERS is {given!r}", help=help)
    return int(given)


class _ShortTurns:
    """Context in which threads take short turns: one that comes back from decoding would wait five times as long as the
    decoding takes. Several threads may be in it at once; the last one to leave restores what was set before."""

    def __init__(self) -> None:
        self._lock, self._inside, self._before = Lock(), 0, 0.0

    def __enter__(self) -> None:
        with self._lock:
            if not self._inside:
                self._before = sys.getswitchinterval()
                sys.setswitchinterval(min(TURN, self._before))
            self._inside += 1

    def __exit__(self, *error: object) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside:
                sys.setswitchinterval(self._before)


_short_turns = _ShortTurns()


def ordered(
    work: Callable[[In], Out], items: Iterable[In], ahead: int | None = None, threads: int | None = None
) -> Iterator[Out]:
    """`map(work, items)` in `threads` (`workers()` where it is None).

    ahead: how many results are being made or wait to be taken, at most; four a thread where it is None.

    Decoding and resizing release the interpreter's lock, so threads do, and nothing is copied between processes.
    """
    count = workers() if threads is None else threads
    if not count:
        yield from map(work, items)
        return
    pending = iter(items)
    waiting: deque[Future[Out]] = deque()
    with _short_turns, ThreadPoolExecutor(count) as pool:
        try:
            waiting.extend(pool.submit(work, item) for item in islice(pending, ahead or 4 * count))
            while waiting:
                result = waiting.popleft().result()
                waiting.extend(pool.submit(work, item) for item in islice(pending, 1))
                yield result
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
