"""Named points at which a test may kill the process: by SIGKILL, as when power fails or memory runs out.

`SPECC_FAULT=checkpoint.between` kills it where that point is reached, `SPECC_FAULT=write.middle:7` at the seventh time.
Of several processes that train together, `epoch.middle:7@2` kills rank 2 the first time that they are started, and
`epoch.middle:7@2/3` the first three times. What happens there can be something else: `epoch.middle@2=stop` stops the
process (SIGSTOP), `=term` and `=usr2` send it SIGTERM and SIGUSR2, `=raise` is a defect, `=memory` an allocation that
is refused.
Without the variable a point does nothing.
"""

import os
import re
import signal
from collections import Counter

FAULT = re.compile(r"(?P<point>[\w.]+)(?::(?P<count>\d+))?(?:@(?P<rank>\d+)(?:/(?P<starts>\d+))?)?(?:=(?P<what>\w+))?")
SIGNALS = {"": "SIGKILL", "stop": "SIGSTOP", "term": "SIGTERM", "usr2": "SIGUSR2"}
STARTS = "SPECC_STARTS"  # how often the processes of a training were started before
_reached: Counter[str] = Counter()


def reach(point: str) -> None:
    """Fail here, if this is the point that the environment names."""
    wanted = os.environ.get("SPECC_FAULT")
    fault = FAULT.fullmatch(wanted) if wanted else None
    if fault is None or fault["point"] != point:
        return
    if fault["rank"] is not None:
        starts = int(os.environ.get(STARTS) or os.environ.get("TORCHELASTIC_RESTART_COUNT", "0"))
        if fault["rank"] != os.environ.get("RANK", "0") or starts >= int(fault["starts"] or 1):
            return
    _reached[point] += 1
    count, what = int(fault["count"] or 1), fault["what"] or ""
    if _reached[point] < count or (what and _reached[point] > count):
        return
    if what == "raise":
        raise RuntimeError("a fault, as it was asked for")
    if what == "memory":
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 99 bytes")
    os.kill(os.getpid(), getattr(signal, SIGNALS[what], 9))
