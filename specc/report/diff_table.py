"""The difference of two specs as tables for people."""

from collections.abc import Mapping, Sequence
from typing import Any

from specc.errors import clean
from specc.report.columns import columns
from specc.report.diff import Change, Difference, LayerChange, Total
from specc.tasks import FIGURES, LOSS, Figure
from specc.vocabulary.shape import size_text

SIGNS = {"added": "+", "removed": "-", "changed": "~"}


def diff_tables(difference: Difference, a: str, b: str) -> str:
    """Tables of layers, counts and settings; the first and the last only where something differs. `a`, `b`: names."""
    head = f"a: {clean(a)}\nb: {clean(b)}"
    if difference.is_empty:
        return f"{head}\n\nno differences"
    parts = [head, _layers(difference)] if difference.layers else [head]
    parts.append(_totals(difference))
    if difference.settings:
        parts.append(_columns([("setting", "a", "b"), *(_change(change) for change in difference.settings)]))
    return "\n\n".join(parts)


def figures_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """The figures of two runs: of each the part, its name, and value, low and high of both sides."""
    cells: list[tuple[str, ...]] = [("figure", "a", "b", "difference")]
    for row in rows:
        figure = LOSS if row["figure"] == LOSS.name else FIGURES[row["figure"]]
        a, b = row["a"], row["b"]
        name = f"{row['part']} {figure.title}"
        cells.append((name, _estimate(figure, a), _estimate(figure, b), _change_of(figure, a["value"], b["value"])))
    return _columns(cells, right=(1, 2, 3))


def _estimate(figure: Figure, values: Mapping[str, float | None]) -> str:
    low, high = values["low"], values["high"]
    between = "" if low is None or high is None else f" ({figure.text(low)} to {figure.text(high)})"
    return f"{figure.text(values['value'])}{between}"


def _change_of(figure: Figure, a: float | None, b: float | None) -> str:
    """`+1.25 points`, of shares; else the plain difference."""
    if a is None or b is None:
        return "–"
    return f"{100 * (b - a):+.2f} points" if figure.unit == "share" else f"{b - a:+.4g}"


def _layers(difference: Difference) -> str:
    kinds = [layer.kind for layer in difference.layers]
    counts = [f"{kinds.count(kind)} {kind}" for kind in SIGNS if kind in kinds]
    rows = [("", "layer", "op", "output", "parameters", "MACs", "arguments"), *map(_layer, difference.layers)]
    return f"layers: {', '.join(counts)}, {difference.same} unchanged\n\n" + _columns(rows, right=(4, 5))


def _layer(change: LayerChange) -> tuple[str, ...]:
    layer = change.b or change.a
    assert layer is not None
    a, b = change.a or layer, change.b or layer
    return (
        SIGNS[change.kind],
        layer.name,
        layer.op,
        _both(size_text(a.output), size_text(b.output)),
        _both(f"{a.parameters:,}", f"{b.parameters:,}") if a.parameters or b.parameters else "",
        _both(f"{a.macs:,}", f"{b.macs:,}") if a.macs or b.macs else "",
        "; ".join(f"{name}: {_both(one, other)}" for name, one, other in map(_change, change.arguments)),
    )


def _totals(difference: Difference) -> str:
    rows: list[tuple[str, ...]] = [("", "a", "b", "difference")]
    rows += [(shape.name, shape.a or "", shape.b or "", "") for shape in difference.shapes if shape.a != shape.b]
    rows += map(_total, difference.totals)
    return _columns(rows, right=(1, 2, 3))


def _total(total: Total) -> tuple[str, str, str, str]:
    """`parameters  1,000  1,500  +500 (+50.0%)`."""
    more = total.b - total.a
    share = f" ({more / total.a:+.1%})" if more and total.a else ""
    return total.name, f"{total.a:,}", f"{total.b:,}", f"{more:+,}{share}" if more else ""


def _change(change: Change) -> tuple[str, str, str]:
    a, b = ("(absent)" if side is None else clean(side) for side in (change.a, change.b))
    return change.name, a, b


def _both(a: str, b: str) -> str:
    return a if a == b else f"{a} -> {b}"


def _columns(rows: list[tuple[str, ...]], right: tuple[int, ...] = ()) -> str:
    """A table with a line below its headings; the columns in `right` hold numbers."""
    return "\n".join(columns(rows, right))
