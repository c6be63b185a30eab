"""Mending a text by the fixes that its diagnostics carry."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from specc.diagnostics import Diagnostic, Fix
from specc.source import Source

MOST_ROUNDS = 20  # one fix may make another possible: a `let` that only a removed one used


class Mended(NamedTuple):
    """A source after its fixes, the problems that are mended, at their places then, and those that are left."""

    source: Source
    fixed: list[Diagnostic]
    left: list[Diagnostic]


def mend(source: Source, check: Callable[[Source], list[Diagnostic]]) -> Mended:
    """Apply all fixes in a source, check again, and go on until there are none. Fixes in other files are left."""
    fixed: list[Diagnostic] = []
    left = check(source)
    for _ in range(MOST_ROUNDS):
        chosen = _apart([found for found in left if found.fix and found.fix.span.source is source])
        if not chosen:
            break
        fixed += chosen
        source = Source(source.path, apply(source.text, [found.fix for found in chosen if found.fix]))
        left = check(source)
    return Mended(source, fixed, left)


def _apart(diagnostics: Sequence[Diagnostic]) -> list[Diagnostic]:
    """Those whose fixes do not touch each other, from the beginning of the text on; the others wait for their turn."""
    chosen: list[Diagnostic] = []
    end = -1
    for found in sorted(diagnostics, key=lambda found: found.fix.span.start if found.fix else 0):
        assert found.fix is not None
        if found.fix.span.start > end:
            chosen.append(found)
            end = found.fix.span.end
    return chosen


def apply(text: str, fixes: Sequence[Fix]) -> str:
    """The text after fixes that do not touch each other."""
    for fix in sorted(fixes, key=lambda fix: fix.span.start, reverse=True):
        text = text[: fix.span.start] + fix.text + text[fix.span.end :]
    return text
