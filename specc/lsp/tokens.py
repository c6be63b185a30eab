"""The colors that a grammar cannot know: what each name is."""

from lsprotocol import types as lsp

from specc.lsp.analysis import Analysis
from specc.lsp.names import Occurrence

TYPES = ("function", "class", "variable", "parameter", "property", "enumMember", "namespace", "type", "decorator")
MODIFIERS = ("declaration", "readonly", "defaultLibrary")
LEGEND = lsp.SemanticTokensLegend(list(TYPES), list(MODIFIERS))
# kind of a name: its type, and the modifiers that it always has
STYLES = {
    "layer": ("function", "defaultLibrary"),
    "word": ("function", "defaultLibrary"),
    "function": ("function", "defaultLibrary"),
    "block": ("function", ""),
    "network": ("class", ""),
    "let": ("variable", "readonly"),
    "shared": ("variable", "readonly"),
    "loop": ("variable", ""),
    "parameter": ("parameter", ""),
    "argument": ("parameter", "defaultLibrary"),
    "head": ("namespace", ""),
    "tensor": ("decorator", ""),
    "variant": ("type", ""),
    "section": ("namespace", "defaultLibrary"),
    "setting": ("property", "defaultLibrary"),
    "flow": ("property", "readonly"),
    "symbol": ("enumMember", ""),
}


def semantic_tokens(analysis: Analysis) -> lsp.SemanticTokens:
    """Each name of a text, relative to the one before it, as the protocol packs them."""
    data: list[int] = []
    line = column = end = 0
    for one in analysis.names.by_path.get(analysis.source.path, ()):
        start, stop = analysis.positions.position(one.span.start), analysis.positions.position(one.span.end)
        if one.span.start < end or start.line != stop.line:
            continue
        end = one.span.end
        column = start.character - (column if start.line == line else 0)
        data += [start.line - line, column, stop.character - start.character, *_style(one)]
        line, column = start.line, start.character
    return lsp.SemanticTokens(data)


def _style(one: Occurrence) -> tuple[int, int]:
    name, modifier = STYLES[one.kind]
    bits = 1 << MODIFIERS.index(modifier) if modifier else 0
    return TYPES.index(name), bits | (1 if one.is_definition else 0)
