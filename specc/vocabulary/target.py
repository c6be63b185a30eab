"""What implements a word of the vocabulary, as data: no import happens here."""

from typing import Any, NamedTuple


class Target(NamedTuple):
    """What a node becomes in PyTorch: the dotted path of a module class, and its keyword arguments.

    Data, not a call: one place turns it into a module, another prints it as source.
    """

    path: str
    kwargs: dict[str, Any]
