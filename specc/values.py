"""What an expression of the language can be worth, besides Python's int, float, bool, str, list and tuple."""

from typing import Any, NamedTuple

from specc.source import Span


class Size(NamedTuple):
    """Height x width, in pixels."""

    height: int
    width: int

    def __str__(self) -> str:
        return f"{self.height}x{self.width}"


class Percent(float):
    """`50%`: the float 0.5 that remembers how it was written, so that `warmup(5%)` is not `warmup(0.05)` epochs."""

    def __repr__(self) -> str:
        return f"{float(self) * 100:g}%"


class Ref(NamedTuple):
    """A bare name that no scope binds: a symbol, a layer or a trick, as whoever takes the value decides."""

    name: str
    span: Span


class Unknown:
    """The value and the shape of something erroneous. It fits everywhere, so one mistake gives one message."""

    def __repr__(self) -> str:
        return "unknown"


UNKNOWN = Unknown()


class Args:
    """The arguments of a call, bound to parameters and converted: `args.filters`."""

    def __init__(self, **values: Any) -> None:
        self.__dict__.update(values)

    def __getattr__(self, name: str) -> Any:  # only reached where the name is missing
        raise AttributeError(name)

    def as_dict(self) -> dict[str, Any]:
        return dict(self.__dict__)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Args) and self.__dict__ == other.__dict__

    def __repr__(self) -> str:
        return ", ".join(f"{name}={value!r}" for name, value in self.__dict__.items())


class Several(tuple[Any, ...]):
    """The arguments of a call that are written one after another without a name."""

    __slots__ = ()


class Quoted(str):
    """A text that a spec writes in quotes, such as a path; a plain string is a bare name."""

    __slots__ = ()


class Bound(NamedTuple):
    """A call of the training or data vocabulary, checked: `sgd(lr=0.1)` or `maybe(0.5) { flip(horizontal) }`.

    `branches` holds the pipelines of its body, one for each `|`.
    """

    name: str
    args: Args
    span: Span | None = None
    branches: tuple[tuple["Bound", ...], ...] = ()

    def __str__(self) -> str:
        given = ", ".join(_argument(name, value) for name, value in self.args.as_dict().items())
        body = " { " + " ".join("| " + show(branch) for branch in self.branches) + " }" if self.branches else ""
        return f"{self.name}({given}){body}" if given else f"{self.name}{body}"


def _argument(name: str, value: object) -> str:
    return ", ".join(map(show, value)) if isinstance(value, Several) else f"{name}={show(value)}"


def quoted(text: str) -> str:
    """A text as a spec writes it, in quotes."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t") + '"'


def show(value: object) -> str:
    """A value in the language's own syntax, as messages and `--defaults` print it."""
    match value:
        case None:
            return "none"
        case bool():
            return str(value).lower()
        case Quoted():
            return quoted(value)
        case str() | Ref() | Bound() | Size():
            return value.name if isinstance(value, Ref) else str(value)
        case Percent():
            return repr(value)
        case tuple() if value and all(isinstance(item, Bound) for item in value):
            return " -> ".join(map(str, value))
        case tuple():
            return "(" + ", ".join(map(show, value)) + ("," if len(value) == 1 else "") + ")"
        case list():
            return "[" + ", ".join(map(show, value)) + "]"
        case float():
            return f"{value:g}"
        case _:
            return str(value)
