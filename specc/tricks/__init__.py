"""The vocabulary of data and training: `COMPONENTS[family][name]`."""

from specc.tricks import (
    augment,
    average,
    early_stop,
    evaluate,
    freeze,
    group,
    init,
    lookahead,
    loss,
    normalize,
    optimizer,
    plan,
    progressive,
    regularizer,
    resize,
    schedule,
    search,
    source,
    start,
    validation,
)
from specc.vocabulary.registry import COMPONENTS as COMPONENTS
from specc.vocabulary.registry import register

for _module in (
    source,
    resize,
    normalize,
    augment,
    validation,
    init,
    optimizer,
    group,
    freeze,
    lookahead,
    average,
    schedule,
    loss,
    regularizer,
    early_stop,
    evaluate,
    plan,
    progressive,
    start,
    search,
):
    register(_module.COMPONENTS)
