"""The vocabulary of data and training: `TRICKS[family][name]`."""

from specc.ops.op import Trick
from specc.tricks import (
    augment,
    init,
    loss,
    normalize,
    optimizer,
    regularizer,
    schedule,
    search,
    source,
    validation,
)

TRICKS: dict[str, dict[str, Trick]] = {}
for _module in (source, normalize, augment, validation, init, optimizer, schedule, loss, regularizer, search):
    for _trick in _module.TRICKS:
        TRICKS.setdefault(_trick.family, {})[_trick.name] = _trick
