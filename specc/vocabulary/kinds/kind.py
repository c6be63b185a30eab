"""A kind of value: one test and one description."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

Bind = Callable[[str, Any], Any]


class Unfit(Exception):
    """The value is not of the kind. The caller says what was found; `kind.needs` says what was needed."""


class Kind(ABC):
    """A kind of value. `needs` completes "… must be …". `instead_of_none`: what to write where `none` does not fit.

    is_literal: a bare name stands for itself, whatever a `let` calls so.
    names_tensor: `x[i]` is a name with an index, not an entry of a list called `x`.
    """

    needs = "a value"
    is_literal = False
    names_tensor = False
    instead_of_none = ""
    symbols: tuple[str, ...] = ()

    @abstractmethod
    def accept(self, value: Any, bind: Bind) -> Any:
        """The value as it is kept. Raises Unfit where it is of another kind."""
