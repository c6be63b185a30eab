"""CSV files: texts in UTF-8, separated by commas, semicolons or tabs."""

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path

from specc.backend.data.places import damaged, unreadable
from specc.backend.data.table import Table, Unusable, find_columns
from specc.backend.foreign import ANNEX, LOOKED_AT, described
from specc.errors import SpeccError, clean, counted
from specc.files import read_file, size_of

MOST_BYTES = 1 << 28  # of a CSV file
DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs"}
QUOTES = "put cells that contain the separator or a line break in double quotes"
# What other programs write in place of UTF-8, by its first bytes.
ENCODINGS = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}


def read_delimited(path: Path, wanted: Sequence[str]) -> Table:
    """The wanted columns of a CSV file, as they are written.

    Raises SpeccError: E402 what is no CSV file, or a damaged one; E410 one that may not be read; E413 columns that are
    not there, or are there twice.
    """
    text = _text(path)
    try:
        delimiter = _delimiter(text, wanted)
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        header = _first_row(reader)
        places = find_columns(path, header, wanted)
        columns: list[list[str]] = [[] for _ in wanted]
        rows: list[int] = []
        broken: dict[int, Unusable] = {}
        line = reader.line_num + 1
        for cells in reader:
            if cells:
                is_whole = len(cells) == len(header)
                if not is_whole:
                    message = f"{counted(len(cells), 'cell')}, but the first row has {len(header):,}"
                    broken[len(rows)] = Unusable(message, QUOTES)
                rows.append(line)
                for column, place in zip(columns, places, strict=True):
                    column.append(cells[place] if is_whole else "")
            line = reader.line_num + 1
    except csv.Error as error:
        raise damaged(path, f"is not a sound CSV file: line {reader.line_num:,}: {error}") from None
    notes = () if delimiter == "," else (f"{clean(path.name)} is separated by {DELIMITERS[delimiter]}",)
    return Table(path, dict(zip(wanted, columns, strict=True)), rows, "line", notes, broken)


def delimited_header(path: Path) -> list[str]:
    """The names of a CSV file's columns. Raises SpeccError: E402, E410 as `read_delimited` does."""
    text = _text(path)
    try:
        return _header(text, _delimiter(text, ()))
    except csv.Error as error:
        raise damaged(path, f"is not a sound CSV file: line 1: {error}") from None


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
    return _first_row(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))


def _first_row(reader: Iterator[list[str]]) -> list[str]:
    """The cells of the first row that has any."""
    return [cell.strip() for cell in next(filter(None, reader), [])]
