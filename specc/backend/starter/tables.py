"""Which columns of a table a spec names: the images, what is to be learned of them, parts, groups."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from specc.backend.data.places import few
from specc.backend.data.read_table import read_header, read_table
from specc.backend.data.table import Table, find_columns
from specc.backend.images import SUFFIXES
from specc.backend.starter.columns import BESIDE, CLASS_NAMES, LEARNED, Column, describe
from specc.backend.starter.request import Request
from specc.backend.starter.words import quoted, word
from specc.errors import SpeccError, clean, counted

TRIED = 50  # files of a column that are looked for
MOST_CLASSES = 50  # whole numbers of more different values are no classes unless the user says so
OPTIONS = {"classes": "--label", "tags": "--labels", "flags": "--labels", "whole": "--target", "numbers": "--target"}
SHOWN = 12  # columns that a message names


class Chosen(NamedTuple):
    """The arguments of `csv` after its path, and what is to be said of them."""

    arguments: list[str]
    notes: list[str]


def choose_columns(path: Path, request: Request) -> Chosen:
    """The columns of a table, by the user's options, and else by what they hold.

    Raises SpeccError: E413 no such column, or no rows; E414 most rows are not as long as the
    first; E425 it is not clear what is to be learned; E426 no column with image files, or several; and what
    `read_table` raises.
    """
    header = read_header(path)
    asked = [request.image, request.label, *request.labels, *request.target]
    find_columns(path, header, [name for name in asked if name])
    if any(f".{name.rpartition('.')[2].lower()}" in SUFFIXES for name in header if "." in name):
        message = clean(f"the first row of {path} has an image file where a column's name belongs: {few(header)}")
        raise SpeccError("E426", message, help="write the names first, as in `image,label`", status=1)
    names = [name for name in header if name and header.count(name) == 1]
    cells = _sound_rows(read_table(path, names))
    columns = {name: describe(name, cells[name]) for name in names}
    image = request.image or _image(path, list(columns.values()), cells)
    rest = [column for name, column in columns.items() if name != image]
    part = next((column for column in rest if column.kind == "part" and column.name not in asked), None)
    rest = [column for column in rest if column is not part]
    learned, used = _learned(path, rest, request, cells)
    group, several = _group([column for column in rest if column.name not in used])
    arguments = [f"image={word(image)}", learned]
    arguments += [f"part={word(part.name)}"] if part else []
    arguments += [f"group={word(group.name)}"] if group else []
    unused = [
        name for name in names if name not in (image, *used, part.name if part else "", group.name if group else "")
    ]
    notes = [f"not used: {'the columns' if len(unused) > 1 else 'the column'} {few(unused, SHOWN)}"] if unused else []
    if several:
        notes.append(f"{few(several)} may say what belongs together, too: `group` takes one column")
    return Chosen(arguments, notes)


def _sound_rows(table: Table) -> dict[str, list[str]]:
    """The columns without rows of another length than the first. Raises SpeccError E414 where most rows are such."""
    if 2 * len(table.broken) >= len(table.rows):
        raise table.refused(table.broken, len(table.rows))
    kept = [row for row in range(len(table.rows)) if row not in table.broken]
    return {name: [cells[row] for row in kept] for name, cells in table.columns.items()}


def _image(path: Path, columns: Sequence[Column], cells: dict[str, list[str]]) -> str:
    """The column with the image files. Raises SpeccError E426."""
    candidates = [column.name for column in columns if column.kind == "images"]
    if len(candidates) > 1:
        there = {name: _present(path.parent, cells[name]) for name in candidates}
        best = [name for name, count in there.items() if count == max(there.values())]
        candidates = [name for name in best if word(name).lower() in ("image", "file", "filename")] or best
    if len(candidates) == 1:
        return candidates[0]
    if candidates:
        message = clean(f"several columns of {path} name image files: {few(candidates, SHOWN)}")
        raise SpeccError("E426", message, help=f"say which: --image {word(candidates[0])}", status=1)
    lines = [clean(f"no column of {path} names image files:"), *_listed(columns)]
    ending = _ending(path.parent, columns, cells)
    help = "one column has to hold the files' names, endings included, such as cats/1.jpg"
    raise SpeccError("E426", lines, help=f"write the whole name of each file: {ending}" if ending else help, status=1)


def _present(folder: Path, cells: Sequence[str]) -> int:
    return sum((folder / cell).is_file() for cell in cells[:TRIED] if cell)


def _ending(folder: Path, columns: Sequence[Column], cells: dict[str, list[str]]) -> str:
    """The name of a file that a column gives without its ending; an empty text where there is none."""
    for column in columns:
        first = next((cell for cell in cells[column.name] if cell), "")
        for suffix in sorted(SUFFIXES):
            if first and len(first) < 200 and (folder / f"{first}{suffix}").is_file():
                return f"{first}{suffix}"
    return ""


def _learned(
    path: Path, columns: Sequence[Column], request: Request, cells: dict[str, list[str]]
) -> tuple[str, list[str]]:
    """The argument that says what is to be learned, and its columns. Raises SpeccError E425."""
    by_name = {column.name: column for column in columns}
    if request.label:
        return f"label={word(request.label)}", [request.label]
    if request.labels:
        return _labels([by_name[name] for name in request.labels if name in by_name], request.labels)
    if request.target:
        return _target(request.target), list(request.target)
    usable = [c for c in columns if c.kind in ("classes", "tags", "flags", "whole", "numbers")]
    usable = [c for c in usable if c.plain not in BESIDE and c.group_rank < 0]
    named = [column for column in usable if column.plain in LEARNED]
    named = _without_numbers_of_classes(named, cells) if len(named) > 1 else named
    if not named and len(usable) > 1 and all(column.kind == "flags" for column in usable):
        names = [column.name for column in usable]
        return _labels(usable, names)
    candidates = named or usable
    if len(candidates) != 1:
        raise _unclear(path, candidates, columns)
    return _as_learned(path, candidates[0])


def _without_numbers_of_classes(named: Sequence[Column], cells: dict[str, list[str]]) -> list[Column]:
    """The candidates but for whole numbers that stand for the classes of a column of texts."""
    texts = [column for column in named if column.kind == "classes"]
    if len(texts) != 1:
        return list(named)
    names = cells[texts[0].name]
    return [
        column
        for column in named
        if column.kind not in ("whole", "flags")
        or not column.distinct == texts[0].distinct == len(set(zip(names, cells[column.name], strict=True)))
    ]


def _as_learned(path: Path, column: Column) -> tuple[str, list[str]]:
    """The only candidate, by its kind. Raises SpeccError E425 for whole numbers that may be classes."""
    if column.kind == "tags":
        return _labels([column], [column.name])
    if column.kind == "numbers" or (column.kind == "whole" and column.is_amount):
        return _target([column.name]), [column.name]
    if column.kind == "whole":
        is_class = column.plain in CLASS_NAMES and 2 * column.distinct <= column.rows
        many = column.distinct > MOST_CLASSES or 2 * column.distinct > column.rows or column.lowest.startswith("-")
        if many and column.plain not in CLASS_NAMES:
            return _target([column.name]), [column.name]
        if not is_class:
            reach = f"{column.lowest} to {column.highest}"
            message = f"the column `{column.name}` of {path} holds the whole numbers {reach}, "
            message += "which may be classes or a number to predict"
            help = f"--label {word(column.name)} for classes, --target {word(column.name)} for a number"
            raise SpeccError("E425", clean(message), help=help, status=1)
    return f"label={word(column.name)}", [column.name]


def _labels(columns: Sequence[Column], names: Sequence[str]) -> tuple[str, list[str]]:
    """Tags: columns of 0 and 1, or one column of several."""
    if len(names) == 1 and columns and columns[0].kind != "flags":
        return f"labels={word(names[0])}, separator={quoted(columns[0].separator or ';')}", list(names)
    return f"labels=[{', '.join(map(word, names))}]", list(names)


def _target(names: Sequence[str]) -> str:
    return f"target={word(names[0])}" if len(names) == 1 else f"targets=[{', '.join(map(word, names))}]"


def _unclear(path: Path, candidates: Sequence[Column], columns: Sequence[Column]) -> SpeccError:
    if not candidates:
        lines = [clean(f"no column of {path} holds what a network could learn:"), *_listed(columns)]
        help = "classes come again and again; say which column it is with --label, --labels or --target"
        return SpeccError("E425", lines, help=help, status=1)
    lines = [clean(f"several columns of {path} may be what is to be learned:"), *_listed(candidates)]
    helps = list(dict.fromkeys(f"{OPTIONS[column.kind]} {word(column.name)}" for column in candidates))
    return SpeccError("E425", lines, help=f"say which: {' or '.join(helps[:3])}", status=1)


def _listed(columns: Sequence[Column]) -> list[str]:
    lines = [clean(f"  {column.name}: {column.about}") for column in columns[:SHOWN]]
    return lines + ([f"  and {counted(len(columns) - SHOWN, 'more column')}"] if len(columns) > SHOWN else [])


def _group(columns: Sequence[Column]) -> tuple[Column | None, list[str]]:
    """The column whose equal values must not be torn apart, and others that may be meant."""
    named = [c for c in columns if c.group_rank >= 0 and c.is_full and 1 < c.distinct < c.rows]
    named.sort(key=lambda column: column.group_rank)
    return (named[0], [column.name for column in named[1:]]) if named else (None, [])
