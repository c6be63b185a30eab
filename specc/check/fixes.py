"""Applies the fixes that diagnostics carry to a source."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from specc.diagnostics import Diagnostic, Fix, shorten_names
from specc.source import Source

MOST_ROUNDS = 20  # one fix may make another possible: a `let` that only a removed one used


class Mended(NamedTuple):
    """A source after its fixes, the problems that were fixed, at their places at the time, and those that remain."""

    source: Source
    fixed: list[Diagnostic]
    left: list[Diagnostic]


def mend(source: Source, check: Callable[[Source], list[Diagnostic]]) -> Mended:
    """Apply all fixes in a source, check again, and go on until there are none. Fixes in other files are left."""
    fixed: list[Diagnostic] = []
    left = check(source)
    for _ in range(MOST_ROUNDS):
        chosen = _apart([diagnostic for diagnostic in left if diagnostic.fix and diagnostic.fix.span.source is source])
        if not chosen:
            break
        fixed += chosen
        source = Source(source.path, apply(source.text, [diagnostic.fix for diagnostic in chosen if diagnostic.fix]))
        left = check(source)
    return Mended(source, fixed, left)


def described(fix: Fix) -> str:
    """What a fix does: "replaced `a` with `b`"."""
    old, new = (shorten_names(" ".join(text.split()).strip(", ")) for text in (fix.span.text, fix.text))
    return f"replaced `{old}` with `{new}`" if old and new else f"added `{new}`" if new else f"removed `{old}`"


def _apart(diagnostics: Sequence[Diagnostic]) -> list[Diagnostic]:
    """Those whose fixes do not touch each other, from the beginning of the text on; the others wait for their turn."""
    chosen: list[Diagnostic] = []
    end = -1
    for diagnostic in sorted(diagnostics, key=lambda diagnostic: diagnostic.fix.span.start if diagnostic.fix else 0):
        assert diagnostic.fix is not None
        if diagnostic.fix.span.start > end:
            chosen.append(diagnostic)
            end = diagnostic.fix.span.end
    return chosen


def apply(text: str, fixes: Sequence[Fix]) -> str:
    """The text after fixes that do not touch each other."""
    for fix in sorted(fixes, key=lambda fix: fix.span.start, reverse=True):
        text = text[: fix.span.start] + fix.text + text[fix.span.end :]
    return text
