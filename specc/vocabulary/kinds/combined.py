"""Kinds made of other kinds: lists, alternatives, `none`."""

from typing import Any

from specc.values import UNKNOWN, Ref
from specc.vocabulary.kinds.kind import Bind, Kind, Unfit


class ListOf(Kind):
    """A list or tuple of one kind; a tuple of the converted values. `lone`: a single value may do without brackets."""

    def __init__(self, item: Kind, length: int | None = None, *, lone: bool = False) -> None:
        self.item, self.length, self.lone = item, length, lone
        count = f"{length} values, each " if length else "values, each "
        self.needs = f"a list of {count}{item.needs}"
        self.symbols, self.is_literal = item.symbols, item.is_literal

    def accept(self, value: Any, bind: Bind) -> tuple[Any, ...]:
        if type(value) not in (list, tuple):  # sizes and names are tuples of Python only
            if not self.lone:
                raise Unfit
            value = [value]
        if self.length is not None and len(value) != self.length:
            raise Unfit
        return tuple(UNKNOWN if item is UNKNOWN else self.item.accept(item, bind) for item in value)


class Pair(Kind):
    """Two values in parentheses, each of its own kind."""

    def __init__(self, first: Kind, second: Kind, needs: str) -> None:
        self.first, self.second, self.needs = first, second, needs

    def accept(self, value: Any, bind: Bind) -> tuple[Any, Any]:
        if type(value) not in (list, tuple) or len(value) != 2:
            raise Unfit
        return self.first.accept(value[0], bind), self.second.accept(value[1], bind)


class Maybe(Kind):
    """`none`, which gives None, or another kind."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.needs = f"{kind.needs}, or `none`"
        self.symbols = (*kind.symbols, "none")
        self.names_tensor = kind.names_tensor

    def accept(self, value: Any, bind: Bind) -> Any:
        if value is None or (isinstance(value, Ref) and value.name == "none"):
            return None
        return self.kind.accept(value, bind)


class Either(Kind):
    """The first of several kinds that fits. Put the kinds that need `bind` last: they report their own problems."""

    def __init__(self, *kinds: Kind) -> None:
        self.kinds = kinds
        self.needs = ", or ".join(kind.needs for kind in kinds)
        self.symbols = tuple(name for kind in kinds for name in kind.symbols)
        self.is_literal = any(kind.is_literal for kind in kinds)
        self.names_tensor = any(kind.names_tensor for kind in kinds)

    def accept(self, value: Any, bind: Bind) -> Any:
        for kind in self.kinds:
            try:
                return kind.accept(value, bind)
            except Unfit:
                continue
        raise Unfit


class AnyValue(Kind):
    """Whatever it is."""

    def accept(self, value: Any, bind: Bind) -> Any:
        return value
