"""From the dotted path of what implements a word of the vocabulary to the thing itself."""

from importlib import import_module
from typing import Any


def resolve(target: str) -> Any:
    """What a target names: a class of modules or of optimizers, or a function. Its module is imported."""
    module, _, name = target.rpartition(".")
    return getattr(import_module(module), name)
