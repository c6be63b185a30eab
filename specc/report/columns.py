"""Tables for people: in columns, or as a list where the terminal is too narrow for them."""

from collections.abc import Container, Sequence

from specc.fit import fitted, limit

Row = Sequence[str]


def columns(rows: Sequence[Row], right: Container[int], *, ruled: bool = True) -> list[str]:
    """Rows, the first of them headings, in columns; those of the numbers `right` end in line.
    ruled: with a line below the headings.

    Where they do not fit, each row becomes a list: its first cell, and below it the others with their headings.
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    if 0 < limit() < sum(widths) + 2 * (len(widths) - 1):
        return [line for row in rows[1:] for line in _listed(rows[0], row)]
    rule = [["-" * width if head else "" for width, head in zip(widths, rows[0], strict=True)]] if ruled else []
    return [
        "  ".join(
            f"{cell:>{width}}" if column in right else f"{cell:<{width}}"
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in (rows[0], *rule, *rows[1:])
    ]


def _listed(head: Row, row: Row) -> list[str]:
    """A row by itself. A sign before its name, such as `+`, stands on the line of the name."""
    names = 2 if len(row[0]) < 2 and len(row) > 2 else 1
    wide = max(map(len, head[names:]), default=0)
    lines = [fitted(" ".join(filter(None, row[:names])) or head[0])]
    for name, cell in zip(head[names:], row[names:], strict=True):
        if cell:
            lines.append(fitted(f"  {name:<{wide}}  {cell}", more=" " * (wide + 2)))
    return lines
