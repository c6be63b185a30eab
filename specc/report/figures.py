"""Tables of the figures of a network's outputs: of tags, of numbers, of the classes of pixels."""

from collections.abc import Sequence
from typing import Any

from specc.errors import clean

HEADINGS = {"average_precision": "average precision", "iou": "IoU", "dice": "Dice", "f1": "F1", "r2": "R²",
            "support": "images"}  # fmt: skip
UNITS = ("mae", "rmse", "mean", "deviation", "r2")  # numbers that are no shares


def output_cells(rows: Sequence[Any], word: str) -> list[list[str]]:
    """The cells of a table with its head. rows: named tuples, as `BoundTask.by_output` gives them. word: what they are
    of, as "tag"."""
    names = rows[0]._fields[1:]
    head = [word, *(HEADINGS.get(name, name) for name in names)]
    return [head, *([clean(row.name), *(_text(name, getattr(row, name)) for name in names)] for row in rows)]


def _text(name: str, value: float | None) -> str:
    if value is None:
        return "–"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.4g}" if name in UNITS else f"{value:.2%}"
