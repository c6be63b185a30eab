"""The vocabulary of data and training: `TRICKS[family][name]`."""

from specc.tricks import (
    augment,
    early_stop,
    evaluate,
    group,
    init,
    lookahead,
    loss,
    normalize,
    optimizer,
    plan,
    regularizer,
    schedule,
    search,
    source,
    validation,
)
from specc.vocabulary.component import Component

COMPONENTS: dict[str, dict[str, Component]] = {}
_MODULES = (
    source,
    normalize,
    augment,
    validation,
    init,
    optimizer,
    group,
    lookahead,
    schedule,
    loss,
    regularizer,
    early_stop,
    evaluate,
    plan,
    search,
)
for _module in _MODULES:
    for _trick in _module.COMPONENTS:
        COMPONENTS.setdefault(_trick.family, {})[_trick.name] = _trick
