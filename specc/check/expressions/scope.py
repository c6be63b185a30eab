"""What names mean where, and the values that only the checker knows."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from specc.check.expressions.labels import Labels
from specc.check.expressions.sharing import Sharing
from specc.source import Span
from specc.values import UNKNOWN, Bound, Percent, Ref, Size, show


class Scope:
    """Names bound in a body, a block call or the file; looked up outwards.

    labels: the names of tensors there; None in the file's own scope, where nothing flows.
    """

    __slots__ = ("is_captured", "labels", "names", "parent")

    def __init__(
        self,
        parent: "Scope | None" = None,
        names: dict[str, Any] | None = None,
        labels: Labels | None = None,
    ) -> None:
        self.parent = parent
        self.names = {} if names is None else names
        self.labels: Labels | None = labels if labels is not None or parent is None else parent.labels
        self.is_captured = False  # a layer, which is evaluated later, looks up its names here

    def bind(self, name: str, value: Any) -> "Scope":
        """This scope with one name more; a copy where layers written before look up their names in this one."""
        scope = Scope(self.parent, dict(self.names), self.labels) if self.is_captured else self
        scope.names[name] = value
        return scope

    def find(self, name: str) -> tuple[bool, Any]:
        """Whether the name is bound, and its value."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.names:
                return True, scope.names[name]
            scope = scope.parent
        return False, None

    def all_names(self) -> list[str]:
        names: list[str] = []
        scope: Scope | None = self
        while scope is not None:
            names += scope.names
            scope = scope.parent
        return names


class Layer(NamedTuple):
    """A layer as a value: what was written, and the scope in which it was: names mean what they mean there.

    Worked out where it is used. sharing: the weights that all of its uses share, where it was made by `shared`.
    """

    expression: Any
    scope: Scope
    sharing: Sharing | None = None

    @property
    def span(self) -> Span:
        span: Span = self.expression.span
        return span


def describe(value: Any) -> str:
    """A value in words, for "…, found …"."""
    match value:
        case bool():
            return f"`{show(value)}`"
        case Percent() | int() | float():
            return show(value)
        case str():
            return f'the string "{shorten(value)}"'
        case Size():
            return f"the size {value}"
        case Ref():
            return f"`{value.name}`"
        case Layer():
            return f"the layer `{shorten(value.span.text)}`"
        case Bound():
            return f"`{value}`"
        case list() | tuple():
            return f"the {'list' if isinstance(value, list) else 'tuple'} {shorten(written(value))}"
        case _:
            return "unknown"


def written(value: Any, depth: int = 3) -> str:
    """A value as one would write it; of a list, which may be very long, the first few entries."""
    match value:
        case Layer():
            return shorten(value.span.text)
        case str():
            return f'"{shorten(value)}"'
        case list():
            return f"[{_entries(value, depth - 1)}]"
        case tuple() if not isinstance(value, Size | Ref | Bound):
            return f"({_entries(value, depth - 1)}{',' * (len(value) == 1)})"
        case _:
            return "?" if value is UNKNOWN else show(value)


def _entries(values: Sequence[Any], depth: int) -> str:
    most = 8 if depth else 0
    return ", ".join([written(value, depth) for value in values[:most]] + ["…"] * (len(values) > most))


def shorten(text: str, longest: int = 60) -> str:
    """One line of at most `longest` characters."""
    text = " ".join(text[: 10 * longest].split())
    return text if len(text) <= longest else text[: longest - 1] + "…"
