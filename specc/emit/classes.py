"""Which calls of blocks are one class: those of one block that run the same steps, or leave out a part of them.

What differs in numbers only is left to the constructor's arguments (`specc.emit.arguments`).
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from specc.emit.layers import has_known_defaults
from specc.emit.scopes import Ref, Scope, Step


class Part(NamedTuple):
    """Steps from `start` up to, not including, `stop` that some calls do not have.

    Their one result is `value`; where they are missing, the value `instead` takes its place.
    """

    start: int
    stop: int
    value: Ref
    instead: Ref


class Class:
    """A module class. steps, returns: of the fullest call. borrowed: the names of the modules that `forward` is given,
    those of shared layers that are used first elsewhere. members: the calls, in the order in which they run.

    places: for each member, the step that it has in each place; None where it leaves that part out.
    """

    def __init__(self, first: Scope) -> None:
        self.name = ""
        self.block, self.steps, self.returns = first.block, first.steps, first.returns
        self.inputs = len(first.inputs)
        self.borrowed = list(first.borrowed.values())
        self.parts: list[Part] = []
        self.members: list[Scope] = []
        self.places: list[list[Step | None]] = []

    def at(self, index: int) -> list[Step | None]:
        """The step in one place, of each member."""
        return [steps[index] for steps in self.places]


Kinds = dict[Scope, Any]  # for each call, what stands for its class


def classes_of(root: Scope) -> dict[Scope, Class]:
    """The class of each call. Calls are told apart until those of one class call the same classes."""
    scopes = list(_all_scopes(root))
    kinds: Kinds = {scope: scope.block for scope in scopes}
    kinds[root] = ""
    while True:
        classes = _partition(scopes, kinds)
        found: Kinds = {scope: made for made in classes for scope in made.members}
        if len(classes) == len(set(kinds.values())):
            return found
        kinds = found


def _all_scopes(scope: Scope) -> Iterator[Scope]:
    yield scope
    for child in scope.children:
        if isinstance(child, Scope) and child.first is None:
            yield from _all_scopes(child)


def _partition(scopes: list[Scope], kinds: Kinds) -> list[Class]:
    by_kind: dict[Any, list[Scope]] = {}
    for scope in scopes:
        by_kind.setdefault(kinds[scope], []).append(scope)
    return [made for members in by_kind.values() for made in _split(members, kinds)]


def _split(members: list[Scope], kinds: Kinds) -> list[Class]:
    """The classes among calls that might be of one class. The fullest call of each says what the class runs."""
    classes: list[Class] = []
    chosen: dict[Scope, Class] = {}
    for scope in sorted(members, key=lambda scope: -len(scope.steps)):
        fitting = (made for made in classes if _fits(made, scope, kinds))
        made = next(fitting, None) or Class(scope)
        if made not in classes:
            classes.append(made)
        chosen[scope] = made
    for scope in members:
        made = chosen[scope]
        made.members.append(scope)
        made.places.append(_places(made, scope, kinds))
    return sorted(classes, key=lambda made: members.index(made.members[0]))


def _form(step: Step, kinds: Kinds) -> tuple[Any, ...]:
    """What two steps have in common that can be one line of source."""
    if step.scope is not None:
        return (step.name, kinds[step.scope], len(step.shapes), step.head, step.module, step.modules)
    assert step.target is not None
    given = () if has_known_defaults(step.target) else tuple(step.target.kwargs)
    return (step.name if step.keeps_state else "", step.target.path, given, step.is_trainable, step.head)


def _fits(made: Class, scope: Scope, kinds: Kinds) -> bool:
    """Whether a call can be of this class; the part that it leaves out is then one of the class's parts."""
    if len(scope.inputs) != made.inputs or list(scope.borrowed.values()) != made.borrowed:
        return False
    if len(scope.steps) == len(made.steps):
        return _left_out(made, scope, kinds, 0, 0) is not None
    part = _part(made, scope, kinds)
    if part is None or part in made.parts:
        return part is not None
    if any(_overlap(part, other) for other in made.parts):
        return False
    made.parts.append(part)
    made.parts.sort()
    return True


def _overlap(a: Part, b: Part) -> bool:
    if a.start < b.stop and b.start < a.stop:
        return True
    return any(x.instead != y.value and y.start <= x.instead[0] < y.stop for x, y in ((a, b), (b, a)))


def _part(made: Class, scope: Scope, kinds: Kinds) -> Part | None:
    """The one stretch of steps without which the class runs what the call runs."""
    extra = len(made.steps) - len(scope.steps)
    for start in range(len(scope.steps) + 1):
        found = _left_out(made, scope, kinds, start, start + extra)
        if found and found[0]:
            return Part(start, start + extra, *found[0])
        if start < len(scope.steps) and not _same_step(made.steps[start], scope.steps[start], kinds):
            return None
    return None


def _same_step(a: Step, b: Step, kinds: Kinds) -> bool:
    return a.inputs == b.inputs and _form(a, kinds) == _form(b, kinds)


def _left_out(made: Class, scope: Scope, kinds: Kinds, start: int, stop: int) -> tuple[tuple[Ref, Ref] | None] | None:
    """Hold the call against the class without the steps from `start` to `stop`; None where they differ.

    Else a tuple of one: which result of those steps is used later, and what stands for it in the call.
    """
    replaced: list[tuple[Ref, Ref]] = []

    def same(ours: Ref, theirs: Ref) -> bool:
        if start <= ours[0] < stop:
            replaced.append((ours, theirs))
            return theirs[0] < start
        return (ours if ours[0] < start else (ours[0] - (stop - start), ours[1])) == theirs

    def alike(ours: tuple[Ref, ...] | list[Ref], theirs: tuple[Ref, ...] | list[Ref]) -> bool:
        return len(ours) == len(theirs) and all(map(same, ours, theirs))

    kept = made.steps[:start] + made.steps[stop:]
    for a, b in zip(kept, scope.steps, strict=True):
        if _form(a, kinds) != _form(b, kinds) or not alike(a.inputs, b.inputs):
            return None
    if not alike(made.returns, scope.returns) or len(set(replaced)) > 1:
        return None
    return (replaced[0] if replaced else None,)


def _places(made: Class, scope: Scope, kinds: Kinds) -> list[Step | None]:
    if len(scope.steps) == len(made.steps):
        return list(scope.steps)
    part = _part(made, scope, kinds)
    assert part is not None
    missing: list[Step | None] = [None] * (part.stop - part.start)
    return [*scope.steps[: part.start], *missing, *scope.steps[part.start :]]
