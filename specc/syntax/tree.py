"""The syntax tree: what was written, with the span of every part. Nothing here knows what a name means."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from specc.source import Source, Span

# ---- expressions


class Literal(NamedTuple):
    """A number, text, boolean, percentage or size, already converted."""

    value: Any
    span: Span


class Name(NamedTuple):
    name: str
    span: Span


class Flowing(NamedTuple):
    """`in.channels`: a property of the input shape of the call that contains it."""

    field: str
    span: Span


class Prefix(NamedTuple):
    """`-x` or `not x`."""

    operator: str
    operand: Any
    span: Span


class Operators(NamedTuple):
    """Operands joined by operators of one level, evaluated from the left: `a - b + c`."""

    operands: tuple[Any, ...]
    operators: tuple[str, ...]
    span: Span


class Conditional(NamedTuple):
    """`then if test else otherwise`."""

    then: Any
    test: Any
    otherwise: Any
    span: Span


class Group(NamedTuple):
    """An expression in parentheses, kept so that a formatter can keep them."""

    value: Any
    span: Span


class Sequence(NamedTuple):
    """A list `[…]` or a tuple `(…, …)`."""

    items: tuple[Any, ...]
    is_list: bool
    span: Span


class Index(NamedTuple):
    value: Any
    index: Any
    span: Span


class Argument(NamedTuple):
    """An argument by position (`name` is empty) or by name."""

    name: str
    value: Any
    span: Span


class Call(NamedTuple):
    """`conv(64)`, `residual { … }`. `callee` is the name's own span; `parens` tells `f` from `f()`."""

    name: str
    arguments: tuple[Argument, ...]
    body: Any
    callee: Span
    span: Span
    parens: bool = True


class Pipe(NamedTuple):
    """`a -> b -> c`."""

    stages: tuple[Any, ...]
    span: Span


# ---- bodies


class Body(NamedTuple):
    """Statements in braces. With `|`, `branches` has one entry for each and `is_branched` is true."""

    branches: tuple[tuple[Any, ...], ...]
    is_branched: bool
    span: Span

    @property
    def statements(self) -> tuple[Any, ...]:
        return self.branches[0] if self.branches else ()


class Let(NamedTuple):
    name: str
    value: Any
    span: Span
    name_span: Span


class Shared(NamedTuple):
    """`shared name = layers`."""

    name: str
    value: Any
    span: Span
    name_span: Span


class Default(NamedTuple):
    call: Call
    span: Span


class If(NamedTuple):
    """`otherwise` is a Body, another If, or None."""

    test: Any
    body: Body
    otherwise: Any
    span: Span


class For(NamedTuple):
    """`target` is a name or a tuple of targets."""

    target: Any
    iterable: Any
    body: Body
    span: Span


# ---- the file


class Parameter(NamedTuple):
    """A parameter of a block or network; `default` is None where the caller must give a value."""

    name: str
    default: Any
    span: Span


class Block(NamedTuple):
    """`block` or, where `is_network`, `network`."""

    name: str
    parameters: tuple[Parameter, ...]
    body: Body
    is_network: bool
    span: Span
    name_span: Span


class Setting(NamedTuple):
    """`path = value`; in a variant or search the path has several parts."""

    path: tuple[str, ...]
    value: Any
    span: Span
    path_span: Span


class Section(NamedTuple):
    """`data`, `train`, `export` or `search`; or `network` without a name, which sets parameters of an extended one."""

    name: str
    settings: tuple[Setting, ...]
    span: Span
    name_span: Span


class Variant(NamedTuple):
    name: str
    base: str
    settings: tuple[Setting, ...]
    span: Span
    name_span: Span
    base_span: Span | None


class Extends(NamedTuple):
    path: str
    span: Span


class File(NamedTuple):
    source: Source
    items: tuple[Any, ...]
    comments: tuple[Span, ...]


def walk(part: Any) -> Iterator[Any]:
    """Every node of a tree, or of lists and tuples of trees, in no order."""
    rest = [part]
    while rest:
        part = rest.pop()
        if isinstance(part, list) or (isinstance(part, tuple) and not isinstance(part, Span)):
            rest += part
            if hasattr(part, "_fields"):
                yield part
