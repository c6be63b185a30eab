"""`csv`: a table of image files, and what is to be learned of each."""

import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from specc.backend.data.cells import Value, names_of, reader, tensor_of
from specc.backend.data.parts import PART_OF, TRAIN, WORD_OF
from specc.backend.data.paths import find_path, outside
from specc.backend.data.places import Where, few
from specc.backend.data.raw import Files, Given, Part, Raw, Unlabeled
from specc.backend.data.read_table import read_table
from specc.backend.data.table import Table, Unusable
from specc.backend.images import SUFFIXES
from specc.errors import SpeccError, clean, counted
from specc.tricks.source import LEARNED, learned
from specc.values import Args

SHOWN = 3  # examples that a note gives


class _Rows(NamedTuple):
    """The rows of a part: the image of each, what it is to be learned as, its group, and its number in the table.

    unusable: the rows that cannot be used, by number.
    """

    names: list[str]
    values: list[Value]
    groups: list[str]
    numbers: list[int]
    unusable: dict[int, Unusable]


class _Source:
    """A table as the arguments of `csv` read it. columns: those of what is to be learned."""

    def __init__(self, a: Args, path: Path) -> None:
        self.a, self.path, self.root = a, path, path.parent
        self.learns = learned(a)
        value = getattr(a, self.learns)
        self.columns = [value] if isinstance(value, str) else list(value)
        optional = [column for column in (a.part, a.group) if column is not None]
        self.table: Table = read_table(path, [a.image, *self.columns, *optional])
        self.cells = [self.table.columns[column] for column in self.columns]
        self.read = reader(self.learns, self.columns, a.separator)
        self.seen: dict[str, tuple[int, Value]] = {}  # the first row of each image, and its value

    def parts(self) -> tuple[dict[str, list[int]], dict[str, str], dict[int, Unusable]]:
        """The rows of each part, what the table calls the part, and the rows that are of none."""
        if self.a.part is None:
            return {TRAIN: list(range(len(self.table.rows)))}, {}, {}
        rows: dict[str, list[int]] = {}
        words: dict[str, str] = {}
        lost = dict(self.table.broken)
        for row, cell in enumerate(self.table.columns[self.a.part]):
            part = PART_OF.get(cell.lower())
            if row in lost:
                continue
            if part is None:
                message = f"`{self.a.part}` is {f'`{cell}`' if cell else 'empty'}"
                lost[row] = Unusable(message, "a part is train, validation (or val, valid) or test")
            else:
                rows.setdefault(part, []).append(row)
                words.setdefault(part, cell)
        return rows, words, lost

    def rows(self, part: str, numbers: Sequence[int]) -> _Rows | Unlabeled:
        """The rows of a part."""
        if part != TRAIN and not any(cells[row] for row in numbers for cells in self.cells):
            return Unlabeled(f"{counted(len(numbers), 'image')} without labels")
        result = _Rows([], [], [], [], {})
        for row in numbers:
            try:
                name, value, group = self._row(row)
            except Unusable as error:
                result.unusable[row] = error
                continue
            result.names.append(name)
            result.values.append(value)
            result.groups.append(group)
            result.numbers.append(row)
        return result

    def _row(self, row: int) -> tuple[str, Value, str]:
        """The image, the value and the group of a row. Raises Unusable."""
        if row in self.table.broken:
            raise self.table.broken[row]
        texts = [cells[row] for cells in self.cells]
        text = self.table.columns[self.a.image][row]
        group = self.table.columns[self.a.group][row] if self.a.group is not None else ""
        used = [(self.a.image, text), *zip(self.columns, texts, strict=True)]
        used += [(self.a.group, group)] if self.a.group is not None else []
        empty = [f"`{column}`" for column, cell in used if not cell]
        if empty:
            none = f'; for an image without tags write "{self.a.separator}"' if self.a.separator is not None else ""
            help = f"fill in these cells, or remove the rows{none}"
            raise Unusable(f"{few(empty)} {'is' if len(empty) == 1 else 'are'} empty", help)
        name, value = _name(self.root, text), self.read(texts)
        first, other = self.seen.setdefault(name, (row, value))
        if other != value:
            several = ": labels=COLUMN with a separator learns several tags" if self.learns == "label" else ""
            raise Unusable(f"{name} has another label in {self.table.at(first)}", f"give each image one row{several}")
        if not self.a.skip_broken:  # else it is named with those that cannot be read
            _refuse_missing(self.root, name)
        return name, value, group


def read_csv(a: Args, where: Where) -> Raw:
    """The images of a table, in the order of its rows.

    The names of classes, and of tags in one column, are those of the training part, in natural order; tags and numbers
    in columns of their own are called like these.

    Raises SpeccError: E403 no such file; E402, E410, E413, E414, E417 and E479 as `read_table`; E413 fewer than two
    classes, no training part; E414 rows that cannot be used.
    """
    path = find_path(a.path, where, "file")
    source = _Source(a, path)
    table = source.table
    numbers, words, lost = source.parts()
    read = {part: source.rows(part, rows) for part, rows in numbers.items()}
    if lost:  # with the other rows that cannot be used, whichever part they are of
        every = lost | {
            row: error for rows in read.values() if isinstance(rows, _Rows) for row, error in rows.unusable.items()
        }
        raise table.refused(every, len(table.rows))
    train = read.get(TRAIN)
    if train is None:
        message = clean(f"{path} has no row whose `{a.part}` is `train`")
        raise SpeccError("E413", message, help="there must be images to train on", status=1)
    assert isinstance(train, _Rows)
    if train.unusable:
        raise table.refused(train.unusable, len(numbers[TRAIN]))
    task = LEARNED[source.learns]
    names = names_of(source.columns, train.values)
    if len(names) < task.at_least:
        raise _too_few(path, source.columns[0], names)

    def part(rows: _Rows) -> Part:
        files = Files(source.root, rows.names, a.skip_broken)
        return Part(files, tensor_of(task, rows.values, names), rows.groups if a.group is not None else ())

    def given(name: str) -> Given:
        rows = read.get(name)
        if not isinstance(rows, _Rows):
            return rows
        if rows.unusable:
            return table.refused(rows.unusable, len(numbers[name]))
        extra = [other for other in names_of(source.columns, rows.values) if other not in names]
        return _other(path, name, extra) if extra else part(rows)

    parts = {name: rows for name, rows in read.items() if isinstance(rows, _Rows)}
    notes = [*outside(source.root, where), *table.notes, *_odd_paths(source.root, parts)]
    notes += [*_repeated(parts, table), *_torn(parts)]
    return Raw(names, part(train), given("test"), given("validation"), words, tuple(notes), task)


def _name(root: Path, text: str) -> str:
    """An image's path from the folder of the table, written in one way only."""
    path = Path(text)
    if path.is_absolute() and path.is_relative_to(root.absolute()):
        path = path.relative_to(root.absolute())
    return path.as_posix()


def _refuse_missing(root: Path, name: str) -> None:
    """Raise Unusable where a file is not there, or is none."""
    help = f"paths count from the folder of the table, {root}"
    try:
        mode = (root / name).stat().st_mode
    except OSError as error:
        if not isinstance(error, FileNotFoundError | NotADirectoryError):
            raise Unusable(f"{name} cannot be opened: {error.strerror or error}") from None
        if "\\" in name and os.sep == "/":
            help = "write `/` between folders, not backslashes"
        ending = next((suffix for suffix in sorted(SUFFIXES) if (root / f"{name}{suffix}").is_file()), "")
        if ending:
            help = f"write the whole name of each file: {name}{ending}"
        raise Unusable(f"{name} is not there", help) from None
    if not stat.S_ISREG(mode):
        raise Unusable(f"{name} is a {'folder' if stat.S_ISDIR(mode) else 'pipe, a socket or a device'}", help)


def _too_few(path: Path, column: str, names: Sequence[str]) -> SpeccError:
    """E413: a single class, or no tag."""
    what = f"holds only one class, {few(names)}" if names else "holds no tags"
    help = "give at least two classes to tell apart" if names else "tag some of the images"
    return SpeccError("E413", clean(f"the column `{column}` of {path} {what}"), help=help, status=1)


def _other(path: Path, part: str, extra: Sequence[str]) -> SpeccError:
    message = clean(f"the {WORD_OF[part]} rows of {path} have classes that its training rows do not have: {few(extra)}")
    help = "what is measured has to be learned: add images of these classes to the training rows, too"
    return SpeccError("E407", message, help=help, status=1)


def _odd_paths(root: Path, parts: dict[str, _Rows]) -> list[str]:
    """A note for images that lie outside the folder of the table."""
    names = [name for rows in parts.values() for name in rows.names if name.startswith(("/", "../")) or "/../" in name]
    if not names:
        return []
    return [f"outside the folder of the table: {counted(len(names), 'image')}, such as {few(names[:1])}"]


def _repeated(parts: dict[str, _Rows], table: Table) -> list[str]:
    """A note for images that are listed more than once; in each case with the same label."""
    places: dict[str, list[tuple[str, int]]] = {}
    for part, rows in parts.items():
        for name, number in zip(rows.names, rows.numbers, strict=True):
            places.setdefault(name, []).append((part, number))
    notes = []
    several = {name: rows for name, rows in places.items() if len(rows) > 1}
    torn = {name: rows for name, rows in several.items() if len({part for part, _ in rows}) > 1}
    for repeated, words in ((several, "listed more than once, each row counts"), (torn, "in more than one part")):
        named = [
            f"{clean(name)} ({table.unit}s {', '.join(f'{table.rows[number]:,}' for _, number in rows[:SHOWN])})"
            for name, rows in list(repeated.items())[:SHOWN]
        ]
        more = f" and {len(repeated) - SHOWN:,} more" if len(repeated) > SHOWN else ""
        notes += [f"{words}: {counted(len(repeated), 'image')}: {'; '.join(named)}{more}"] if repeated else []
    return notes


def _torn(parts: dict[str, _Rows]) -> list[str]:
    """A note for groups that the table itself puts into several parts."""
    where: dict[str, set[str]] = {}
    for part, rows in parts.items():
        for group in set(rows.groups) - {""}:
            where.setdefault(group, set()).add(part)
    torn = sorted(group for group, names in where.items() if len(names) > 1)
    return [f"in more than one part: {counted(len(torn), 'group')}: {few(torn)}"] if torn else []
