"""Tables: some columns of a file, as texts, and the rows of it that cannot be used."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from specc.backend.data.places import few
from specc.diagnostics import nearest
from specc.errors import SpeccError, clean, counted

NAMED = 20  # rows, or columns, that a message names


class Unusable(ValueError):
    """A row that cannot be used. The message says why, and `help` what to do."""

    def __init__(self, message: str, help: str = "correct these rows, or remove them") -> None:
        super().__init__(message)
        self.help = help


class Table(NamedTuple):
    """Some columns of a table, each with a text for every row; an empty one where nothing is given.

    rows: the number of each row, as messages give it, and unit: what it counts, "line" or "row".
    notes: what is said once about how it was read. broken: rows that have no cells to rely on; theirs are empty.
    """

    path: Path
    columns: dict[str, list[str]]
    rows: Sequence[int]
    unit: str
    notes: tuple[str, ...] = ()
    broken: Mapping[int, Unusable] = MappingProxyType({})

    def at(self, row: int) -> str:
        """Where a row is: `line 12`."""
        return f"{self.unit} {self.rows[row]:,}"

    def refused(self, unusable: Mapping[int, Unusable], total: int) -> SpeccError:
        """E414: rows that cannot be used, of `total` that were looked at, in their order."""
        rows = sorted(unusable)
        lines = [f"{len(rows):,} of {counted(total, 'row')} of {self.path} cannot be used:"]
        lines += [f"  {self.at(row)}: {unusable[row]}" for row in rows[:NAMED]]
        lines += [f"  and {len(rows) - NAMED:,} more"] if len(rows) > NAMED else []
        return SpeccError("E414", lines, help=unusable[rows[0]].help, status=1)


def find_columns(path: Path, header: Sequence[str], wanted: Sequence[str]) -> list[int]:
    """Where the wanted columns are. Raises SpeccError E413 where one is not there, or twice."""
    missing = [name for name in wanted if name not in header]
    if missing:
        message = clean(f"{path} has no column {few([f'`{name}`' for name in missing])}")
        help = nearest(missing[0], header) or f"its first row names the columns {few(header, NAMED)}"
        raise SpeccError("E413", message, help=help, status=1)
    twice = next((name for name in wanted if list(header).count(name) > 1), None)
    if twice is not None:
        message = clean(f"{path} has {list(header).count(twice)} columns called `{twice}`")
        raise SpeccError("E413", message, help="give each column a name of its own", status=1)
    return [list(header).index(name) for name in wanted]
