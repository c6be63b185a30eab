"""A row for each image: as CSV for programs, and the worst of them as a table for people."""

import csv
from collections.abc import Mapping, Sequence
from io import StringIO
from typing import Any

from specc.errors import clean, counted
from specc.report.layers import columns
from specc.tasks import Task

Row = Mapping[str, Any]
SEPARATOR = ";"  # between several values in a cell


def csv_text(rows: Sequence[Row]) -> str:
    """Rows as CSV with a head (RFC 4180). A table within a row becomes several columns, `numbers.year`; the values of a
    list stand in one cell, and what is not known is an empty one."""
    flat = [_flat(row) for row in rows]
    names = list(dict.fromkeys(name for row in flat for name in row))
    text = StringIO()
    writer = csv.DictWriter(text, names, restval="")
    writer.writeheader()
    writer.writerows(flat)
    return text.getvalue()


def _flat(row: Row) -> dict[str, Any]:
    cells: dict[str, Any] = {}
    for name, value in row.items():
        if isinstance(value, Mapping):
            cells |= {f"{name}.{key}": part for key, part in value.items()}
        elif isinstance(value, list | tuple):
            cells[name] = SEPARATOR.join(map(str, value))
        else:
            cells[name] = "" if value is None else value
    return cells


def mistakes_text(rows: Sequence[Row], task: Task, wrong: int, images: int) -> str:
    """The worst answers as a table, the worst first. rows: as `Measured.rows` gives them. wrong: how many there are."""
    if not rows:
        return "no mistakes"
    head, cells = mistake_cells(rows, task)
    of = f"{wrong:,} of {counted(images, 'image')} {_what(task)}"
    first = f"{of}; the worst, {_order(task)}:" if wrong > len(rows) else f"{of}, {_order(task)}:"
    texts = sum(name in ("image", "class", "answer", "missing", "extra") for name in head)
    return f"{first}\n\n{columns(head, cells, texts=texts)}"


def mistake_cells(rows: Sequence[Row], task: Task) -> tuple[list[str], list[list[str]]]:
    """The headings and the cells of the worst answers: texts first, numbers behind."""
    match task.name:
        case "classification":
            head = ["image", "class", "answer", "p(class)", "p(answer)"]
            keys = ("probability_of_label", "probability_of_answer")
            return head, [
                [clean(row["image"]), clean(row["label"]), clean(row["answer"]), *(f"{row[key]:.2%}" for key in keys)]
                for row in rows
            ]
        case "multi-label":
            head = ["image", "missing", "extra", "loss"]
            return head, [
                [clean(row["image"]), *(_listed(row[key]) for key in ("missing", "extra")), _number(row["loss"])]
                for row in rows
            ]
        case "regression":
            names = list(rows[0]["numbers"])
            head = ["image", *(text for name in names for text in (clean(name), "predicted", "error"))]
            return head, [[clean(row["image"]), *_errors(row, names)] for row in rows]
        case "segmentation":
            head = ["image", "mean IoU", "pixel accuracy", "loss"]
            return head, [
                [
                    clean(row["image"]),
                    task.figures[0].text(row["mean_iou"]),
                    task.figures[0].text(row["pixel_accuracy"]),
                    _number(row["loss"]),
                ]
                for row in rows
            ]
    raise ValueError(task.name)


def _errors(row: Row, names: Sequence[str]) -> list[str]:
    return [
        text
        for name in names
        for text in (f"{row['numbers'][name]:.5g}", f"{row['answers'][name]:.5g}", f"{row['errors'][name]:+.3g}")
    ]


def _listed(names: Sequence[str]) -> str:
    return ", ".join(map(clean, names)) or "–"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"


def _what(task: Task) -> str:
    """What is wrong with so many images."""
    match task.name:
        case "classification":
            return "are classified wrongly"
        case "multi-label":
            return "have a wrong tag"
        case "regression":
            return "have an error"
        case "segmentation":
            return "have a wrong pixel"
    raise ValueError(task.name)


def _order(task: Task) -> str:
    match task.name:
        case "classification":
            return "by the probability of the true class"
        case "multi-label":
            return "by the errors of the wrong probabilities"
        case "regression":
            return "by the mean standardized error"
        case "segmentation":
            return "by the mean IoU of the image"
    raise ValueError(task.name)
