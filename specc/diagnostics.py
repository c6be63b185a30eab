"""Problems as plain data. How they look on a terminal or in JSON is the business of `render`."""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import NamedTuple

from specc.source import Span


class Label(NamedTuple):
    """A second place that belongs to a problem, with what is to be said about it."""

    span: Span
    text: str


class Fix(NamedTuple):
    """A repair that is certain: replace `span` by `text`."""

    span: Span
    text: str


class Diagnostic(NamedTuple):
    """One problem: a stable code, what is wrong and where, and how to mend it.

    `labels` point at other places (both shapes of a mismatch), `notes` tell how the compiler came there.
    """

    code: str
    message: str
    span: Span
    label: str = ""
    labels: tuple[Label, ...] = ()
    notes: tuple[str, ...] = ()
    help: str = ""
    fix: Fix | None = None

    @property
    def severity(self) -> str:
        return "warning" if self.code.startswith("W") else "error"


def nearest(name: str, known: Iterable[str]) -> str:
    """A help line with the known name closest to `name`; empty where none is close."""
    matches = get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"did you mean `{matches[0]}`?" if matches else ""
