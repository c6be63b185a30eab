"""Collects problems. One mistake gives one message, however often a loop or a variant runs into it."""

from collections.abc import Callable, Iterable, Sequence

from specc.diagnostics import Diagnostic, Label, correction
from specc.ir.graph import Frame
from specc.source import Span

MOST = 100
MOST_WARNINGS = 75  # so that warnings leave room for errors
MOST_PLACES = 5
MISSING = ("E201", "E213")  # an unknown name
Place = tuple[str, str, int, int]


class Problems:
    """Collects diagnostics; a second one with the same code at the same place is the same mistake.

    No pass asks it anything. unread: the words of the lines that could not be read; a missing name may have
    been declared there, so it is not reported.
    """

    def __init__(self, unread: frozenset[str] = frozenset()) -> None:
        self.unread = unread
        self.found: dict[Place, Diagnostic] = {}
        self.seen: set[Place] = set()
        self.missing: dict[tuple[str, str], Place] = {}  # by source and message

    def report(
        self,
        code: str,
        message: str,
        span: Span,
        *,
        label: str = "",
        labels: tuple[Label, ...] = (),
        notes: tuple[str, ...] = (),
        help: str | Callable[[], str] = "",
        known: Callable[[], Iterable[str]] | None = None,
        name: str | None = None,
    ) -> None:
        """Add a problem. `help` may be a function where looking for it takes time; a loop may come here often.

        known: the names that a misspelled one at `span` may stand for. name: that one, where `span` may hold another
        that only stands for it, as a parameter does for the layer that a call gives it: nothing is mended there.
        """
        if self._is_new(code, span):
            fix = correction(span, known()) if known and name in (None, span.text) else None
            advice = help if isinstance(help, str) else help()
            if code in MISSING and span.text in self.unread:
                self.seen.add(_place(code, span))
            else:
                self.add(Diagnostic(code, message, span, label, labels, notes, advice, fix))

    @property
    def are_too_many(self) -> bool:
        return len(self.found) >= MOST

    @property
    def has_errors(self) -> bool:
        return any(diagnostic.severity == "error" for diagnostic in self.found.values())

    def _is_new(self, code: str, span: Span) -> bool:
        return not self.are_too_many and _place(code, span) not in self.seen

    def add(self, diagnostic: Diagnostic) -> None:
        if diagnostic.severity == "warning" and len(self.found) >= MOST_WARNINGS:
            return
        if self._is_new(diagnostic.code, diagnostic.span):
            place = _place(diagnostic.code, diagnostic.span)
            self.seen.add(place)
            if not self._is_missing_elsewhere(diagnostic, place):
                self.found[place] = diagnostic

    def _is_missing_elsewhere(self, diagnostic: Diagnostic, place: Place) -> bool:
        """Whether the same name is missing elsewhere, too: that is one mistake with two places."""
        if diagnostic.code not in MISSING:
            return False
        first = self.missing.setdefault((place[1], diagnostic.message), place)
        if first == place:
            return False
        earlier = self.found[first]
        if len(earlier.labels) < MOST_PLACES:
            # It is not certain which is misspelled, all of these or the one declaration: no automatic fix.
            self.found[first] = earlier._replace(
                labels=(*earlier.labels, Label(diagnostic.span, "also here")), fix=None
            )
        return True

    def merge(self, others: "Problems", note: str) -> None:
        """Add the problems that are new, with a note that names their variant."""
        for diagnostic in others.found.values():
            self.add(diagnostic._replace(notes=(*diagnostic.notes, note)))

    def listed(self) -> list[Diagnostic]:
        """All of them, in the order of the text; the last one says so where there are too many."""
        found = sorted(self.found.values(), key=lambda d: (d.span.source.path, d.span.start, d.code))
        if self.are_too_many:
            found.append(Diagnostic("E106", f"stopped after {MOST} problems; there may be more", found[-1].span))
        return [one.shortened() for one in found]


def _place(code: str, span: Span) -> Place:
    return code, span.source.path, span.start, span.end


def chain(trail: Sequence[Frame], most: int = 8) -> tuple[str, ...]:
    """How the compiler got to a place, the last step first. A repeated step is listed once."""
    steps: list[tuple[str, int]] = []
    for frame in reversed(trail):
        if steps and steps[-1][0] == frame.text:
            steps[-1] = (frame.text, steps[-1][1] + 1)
        elif len(steps) < most:
            steps.append((frame.text, 1))
        else:
            break
    return tuple(text + (f" ({times} times in a row)" if times > 1 else "") for text, times in steps)
