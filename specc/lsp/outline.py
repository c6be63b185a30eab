"""The structure of a text: its items as a tree, what can be folded, and what stands within what."""

from collections.abc import Iterable, Iterator
from typing import Any

from lsprotocol import types as lsp

from specc.lsp.analysis import Analysis
from specc.lsp.documents import uri_of
from specc.lsp.positions import Positions
from specc.lsp.workspace import Whole
from specc.source import Source, Span
from specc.syntax import tree as t
from specc.syntax.build import BROKEN

Kind = lsp.SymbolKind
MOST_SYMBOLS = 1000


def document_symbols(analysis: Analysis) -> list[lsp.DocumentSymbol]:
    """The items of a text, with their settings, parameters and names."""
    return [symbol for item in analysis.tree.items if (symbol := _symbol(item, analysis.positions)) is not None]


def _symbol(item: Any, positions: Positions) -> lsp.DocumentSymbol | None:
    match item:
        case t.Let(name=name) | t.Shared(name=name) if name != BROKEN:
            return _one(name, Kind.Constant, item.span, item.name_span, positions)
        case t.Block(name=name, is_network=is_network):
            kind = Kind.Class if is_network else Kind.Function
            inner = [_parameter(parameter, positions) for parameter in item.parameters]
            inner += [_one(let.name, Kind.Constant, let.span, let.name_span, positions) for let in _lets(item.body)]
            return _one(name, kind, item.span, item.name_span, positions, inner)
        case t.Section(name=name) | t.Variant(name=name):
            kind = Kind.Namespace if isinstance(item, t.Section) else Kind.EnumMember
            inner = [
                _one(".".join(setting.path), Kind.Property, setting.span, setting.path_span, positions)
                for setting in item.settings
                if setting.path != (BROKEN,)
            ]
            return _one(name, kind, item.span, item.name_span, positions, inner)
        case _:
            return None


def _one(
    name: str,
    kind: lsp.SymbolKind,
    span: Span,
    name_span: Span,
    positions: Positions,
    inner: list[lsp.DocumentSymbol] | None = None,
) -> lsp.DocumentSymbol:
    return lsp.DocumentSymbol(name, kind, positions.range(span), positions.range(name_span), children=inner or None)


def _parameter(parameter: t.Parameter, positions: Positions) -> lsp.DocumentSymbol:
    start = parameter.span.start
    name = Span(parameter.span.source, start, start + len(parameter.name))
    return _one(parameter.name, Kind.Variable, parameter.span, name, positions)


def _lets(body: t.Body) -> Iterator[Any]:
    for statements in body.branches:
        yield from (one for one in statements if isinstance(one, t.Let | t.Shared) and one.name != BROKEN)


def workspace_symbols(query: str, specs: Iterable[Whole], encoding: str) -> list[lsp.WorkspaceSymbol]:
    """The items of all specs whose names hold the letters of a query in their order."""
    found: list[lsp.WorkspaceSymbol] = []
    for spec in specs:
        uri, positions = uri_of(spec.source.path), Positions(spec.source, encoding)
        for item in spec.files[0].items:
            symbol = _symbol(item, positions)
            if uri and symbol and not isinstance(item, t.Section) and _holds(symbol.name, query):
                place = lsp.Location(uri, symbol.selection_range)
                found.append(lsp.WorkspaceSymbol(place, symbol.name, symbol.kind))
    return found[:MOST_SYMBOLS]


def _holds(name: str, query: str) -> bool:
    letters = iter(name.lower())
    return all(letter in letters for letter in query.lower())


def folding_ranges(analysis: Analysis) -> list[lsp.FoldingRange]:
    """Bodies, sections, lists and runs of comments that take several lines."""
    source = analysis.source
    lines: dict[int, int] = {}
    for node in t.walk(list(analysis.tree.items)):
        if isinstance(node, t.Body | t.Section | t.Variant | t.Sequence):
            first, last = (source.position(place)[0] - 1 for place in (node.span.start, node.span.end))
            if last > first:
                lines[first] = max(last - 1, lines.get(first, 0), first)
    ranges = [lsp.FoldingRange(first, last) for first, last in sorted(lines.items()) if last > first]
    return ranges + [lsp.FoldingRange(*run, kind=lsp.FoldingRangeKind.Comment) for run in _comments(analysis)]


def _comments(analysis: Analysis) -> Iterator[tuple[int, int]]:
    """The first and the last line of comments that follow each other on lines of their own."""
    own = [
        span.line - 1
        for span in analysis.tree.comments
        if not analysis.source.line(span.line)[: span.start - analysis.source.line_starts[span.line - 1]].strip()
    ]
    first = last = -2
    for line in [*own, -1]:
        if line == last + 1 and line > 0:
            last = line
            continue
        if last > first:
            yield first, last
        first = last = line


def selection_ranges(analysis: Analysis, places: Iterable[lsp.Position]) -> list[lsp.SelectionRange]:
    """For each position, what it stands in, from the innermost outwards."""
    return [_selection(analysis, analysis.positions.offset(place)) for place in places]


def _selection(analysis: Analysis, offset: int) -> lsp.SelectionRange:
    spans = {(0, len(analysis.source.text))}
    for node in t.walk(list(analysis.tree.items)):
        spans.update(_around(node, offset, analysis.source))
    name = analysis.names.at(analysis.source.path, offset)
    if name is not None:
        spans.add((name.span.start, name.span.end))
    chosen: lsp.SelectionRange | None = None
    last = (0, len(analysis.source.text))
    for span in sorted(spans, key=lambda pair: (pair[0] - pair[1], pair)):
        if last[0] <= span[0] and span[1] <= last[1]:
            chosen, last = lsp.SelectionRange(analysis.positions.range(span), chosen), span
    assert chosen is not None
    return chosen


def _around(node: Any, offset: int, source: Source) -> Iterator[tuple[int, int]]:
    span = getattr(node, "span", None)
    if isinstance(span, Span) and span.source is source and span.start <= offset <= span.end:
        yield span.start, span.end
