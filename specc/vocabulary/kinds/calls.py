"""Calls of the vocabulary of data and training."""

from collections.abc import Callable
from typing import Any

from specc.values import UNKNOWN
from specc.vocabulary.kinds.kind import Bind, Kind, Unfit


class One(Kind):
    """One call of a family of the vocabulary, such as an optimizer."""

    def __init__(self, family: str, needs: str, instead_of_none: str = "") -> None:
        self.family, self.needs, self.instead_of_none = family, needs, instead_of_none

    def accept(self, value: Any, bind: Bind) -> Any:
        bound = bind(self.family, value)
        if isinstance(bound, tuple):
            if len(bound) != 1:
                raise Unfit
            bound = bound[0]
        return bound


class Shorthand(One):
    """One call of a family, or a value that is short for one: `224x224` for `stretch(224x224)`.

    short: the kind of that value. call(value): what it is short for.
    """

    def __init__(self, family: str, needs: str, short: Kind, call: Callable[[Any], Any]) -> None:
        super().__init__(family, needs)
        self.short, self.call = short, call

    def accept(self, value: Any, bind: Bind) -> Any:
        try:
            return self.call(self.short.accept(value, bind))
        except Unfit:
            return super().accept(value, bind)


class ArgumentOf(One):
    """One argument of a call, in its place: the 10 of `early_stop(patience=10)`."""

    def __init__(self, family: str, needs: str, argument: str) -> None:
        super().__init__(family, needs)
        self.argument = argument

    def accept(self, value: Any, bind: Bind) -> Any:
        bound = super().accept(value, bind)
        return bound if bound is UNKNOWN else getattr(bound.args, self.argument)


class Chain(Kind):
    """Calls of a family joined by `->`; a tuple of them, in order."""

    def __init__(self, family: str, needs: str) -> None:
        self.family, self.needs = family, needs

    def accept(self, value: Any, bind: Bind) -> Any:
        return bind(self.family, value)


class Calls(Kind):
    """A list of calls of a family, or a single one; always a list of them."""

    def __init__(self, family: str, needs: str) -> None:
        self.item = One(family, needs)
        self.family, self.needs = family, f"a list of {needs}"

    def accept(self, value: Any, bind: Bind) -> Any:
        if type(value) in (list, tuple):
            calls = [UNKNOWN if item is UNKNOWN else self.item.accept(item, bind) for item in value]
        else:
            calls = [self.item.accept(value, bind)]
        return UNKNOWN if UNKNOWN in calls else calls


class OneOrMore(Calls):
    """A call of a family, which stays one, or a list of them, which becomes a tuple."""

    def __init__(self, family: str, needs: str) -> None:
        super().__init__(family, needs)
        self.needs = f"{needs}, or a list of them"

    def accept(self, value: Any, bind: Bind) -> Any:
        if type(value) not in (list, tuple):
            return self.item.accept(value, bind)
        calls = super().accept(value, bind)
        if not calls:
            raise Unfit
        return calls if calls is UNKNOWN else tuple(calls)
