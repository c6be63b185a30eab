"""What names are worth where, and the values that only the checker knows."""

from typing import Any, NamedTuple

from specc.source import Span
from specc.values import UNKNOWN, Bound, Percent, Ref, Size, show


class Scope:
    """Names bound in a body, a block call or the file; looked up outwards."""

    __slots__ = ("names", "parent")

    def __init__(self, parent: "Scope | None" = None, names: dict[str, Any] | None = None) -> None:
        self.parent = parent
        self.names = {} if names is None else names

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
    """A layer as a value: what was written, and the scope in which it was. Worked out where it is used."""

    expression: Any
    scope: Scope

    @property
    def span(self) -> Span:
        span: Span = self.expression.span
        return span


def describe(value: Any) -> str:
    """A value in words, for "this is …"."""
    match value:
        case bool():
            return f"`{show(value)}`"
        case Percent() | int() | float():
            return f"the number {show(value)}"
        case str():
            return f'the text "{value}"'
        case Size():
            return f"the size {value}"
        case Ref():
            return f"the name `{value.name}`"
        case Layer():
            return f"the layer `{shorten(value.span.text)}`"
        case Bound():
            return f"`{value}`"
        case list():
            return f"the list {shorten(written(value))}"
        case tuple():
            return f"the tuple {shorten(written(value))}"
        case _:
            return "unknown"


def written(value: Any) -> str:
    """A value as one would write it."""
    match value:
        case Layer():
            return shorten(value.span.text)
        case str() if not isinstance(value, Ref):
            return f'"{value}"'
        case list():
            return "[" + ", ".join(map(written, value)) + "]"
        case tuple() if not isinstance(value, Size | Ref | Bound):
            return "(" + ", ".join(map(written, value)) + ")"
        case _:
            return "?" if value is UNKNOWN else show(value)


def shorten(text: str, longest: int = 60) -> str:
    """One line of at most `longest` characters."""
    text = " ".join(text.split())
    return text if len(text) <= longest else text[: longest - 1] + "…"
