"""Named points at which a test may kill the process: by SIGKILL, as when power fails or memory runs out.

`SPECC_FAULT=checkpoint.between` kills it where that point is reached, `SPECC_FAULT=write.middle:7` at the seventh time.
Without the variable a point does nothing.
"""

import os
import signal
from collections import Counter

_reached: Counter[str] = Counter()


def reach(point: str) -> None:
    """Die here, if this is the point that the environment names."""
    wanted = os.environ.get("SPECC_FAULT")
    if wanted is None:
        return
    name, _, count = wanted.partition(":")
    if name == point:
        _reached[point] += 1
        if _reached[point] >= int(count or 1):
            os.kill(os.getpid(), getattr(signal, "SIGKILL", 9))
