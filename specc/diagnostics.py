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
    """A help line with the known name closest to `name`, or those that it begins; empty where none is close.

    Capitals and underscores count for nothing: `BatchNorm` is as good as `batch_norm`.
    """
    plain: dict[str, str] = {}
    for other in known:
        plain.setdefault(_plain(other), other)
    matches = get_close_matches(_plain(name), list(plain), n=1, cutoff=0.6)
    if not matches and name:
        matches = [other for other in plain if other.startswith(_plain(name))][:3]
    return f"did you mean {' or '.join(f'`{plain[match]}`' for match in matches)}?" if matches else ""


def _plain(name: str) -> str:
    return name.replace("_", "").lower()
