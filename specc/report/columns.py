"""Rows of text in columns, for a terminal."""

from collections.abc import Container, Sequence

Row = Sequence[str]


def columns(rows: Sequence[Row], right: Container[int]) -> list[str]:
    """Rows, the first of them headings, in columns; those of the numbers `right` end in line."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            f"{cell:>{width}}" if column in right else f"{cell:<{width}}"
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in (rows[0], ["-" * width for width in widths], *rows[1:])
    ]
