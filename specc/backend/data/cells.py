"""What the cells of a table say of an image: a class, tags or numbers."""

import re
from collections.abc import Callable, Sequence
from math import isfinite
from typing import cast

import torch
from torch import Tensor

from specc.backend.data.order import natural
from specc.backend.data.table import Unusable
from specc.tasks import MULTILABEL, Task

NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?", re.IGNORECASE | re.ASCII)
TRUTHS = {"true": 1.0, "false": 0.0}
LONGEST = 40  # characters of a cell that a message quotes

Value = str | frozenset[str] | tuple[float, ...]  # a class; tags; numbers, or 0 and 1 for each tag


def reader(learns: str, columns: Sequence[str], separator: str | None) -> Callable[[Sequence[str]], Value]:
    """What reads the cells of a row, none of them empty. It raises Unusable.

    learns: the argument of `csv` that says what is to be learned. columns: those that it names.
    """
    if learns == "label":
        return lambda cells: cells[0]
    if learns == "labels" and separator is not None:
        return lambda cells: _tags(cells[0], separator)
    one = _flag if learns == "labels" else _number
    return lambda cells: tuple(one(column, cell) for column, cell in zip(columns, cells, strict=True))


def names_of(columns: Sequence[str], values: Sequence[Value]) -> tuple[str, ...]:
    """What the outputs are called: the classes or tags that occur, in natural order; or the columns."""
    if isinstance(values[0], tuple):
        return tuple(columns)
    names = {name for value in values for name in ([value] if isinstance(value, str) else cast(frozenset[str], value))}
    return tuple(sorted(names, key=natural))


def tensor_of(task: Task, values: Sequence[Value], names: Sequence[str]) -> Tensor:
    """The labels of a part, as `specc.backend.data.raw.Part` has them."""
    place = {name: number for number, name in enumerate(names)}
    if isinstance(values[0], str):
        return torch.tensor([place[cast(str, value)] for value in values], dtype=torch.int64)
    if isinstance(values[0], tuple):
        return torch.tensor(values, dtype=torch.float32 if task is MULTILABEL else torch.float64)
    labels = torch.zeros(len(values), len(names))
    for row, tags in enumerate(values):
        labels[row, [place[tag] for tag in cast(frozenset[str], tags)]] = 1
    return labels


def _tags(cell: str, separator: str) -> frozenset[str]:
    """The tags of a cell; none where it holds nothing but separators."""
    tags = [tag for part in cell.split(separator) if (tag := part.strip())]
    twice = next((tag for tag in tags if tags.count(tag) > 1), None)
    if twice is not None:
        raise Unusable(f"the tag `{twice}` is there twice")
    return frozenset(tags)


def _flag(column: str, cell: str) -> float:
    number = TRUTHS.get(cell.lower(), float(cell) if NUMBER.fullmatch(cell) else None)
    if number is None or number not in (0, 1):
        raise Unusable(f"`{column}` is {_quoted(cell)}, which is neither 0 nor 1")
    return number


def _number(column: str, cell: str) -> float:
    number = float(cell) if NUMBER.fullmatch(cell) else None
    if number is None:
        has_comma = NUMBER.fullmatch(cell.replace(",", ".", 1))
        help = "write numbers with a decimal point" if has_comma else "write a number, or remove these rows"
        raise Unusable(f"`{column}` is {_quoted(cell)}, which is not a number", help)
    if not isfinite(number):
        raise Unusable(f"`{column}` is {_quoted(cell)}, which is not a finite number")
    return number


def _quoted(cell: str) -> str:
    return f"`{cell[:LONGEST]}{'…' if len(cell) > LONGEST else ''}`"
