"""From the dotted path of what implements a word of the vocabulary to the thing itself."""

from importlib import import_module
from typing import Any

from specc.errors import SpeccError

OURS = ("specc.", "torch.")


def resolve(target: str) -> Any:
    """What a target names: a class of modules or of optimizers, or a function. Its module is imported.

    Raises SpeccError E491 where what a package's word names is not there, or its module fails.
    """
    module, _, name = target.rpartition(".")
    if target.startswith(OURS):
        return getattr(import_module(module), name)
    try:
        return getattr(import_module(module), name)
    except Exception as error:  # whatever a package does wrong
        message = f"`{target}`, which implements a plugin word, cannot be imported: {type(error).__name__}: {error}"
        raise SpeccError("E491", message, help="upgrade or reinstall the package that provides the word") from error
