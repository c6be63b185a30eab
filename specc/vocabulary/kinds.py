"""The kinds of value that a parameter or a setting takes: one test and one description for each.

`kind.accept(value, bind)` gives the converted value or raises `Unfit`. `bind(family, value)` turns a written call
into a checked one (`Bound`); only the kinds `One` and `Chain` need it.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

from specc.values import UNKNOWN, Percent, Ref, Size

Bind = Callable[[str, Any], Any]
LARGEST = 2**63


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


class Int(Kind):
    """An integer, or a float that is whole; a percentage is a share, never a count: `split(100%)` is not one image."""

    def __init__(self, low: int | None = None, high: int | None = None) -> None:
        self.low, self.high = low, high
        self.needs = "an integer" + _range(low, high)

    def accept(self, value: Any, bind: Bind) -> int:
        if isinstance(value, bool | Percent) or not isinstance(value, int | float):
            raise Unfit
        if value != value or value != value // 1:
            raise Unfit
        if not _inside(value, self.low, self.high) or abs(value) >= LARGEST:
            raise Unfit
        return int(value)


class Float(Kind):
    """A number. `above` and `below` exclude the bound; `low` and `high` include it."""

    def __init__(
        self,
        low: float | None = None,
        high: float | None = None,
        above: float | None = None,
        below: float | None = None,
    ) -> None:
        self.low, self.high, self.above, self.below = low, high, above, below
        if low is not None and high is not None:
            bounds = [f"from {low:g} to {high:g}"]
        else:
            limits = (("of at least", low), ("above", above), ("below", below), ("at most", high))
            bounds = [f"{words} {limit:g}" for words, limit in limits if limit is not None]
        self.needs = " ".join(["a number", " and ".join(bounds)]).rstrip()

    def accept(self, value: Any, bind: Bind) -> float:
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or value != value
            or abs(value) == float("inf")
        ):
            raise Unfit
        if not _inside(value, self.low, self.high):
            raise Unfit
        if (self.above is not None and value <= self.above) or (self.below is not None and value >= self.below):
            raise Unfit
        return value if isinstance(value, Percent) else float(value)


class Bool(Kind):
    needs = "`true` or `false`"
    symbols = ("true", "false")

    def accept(self, value: Any, bind: Bind) -> bool:
        if not isinstance(value, bool):
            raise Unfit
        return value


class Text(Kind):
    needs = 'a quoted string, such as "data/flowers"'

    def accept(self, value: Any, bind: Bind) -> str:
        if not isinstance(value, str):
            raise Unfit
        return value


class SizeOf(Kind):
    """Height x width; a bare integer stands for a square."""

    def __init__(self, low: int = 1) -> None:
        self.low = low
        self.needs = f"a size of at least {low}x{low}, such as {low + 2}x{low + 2} or {low + 2}"
        if low == 0:
            self.needs = "a size, such as 1x1 or 1"

    def accept(self, value: Any, bind: Bind) -> Size:
        if isinstance(value, int | float) and not isinstance(value, bool | Percent) and value == value // 1:
            value = Size(int(value), int(value))
        if not isinstance(value, Size) or min(value) < self.low or max(value) >= LARGEST:
            raise Unfit
        return value


class Symbols(Kind):
    """One of a few bare names."""

    def __init__(self, *names: str) -> None:
        self.symbols = names
        quoted = [f"`{name}`" for name in names]
        self.needs = " or ".join([part for part in (", ".join(quoted[:-1]), quoted[-1]) if part])

    def accept(self, value: Any, bind: Bind) -> str:
        if not isinstance(value, Ref) or value.name not in self.symbols:
            raise Unfit
        return value.name


class TensorName(Kind):
    """The name of a tensor, which the call introduces or refers to: `as(skip)`, `from(level[2])`; kept as a text."""

    needs = "a name"
    names_tensor = True

    def accept(self, value: Any, bind: Bind) -> str:
        if not isinstance(value, Ref) or "." in value.name:
            raise Unfit
        return value.name


class NewName(Kind):
    """A bare name that the call introduces, as in `head(early)`."""

    needs = "a name"

    def accept(self, value: Any, bind: Bind) -> str:
        if not isinstance(value, Ref) or "." in value.name:
            raise Unfit
        return value.name


class Selector(Kind):
    """What picks weights, bare or as a text: a kind of weight, a layer's or a block's name, a weight's path."""

    needs = "a layer, a block or a kind of weight, such as conv1, norms.bias or unit2.conv1.weight"

    def accept(self, value: Any, bind: Bind) -> str:
        if isinstance(value, Ref):
            return value.name
        if not isinstance(value, str) or not value:
            raise Unfit
        return value


class Word(Kind):
    """A word of the data, bare or as a text: the name of a column or of a class. It is never evaluated.

    of: whose word it is, such as "a column"; example: one that only a text can hold.
    """

    is_literal = True

    def __init__(self, of: str, example: str) -> None:
        self.needs = f'the name of {of}, bare or quoted, such as "{example}"'

    def accept(self, value: Any, bind: Bind) -> str:
        if isinstance(value, Ref):
            return value.name
        if not isinstance(value, str) or not value:
            raise Unfit
        return value


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


def _range(low: int | None, high: int | None) -> str:
    if low is not None and high is not None:
        return f" from {low} to {high}"
    if low is not None:
        return f" of at least {low}"
    return f" of at most {high}" if high is not None else ""


def _inside(value: float, low: float | None, high: float | None) -> bool:
    return (low is None or value >= low) and (high is None or value <= high)


PROBABILITY = Float(low=0, high=1)
POSITIVE = Float(above=0)
NOT_NEGATIVE = Float(low=0)
