"""A word of the vocabulary of data and training."""

from collections.abc import Callable
from typing import Any, NamedTuple

from specc.values import Args
from specc.vocabulary.param import Param


class Component(NamedTuple):
    """One call of the training or data vocabulary: an optimizer, a schedule, an augmentation, a data source, …

    family: which settings take it ("optimizer", "schedule", "loss", "regularizer", "augment", "source", "init", …).
    target: the dotted path of what implements it in the back end or in torch. Data, not an import.
    check(a): raises `Problem` where arguments that are each in range do not go together.
    body: "" (takes none), "one" or "branches".
    facts: for data sources, what is known before reading a byte.
    """

    name: str
    family: str
    doc: str
    params: tuple[Param, ...] = ()
    target: str = ""
    example: str = ""
    check: Callable[[Args], None] | None = None
    body: str = ""
    facts: Any = None
