"""The list of what is wrong. One mistake gives one message, however often a loop or a variant comes across it."""

from collections.abc import Callable, Iterable

from specc.diagnostics import Diagnostic, Label, correction
from specc.source import Span

MOST = 200
MOST_WARNINGS = 150  # so that warnings leave room for errors


class Problems:
    """Collects diagnostics; a second one with the same code at the same place is the same mistake."""

    def __init__(self) -> None:
        self.found: dict[tuple[str, str, int, int], Diagnostic] = {}

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
    ) -> None:
        """Add a problem. `help` may be a function where looking for it takes time; a loop may come here often.

        known: the names that may have been meant, where a misspelt one stands at `span`.
        """
        if self._is_new(code, span):
            fix = correction(span, known()) if known else None
            told = help if isinstance(help, str) else help()
            self.add(Diagnostic(code, message, span, label, labels, notes, told, fix))

    @property
    def are_too_many(self) -> bool:
        return len(self.found) >= MOST

    @property
    def has_errors(self) -> bool:
        return any(diagnostic.severity == "error" for diagnostic in self.found.values())

    def _is_new(self, code: str, span: Span) -> bool:
        return not self.are_too_many and (code, span.source.path, span.start, span.end) not in self.found

    def add(self, diagnostic: Diagnostic) -> None:
        span = diagnostic.span
        if diagnostic.severity == "warning" and len(self.found) >= MOST_WARNINGS:
            return
        if self._is_new(diagnostic.code, span):
            self.found[diagnostic.code, span.source.path, span.start, span.end] = diagnostic

    def merge(self, others: "Problems", note: str) -> None:
        """Add what is not known yet, with a note that says in which variant it was found."""
        for diagnostic in others.found.values():
            self.add(diagnostic._replace(notes=(*diagnostic.notes, note)))

    def listed(self) -> list[Diagnostic]:
        """All of them, in the order of the text; the last one says so where there are too many."""
        found = sorted(self.found.values(), key=lambda d: (d.span.source.path, d.span.start, d.code))
        if self.are_too_many:
            found.append(Diagnostic("E106", f"{MOST} problems are listed; there may be more", found[-1].span))
        return found
