"""What the page shows of a checked text, as plain data."""

from collections.abc import Callable, Mapping
from typing import Any

from specc.diagnostics import Diagnostic, Fix
from specc.emit import emit
from specc.ir.graph import Graph
from specc.lsp.actions import title
from specc.lsp.analysis import Analysis
from specc.playground.offsets import Offsets
from specc.render import render
from specc.report.layers import HEADINGS, frozen, layer_rows, totals
from specc.report.picture import groups_of, picture
from specc.source import Span

MOST_ROWS = 2000  # of the table
MOST_DRAWN = 2000  # layers of a network that is drawn
LONGEST = 60  # characters that are quoted
TEXTS = 3  # the first columns of the table hold names


def problem(one: Diagnostic, analysis: Analysis, at: Offsets) -> dict[str, Any]:
    """A problem: where it is, what is wrong, and its repair. One in a spec below stands at `extends`."""
    start, end = _place(one.span, analysis)
    return {
        "code": one.code,
        "severity": one.severity,
        "message": one.message if one.span.source is analysis.source else f"in {one.span.place}: {one.message}",
        "label": one.label,
        "quote": _quote(one.span),
        "notes": list(one.notes),
        "help": one.help,
        "from": at.units(start),
        "to": at.units(end),
        "line": analysis.source.position(start)[0],
        "related": [_related(label.span, label.text, analysis, at) for label in one.labels],
        "rendered": render(one),
        "fix": _fix(one.fix, at) if one.fix and one.fix.span.source is analysis.source else None,
    }


def _place(span: Span, analysis: Analysis) -> tuple[int, int]:
    if span.source is analysis.source:
        return span.start, span.end
    extends = next((item.span for item in analysis.tree.items if item.span.text.startswith("extends")), None)
    return (extends.start, extends.end) if extends else (0, 0)


def _related(span: Span, text: str, analysis: Analysis, at: Offsets) -> dict[str, Any]:
    """A second place: where it is (from: None in another spec), what stands there, what it is."""
    return {
        "from": at.units(span.start) if span.source is analysis.source else None,
        "line": span.line,
        "quote": _quote(span),
        "text": text or span.place,
    }


def _quote(span: Span) -> str:
    """What stands at a place, in one short line."""
    text = " ".join(span.text[: 4 * LONGEST].split())
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def _fix(fix: Fix, at: Offsets) -> dict[str, Any]:
    return {"title": title(fix), "changes": [[at.units(fix.span.start), at.units(fix.span.end), fix.text]]}


def names(analysis: Analysis, at: Offsets) -> list[list[Any]]:
    """Each name of the text and what it is, in order; of those that overlap, the first."""
    listed: list[list[Any]] = []
    end = 0
    for one in analysis.names.by_path.get(analysis.source.path, ()):
        if one.span.start >= end and one.span.end > one.span.start:
            end = one.span.end
            listed.append([at.units(one.span.start), at.units(end), one.kind])
    return listed


def layers(analysis: Analysis, graph: Graph) -> dict[str, Any]:
    """The table of `specc show`. lines: of the text, for each row; None where the layer stands in another spec."""
    nodes = graph.nodes[:MOST_ROWS]
    return {
        "headings": list(HEADINGS),
        "texts": TEXTS,
        "rows": [list(row) for row in layer_rows(graph)[:MOST_ROWS]],
        "lines": [node.span.line if node.span.source is analysis.source else None for node in nodes],
        "totals": totals(graph, frozen(analysis.shown, graph)),
        "left_out": max(len(graph.nodes) - MOST_ROWS, 0),
    }


def drawing(analysis: Analysis, graph: Graph) -> dict[str, Any]:
    """The picture of the network, its blocks open; None for one with more layers than can be looked at."""
    return {"svg": picture(graph, groups_of(graph), unfold=True) if len(graph.nodes) <= MOST_DRAWN else None}


def pytorch(analysis: Analysis, graph: Graph) -> dict[str, Any]:
    """What `specc emit` writes."""
    return {"text": emit(analysis.shown, graph, ())}


PANES: Mapping[str, Callable[[Analysis, Graph], dict[str, Any]]] = {
    "layers": layers,
    "picture": drawing,
    "pytorch": pytorch,
}
