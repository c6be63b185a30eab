"""Which blocks call which."""

from lsprotocol import types as lsp

from specc.lsp.analysis import Analysis
from specc.lsp.documents import uri_of
from specc.lsp.names import Occurrence, Symbol
from specc.lsp.positions import Positions
from specc.source import Span
from specc.syntax import tree as t


def prepare(analysis: Analysis, position: lsp.Position) -> list[lsp.CallHierarchyItem]:
    """The block or network at a position."""
    one = analysis.names.at(analysis.source.path, analysis.positions.offset(position))
    if one is None or one.symbol is None or one.kind not in ("block", "network"):
        return []
    return [item for block in _blocks(analysis, one.symbol) if (item := _item(block, analysis)) is not None]


def incoming(analysis: Analysis, symbol: Symbol) -> list[lsp.CallHierarchyIncomingCall]:
    """The blocks, and the network, that call a block."""
    calls = []
    for block in _all(analysis):
        places = [one.span for one in _calls(block, analysis) if one.symbol == symbol]
        item = _item(block, analysis)
        if places and item is not None:
            calls.append(lsp.CallHierarchyIncomingCall(item, [_range(place, analysis) for place in places]))
    return calls


def outgoing(analysis: Analysis, symbol: Symbol) -> list[lsp.CallHierarchyOutgoingCall]:
    """The blocks that a block or a network calls."""
    calls: dict[Symbol, list[Span]] = {}
    for block in _blocks(analysis, symbol):
        for one in _calls(block, analysis):
            assert one.symbol is not None
            calls.setdefault(one.symbol, []).append(one.span)
    return [
        lsp.CallHierarchyOutgoingCall(item, [_range(place, analysis) for place in places])
        for called, places in calls.items()
        for block in _blocks(analysis, called)[:1]
        if (item := _item(block, analysis)) is not None
    ]


def _all(analysis: Analysis) -> list[t.Block]:
    return [item for file in analysis.files for item in file.items if isinstance(item, t.Block)]


def _symbol(block: t.Block) -> Symbol:
    return Symbol("network", "") if block.is_network else Symbol("block", block.name)


def _blocks(analysis: Analysis, symbol: Symbol) -> list[t.Block]:
    return [block for block in _all(analysis) if _symbol(block) == symbol]


def _calls(block: t.Block, analysis: Analysis) -> list[Occurrence]:
    """The calls of blocks within a block."""
    names = analysis.names.by_path.get(block.span.source.path, ())
    inside = [one for one in names if block.span.start <= one.span.start < block.span.end]
    return [one for one in inside if one.kind == "block" and not one.is_definition]


def _item(block: t.Block, analysis: Analysis) -> lsp.CallHierarchyItem | None:
    uri = uri_of(block.span.source.path)
    kind = lsp.SymbolKind.Class if block.is_network else lsp.SymbolKind.Function
    symbol = _symbol(block)
    if uri is None:
        return None
    return lsp.CallHierarchyItem(
        name=block.name,
        kind=kind,
        uri=uri,
        range=_range(block.span, analysis),
        selection_range=_range(block.name_span, analysis),
        data={"kind": symbol.kind, "name": symbol.name, "of": analysis.source.path},
    )


def _range(span: Span, analysis: Analysis) -> lsp.Range:
    return Positions(span.source, analysis.encoding).range(span)
