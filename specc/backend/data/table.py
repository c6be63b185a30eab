"""Tables: the columns of a CSV or Parquet file that are asked for, as texts."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from specc.backend.data.places import counted, damaged, few, unreadable
from specc.backend.foreign import ANNEX, LOOKED_AT, described
from specc.diagnostics import nearest
from specc.errors import SpeccError, clean
from specc.files import read_file, size_of

MOST_BYTES = 1 << 28  # of a CSV file
NAMED = 20  # rows that a message names
DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs"}
PARQUET = (".parquet", ".pq")
# What other programs write in place of UTF-8, by its first bytes.
ENCODINGS = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}


class Table(NamedTuple):
    """Some columns of a table, each with a text for every row; an empty one where nothing is given.

    rows: the number of each row, as messages give it, and unit: what it counts, "line" or "row".
    notes: what is said once about how it was read.
    """

    path: Path
    columns: dict[str, list[str]]
    rows: Sequence[int]
    unit: str
    notes: tuple[str, ...] = ()

    def at(self, row: int) -> str:
        """Where a row is: `line 12`."""
        return f"{self.unit} {self.rows[row]:,}"


class Problems:
    """What is wrong with the rows of a table: the first of them, how many there are, and what to do about the first."""

    def __init__(self) -> None:
        self.first: list[str] = []
        self.count = 0
        self.help = ""

    def add(self, text: str, help: str) -> None:
        self.count += 1
        self.help = self.help or help
        if self.count <= NAMED:
            self.first.append(text)

    def error(self, path: Path, total: int) -> SpeccError:
        """E414, with the rows that are named and the number of the others. total: the rows that were looked at."""
        more = [f"  and {self.count - NAMED:,} more"] if self.count > NAMED else []
        lines = [f"{self.count:,} of {total:,} rows of {path} cannot be used:", *(f"  {line}" for line in self.first)]
        return SpeccError("E414", [*lines, *more], help=self.help, status=1)


def read_table(path: Path, wanted: Sequence[str]) -> Table:
    """The wanted columns of a table, without the spaces around their texts.

    Raises SpeccError: E402 what is no table, or a damaged one; E410 one that may not be read; E413 columns that are not
    there, or are there twice, no rows; E414 rows of more or fewer cells than there are columns; E417 no pyarrow.
    """
    if path.suffix.lower() in PARQUET:
        from specc.backend.data.parquet import read_parquet

        table = read_parquet(path, wanted)
    else:
        table = _read_csv(path, wanted)
    if not table.rows:
        raise SpeccError("E413", clean(f"{path} has no rows"), help="a row for each image", status=1)
    return _stripped(table)


def read_header(path: Path) -> list[str]:
    """The names of a table's columns: for Parquet, of those that hold texts, numbers or truth values.

    Raises SpeccError as `read_table` does.
    """
    if path.suffix.lower() in PARQUET:
        from specc.backend.data.parquet import parquet_header

        return parquet_header(path)
    text = _text(path)
    try:
        return _header(text, _delimiter(text, ()))
    except csv.Error as error:
        raise damaged(path, f"is not a sound CSV file: line 1: {error}") from None


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


def _read_csv(path: Path, wanted: Sequence[str]) -> Table:
    text = _text(path)
    try:
        delimiter = _delimiter(text, wanted)
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        header = [cell.strip() for cell in next(filter(None, reader), [])]
        places = find_columns(path, header, wanted)
        columns: list[list[str]] = [[] for _ in wanted]
        rows: list[int] = []
        problems, total, line = Problems(), 0, reader.line_num + 1
        for cells in reader:
            total += bool(cells)
            if len(cells) == len(header):
                rows.append(line)
                for column, place in zip(columns, places, strict=True):
                    column.append(cells[place])
            elif cells:
                found = f"line {line:,} has {len(cells):,} cells, but the first row has {len(header):,}"
                problems.add(found, "put cells that contain the separator or a line break in double quotes")
            line = reader.line_num + 1
    except csv.Error as error:
        raise damaged(path, f"is not a sound CSV file: line {reader.line_num:,}: {error}") from None
    if problems.count:
        raise problems.error(path, total)
    notes = () if delimiter == "," else (f"{clean(path.name)} is separated by {DELIMITERS[delimiter]}",)
    return Table(path, dict(zip(wanted, columns, strict=True)), rows, "line", notes)


def _text(path: Path) -> str:
    """The text of a CSV file. Raises SpeccError E402 where it is none, E410 where it cannot be read."""
    try:
        if (size := size_of(path)) > MOST_BYTES:
            raise damaged(path, f"has {size:,} bytes, but at most {MOST_BYTES:,} are allowed for a CSV file")
        content = read_file(path, MOST_BYTES)
    except OSError as error:
        raise unreadable(path, error) from None
    start = content[:LOOKED_AT].lstrip(b"\xef\xbb\xbf").lstrip()
    if not start:
        raise damaged(path, "is empty")
    if start.startswith((b"version https://git-lfs", b"<")) or ANNEX.match(start):
        raise _no_text(path, described(content))
    encoding = next((name for mark, name in ENCODINGS.items() if content.startswith(mark)), "")
    if encoding:
        raise _no_text(path, f"it is {encoding} text; save it as UTF-8")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if b"\0" in content[:LOOKED_AT]:
            raise _no_text(path, described(content)) from None
        line = content.count(b"\n", 0, error.start) + 1
        raise _no_text(path, f"line {line:,} is not UTF-8 text; save it as UTF-8") from None
    if "\0" in text:
        raise _no_text(path, described(content) if b"\0" in content[:LOOKED_AT] else "it holds zero bytes")
    return text


def _no_text(path: Path, found: str) -> SpeccError:
    help = "a table is a CSV file in UTF-8, or a Parquet file that is called .parquet"
    return SpeccError("E402", clean(f"{path} is not a CSV file: {found}"), help=help, status=1)


def _delimiter(text: str, wanted: Sequence[str]) -> str:
    """What separates the cells of the first row: that by which most of the wanted columns, or else most are there."""

    def columns(delimiter: str) -> tuple[int, int]:
        try:
            header = _header(text, delimiter)
        except csv.Error:
            return 0, 0
        return sum(name in header for name in wanted), len(header)

    return max(DELIMITERS, key=columns)  # the first of equal ones


def _header(text: str, delimiter: str) -> list[str]:
    """The cells of the first row that has any."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    return [cell.strip() for cell in next(filter(None, reader), [])]


def _stripped(table: Table) -> Table:
    """The table without the spaces around its texts; and says so."""
    count, columns = 0, {}
    for name, cells in table.columns.items():
        columns[name] = [cell.strip() for cell in cells]
        count += sum(len(old) != len(new) for old, new in zip(cells, columns[name], strict=True))
    notes = (f"spaces around {counted(count, 'cell')} of {clean(table.path.name)} are left out",) if count else ()
    return table._replace(columns=columns, notes=(*table.notes, *notes))
