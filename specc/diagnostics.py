"""Problems as plain data. How they look on a terminal or in JSON is the business of `render`."""

import re
from collections.abc import Iterable
from difflib import get_close_matches
from itertools import islice
from typing import NamedTuple

from specc.source import Span

# Of more and longer names none is looked for: that would take too long.
MOST_KNOWN = 200
LONGEST = 60
LONG_NAME = re.compile(r"(\w{100})\w+")  # of which a message shows the beginning


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

    `labels` point at other places (both shapes of a mismatch), `notes` tell how the compiler came there. `is_strict`:
    a warning is an error here.
    """

    code: str
    message: str
    span: Span
    label: str = ""
    labels: tuple[Label, ...] = ()
    notes: tuple[str, ...] = ()
    help: str = ""
    fix: Fix | None = None
    is_strict: bool = False

    @property
    def severity(self) -> str:
        return "warning" if self.code.startswith("W") and not self.is_strict else "error"

    def shortened(self) -> "Diagnostic":
        """The same, with long names shortened."""
        return self._replace(
            message=shorten_names(self.message),
            label=shorten_names(self.label),
            labels=tuple(Label(one.span, shorten_names(one.text)) for one in self.labels),
            notes=tuple(map(shorten_names, self.notes)),
            help=shorten_names(self.help),
        )


def nearest(name: str, known: Iterable[str]) -> str:
    """A help line with the known name closest to `name`, or those that it begins; empty where none is close.

    Capitals and underscores count for nothing: `BatchNorm` is as good as `batch_norm`.
    """
    if len(name) > LONGEST:
        return ""
    plain: dict[str, str] = {}
    for other in islice(known, MOST_KNOWN):
        plain.setdefault(_plain(other[:LONGEST]), other)
    matches = get_close_matches(_plain(name), list(plain), n=1, cutoff=0.6)
    if not matches and name:
        matches = [other for other in plain if other.startswith(_plain(name))][:3]
    return f"did you mean {' or '.join(f'`{plain[match]}`' for match in matches)}?" if matches else ""


def correction(span: Span, known: Iterable[str]) -> Fix | None:
    """The repair of a misspelled name: the one known name that is near, where no other is within two slips.

    A slip is a letter too many, too few or wrong, or two neighbors in each other's place. Near is one slip away, or
    two in eight letters or more: `swish` is not meant to be `mish`. Two slips in a name of three letters make another.
    """
    name = span.text
    near = [
        other
        for other in set(islice(known, MOST_KNOWN))
        if slips(_plain(name), _plain(other)) <= (2 if len(other) > 3 else 1)
    ]
    if len(near) != 1 or slips(_plain(name), _plain(near[0])) > (2 if len(name) >= 8 else 1):
        return None
    return Fix(span, near[0])


def slips(name: str, other: str) -> int:
    """How many slips turn one name into the other (optimal string alignment); 3 where it is more than two."""
    if abs(len(name) - len(other)) > 2 or len(name) > LONGEST:
        return 3
    rows = [list(range(len(other) + 1))]
    for i, letter in enumerate(name, 1):
        row = [i]
        for j, wanted in enumerate(other, 1):
            row.append(min(rows[-1][j] + 1, row[-1] + 1, rows[-1][j - 1] + (letter != wanted)))
            if i > 1 and j > 1 and letter == other[j - 2] and name[i - 2] == wanted:
                row[-1] = min(row[-1], rows[-2][j - 2] + 1)
        rows.append(row)
    return min(rows[-1][-1], 3)


def shorten_names(text: str) -> str:
    """A text of a message with the beginning only of names that are longer than anybody reads."""
    return LONG_NAME.sub(r"\1…", text)


def _plain(name: str) -> str:
    return name.replace("_", "").lower()
