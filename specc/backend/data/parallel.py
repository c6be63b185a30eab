"""Work on many things at once, in threads, with the results in order and memory bounded."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

In = TypeVar("In")
Out = TypeVar("Out")

WORKERS = min(os.cpu_count() or 1, 32)


def ordered(work: Callable[[In], Out], items: Iterable[In], ahead: int, workers: int = WORKERS) -> Iterator[Out]:
    """`map(work, items)` in threads: at most `ahead` results are being made or wait to be taken.

    Decoding and resizing release the interpreter's lock, so threads do, and nothing is copied between processes.
    """
    pending = iter(items)
    waiting: deque[Future[Out]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        try:
            waiting.extend(pool.submit(work, item) for item in islice(pending, ahead))
            while waiting:
                result = waiting.popleft().result()
                waiting.extend(pool.submit(work, item) for item in islice(pending, 1))
                yield result
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
