"""The vocabulary of data and training: `TRICKS[family][name]`."""

from specc.ops.op import Trick
from specc.tricks import init, loss, optimizer, regularizer, schedule

TRICKS: dict[str, dict[str, Trick]] = {}
for _module in (init, optimizer, schedule, loss, regularizer):
    for _trick in _module.TRICKS:
        TRICKS.setdefault(_trick.family, {})[_trick.name] = _trick
