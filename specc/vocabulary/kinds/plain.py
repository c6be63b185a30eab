"""Single values: numbers, texts, sizes, names."""

from typing import Any

from specc.values import Percent, Quoted, Ref, Size
from specc.vocabulary.kinds.kind import Bind, Kind, Unfit

LARGEST = 2**63


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
    """A quoted string. example: one that fits the parameter."""

    def __init__(self, example: str = "data/flowers") -> None:
        self.needs = f'a quoted string, such as "{example}"'

    def accept(self, value: Any, bind: Bind) -> str:
        if not isinstance(value, str):
            raise Unfit
        return Quoted(value)


class FilePath(Text):
    """The path of a file or folder; a relative one counts from the spec's folder."""


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
        return Quoted(value)


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
        return Quoted(value)


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
