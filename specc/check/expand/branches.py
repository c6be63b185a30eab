"""The branches of a layer's body: those that are written there, and those that a `for` or an `if` among them holds."""

from collections.abc import Iterator
from typing import Any, NamedTuple, Protocol

from specc.check.context import Context
from specc.check.expand.here import Here
from specc.ops import OPS
from specc.ops.expansion import Branches
from specc.source import Span
from specc.syntax import tree as t
from specc.values import UNKNOWN


class Branch(NamedTuple):
    """A branch that was expanded: what is written there, and the tensor that comes out of it."""

    statements: tuple[Any, ...]
    end: int


class Statements(Protocol):
    """Expands what a branch holds."""

    context: Context

    def statements(self, statements: tuple[Any, ...], at: int, here: Here) -> int:
        """Statements in a scope of their own; the tensor that comes out."""

    def holds(self, stage: t.If, at: int, here: Here) -> Any:
        """Whether a condition holds, or UNKNOWN."""

    def turns(self, stage: t.For, at: int, here: Here) -> Iterator[Here | None]:
        """The place of each iteration; None, with a message, where that cannot be known."""

    def step(self, span: Span, here: Here) -> None:
        """Count a step. Raises `TooMuch` where a network takes too many."""


def has_branches(body: t.Body) -> bool:
    """Whether a body consists of branches, or of nothing but a `for` or an `if` that stands for some."""
    return body.is_branched or stands_for_branches(body.statements)


def stands_for_branches(statements: tuple[Any, ...]) -> bool:
    """Whether a branch is only a `for` or an `if` whose body has branches."""
    match statements:
        case (t.For(body=body),):
            return has_branches(body)
        case (t.If() as stage,):
            return any(map(has_branches, _bodies(stage)))
        case _:
            return False


def takers() -> str:
    """The layers whose bodies consist of branches: `add`, `multiply` and `concat`."""
    *names, last = [f"`{op.name}`" for op in OPS.values() if isinstance(op.expands, Branches)]
    return f"{', '.join(names)} and {last}"


def branches_of(body: t.Body, at: int, here: Here, expander: Statements) -> list[Branch] | None:
    """The branches of a body, in order; None, with a message, where they cannot be known."""
    branches: list[Branch] = []
    return branches if _add(body, at, here, expander, branches) else None


def _add(body: t.Body, at: int, here: Here, expander: Statements, branches: list[Branch]) -> bool:
    for statements in body.branches:
        if not stands_for_branches(statements):
            branches.append(Branch(statements, expander.statements(statements, at, here)))
        elif not _add_those_of(statements[0], at, here, expander, branches):
            return False
    return True


def _add_those_of(stage: t.For | t.If, at: int, here: Here, expander: Statements, branches: list[Branch]) -> bool:
    """Add the branches of a `for`, once for each iteration, or those of the body of an `if` that is taken."""
    expander.step(stage.span, here)
    if isinstance(stage, t.For):
        for inside in expander.turns(stage, at, here):
            if inside is None or not _add(stage.body, at, inside, expander, branches):
                return False
        return True
    bare = next((body for body in _bodies(stage) if not has_branches(body)), None)
    if bare is not None:
        message = "another body of this `if` has branches, this one has none"
        help = "begin each branch with `|`, in every body of this `if`"
        expander.context.error("E208", message, bare.span, help=help)
        return False
    holds = expander.holds(stage, at, here)
    if holds is UNKNOWN:
        return False
    taken = stage.body if holds else stage.otherwise
    if isinstance(taken, t.If):
        return _add_those_of(taken, at, here, expander, branches)
    return taken is None or _add(taken, at, here, expander, branches)


def _bodies(stage: t.If) -> Iterator[t.Body]:
    """The bodies of an `if`, its `else if` and its `else`."""
    rest: Any = stage
    while isinstance(rest, t.If):
        yield rest.body
        rest = rest.otherwise
    if rest is not None:
        yield rest
