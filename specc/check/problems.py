"""The list of what is wrong. One mistake gives one message, however often a loop or a variant comes across it."""

from specc.diagnostics import Diagnostic, Fix, Label
from specc.source import Span


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
        help: str = "",
        fix: Fix | None = None,
    ) -> None:
        self.add(Diagnostic(code, message, span, label, labels, notes, help, fix))

    def add(self, diagnostic: Diagnostic) -> None:
        span = diagnostic.span
        self.found.setdefault((diagnostic.code, span.source.path, span.start, span.end), diagnostic)

    def merge(self, others: "Problems", note: str) -> None:
        """Add what is not known yet, with a note that says in which variant it was found."""
        for diagnostic in others.found.values():
            self.add(diagnostic._replace(notes=(*diagnostic.notes, note)))

    def listed(self) -> list[Diagnostic]:
        """All of them, in the order of the text."""
        return sorted(self.found.values(), key=lambda d: (d.span.source.path, d.span.start, d.code))
