"""Calls of one class, one after the other, that a hand would write as a loop."""

from collections import Counter
from typing import Any, NamedTuple

from specc.emit.classes import Class
from specc.emit.names import is_plain
from specc.emit.scopes import Ref

SHORTEST = 4


class Run(NamedTuple):
    """The steps from `start` up to `stop` call `stem` with the numbers from `first` on.

    changes: how much an argument grows from call to call, by its name.
    """

    start: int
    stop: int
    stem: str
    first: int
    changes: dict[str, int]

    @property
    def numbers(self) -> str:
        return f"range({self.first}, {self.first + self.stop - self.start})"

    def arguments(self, first: dict[str, str]) -> dict[str, str]:
        """The arguments of the call with number `i`."""
        texts = dict(first)
        for name, step in self.changes.items():
            texts[name] = f"{first[name]} + {step} * (i - {self.first})"
        return texts


def runs_of(made: Class, written: list[dict[str, str]], kinds: dict[Any, Class]) -> list[Run]:
    """The loops of a class, the longest ones that there are."""
    edges = {place for part in made.parts for place in (part.start, part.stop)}
    readers = Counter(ref for step in made.steps for ref in step.inputs) + Counter(made.returns)
    runs, start = [], 0
    while start < len(made.steps):
        stop = start + 1
        changes = _changes(written[start], written[stop]) if stop < len(made.steps) else None
        while stop < len(made.steps) and stop not in edges and _follows(made, stop, kinds, readers):
            if changes is None or _changes(written[stop - 1], written[stop]) != changes:
                break
            stop += 1
        if stop - start >= SHORTEST and changes is not None:
            stem, number = _numbered(made, start)
            runs.append(Run(start, stop, stem, number, changes))
            start = stop
        else:
            start += 1
    return runs


def _numbered(made: Class, index: int) -> tuple[str, int]:
    """`layer`, 12 of a call of the block `layer`; a number of -1 where it is no such call."""
    step = made.steps[index]
    call = step.scope.call if step.scope else None
    number = step.name[len(call.block) :] if call else ""
    is_shared = bool(step.module or step.modules)
    if not call or is_shared or not number.isdecimal() or not is_plain(step.name) or step.head or len(step.shapes) > 1:
        return "", -1
    return call.block, int(number)


def _follows(made: Class, index: int, kinds: dict[Any, Class], readers: Counter[Ref]) -> bool:
    """Whether a step goes on with what the step before it gave, and nothing else does."""
    before, step = made.steps[index - 1], made.steps[index]
    (stem, number), (next_stem, next_number) = _numbered(made, index - 1), _numbered(made, index)
    if number < 0 or (next_stem, next_number) != (stem, number + 1) or kinds[before.scope] is not kinds[step.scope]:
        return False
    ref = (index - 1, 0)
    return step.inputs == (ref,) and len(before.inputs) == 1 and readers[ref] == 1


def _changes(before: dict[str, str], after: dict[str, str]) -> dict[str, int] | None:
    """By how much each argument grows; None where one that is no number differs."""
    changes = {}
    for name in before.keys() | after.keys():
        old, new = before.get(name, ""), after.get(name, "")
        if old != new:
            if not (old.isdecimal() and new.isdecimal()) or int(new) < int(old):
                return None
            changes[name] = int(new) - int(old)
    return changes
