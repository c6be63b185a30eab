"""What is under the pointer: a word's page, what a name stands for, and what a use of it gives."""

from typing import Any

from lsprotocol import types as lsp

from specc.check.expressions.functions import FUNCTIONS
from specc.lsp import pages
from specc.lsp.analysis import Analysis
from specc.lsp.figures import figures_text, short, stage_at, summary
from specc.lsp.names import Occurrence
from specc.syntax import tree as t
from specc.values import show
from specc.vocabulary.shape import size_text

MOST_CODE = 12  # lines of a definition


def hover(analysis: Analysis, position: lsp.Position) -> lsp.Hover | None:
    """What is said of the name at a position."""
    one = analysis.names.at(analysis.source.path, analysis.positions.offset(position))
    if one is None:
        return None
    parts = [*figures_text(analysis, one.span.start), _about(one, analysis)]
    text = "\n\n".join(["\n".join(parts[:-1]), parts[-1]]) if parts[:-1] else parts[-1]
    if not text.strip():
        return None
    return lsp.Hover(lsp.MarkupContent(lsp.MarkupKind.Markdown, text), analysis.positions.range(one.span))


def _about(one: Occurrence, analysis: Analysis) -> str:
    match one.kind:
        case "layer" | "word":
            return pages.word_page(one.detail)
        case "setting" if one.detail:
            return pages.setting_page(*one.detail)
        case "argument" if one.detail:
            return pages.argument_page(one.detail)
        case "section":
            return pages.section_page(one.detail)
        case "flow":
            return f"`in.{one.detail}`: {pages.FIELDS.get(one.detail, 'unknown')}"
        case "function":
            return _function(one.detail)
        case "tensor":
            return _tensor(one, analysis)
        case _:
            return _named(one, analysis) if one.symbol else ""


def _function(name: str) -> str:
    function = FUNCTIONS[name]
    counts = {1: "one value", 2: "two values"}.get(function.least, f"{function.least} values")
    more = "" if function.most == function.least else " or more"
    return f"`{name}`: a function of {counts}{more}"


def _named(one: Occurrence, analysis: Analysis) -> str:
    """What a name of the spec stands for: its definition, and its value where there is only one."""
    assert one.symbol is not None
    definitions = analysis.names.definitions(one.symbol)
    if not definitions:
        return ""
    first = definitions[0]
    place = "" if first.span.source is analysis.source else f"\n\ndefined in {first.span.source.path}"
    value = _value(one, analysis)
    kinds = {"loop": "bound by a `for`", "parameter": f"parameter of {_owner(one)}", "variant": _variant(one, analysis)}
    text = _text(first)
    parts = [pages.code(text) if text else "", kinds.get(one.kind, ""), f"here: `{value}`" if value else ""]
    if one.kind == "network":
        parts.append(summary(analysis.shown))
    return "\n\n".join(filter(None, parts)) + place


def _owner(one: Occurrence) -> str:
    assert one.symbol is not None
    return f"block `{one.symbol.owner}`" if one.symbol.owner else "the network"


def _text(one: Occurrence) -> str:
    """A definition as it is written, the first lines of a long one."""
    detail: Any = one.detail
    if detail is None:
        line = one.span.source.line(one.span.line)
        return line.strip()
    lines = detail.span.text.splitlines()
    return "\n".join([*lines[:MOST_CODE], *["  …"] * (len(lines) > MOST_CODE)])


def _value(one: Occurrence, analysis: Analysis) -> str:
    """The value of a parameter of the network, in the variant that is shown."""
    graph = analysis.shown.graph
    if one.symbol is None or one.kind != "parameter" or one.symbol.owner or graph is None:
        return ""
    value = graph.values.get(one.symbol.name)
    return show(value) if isinstance(value, int | float | str | list | tuple) else ""


def _variant(one: Occurrence, analysis: Analysis) -> str:
    assert one.symbol is not None
    variant = analysis.spec.variants.get(one.symbol.name)
    if not isinstance(variant, t.Variant):
        return ""
    graph = analysis.shown.graph if analysis.shown.variant == variant.name else None
    return f"{short(graph.parameters)} parameters, {short(graph.total_macs)} MACs" if graph else ""


def _tensor(one: Occurrence, analysis: Analysis) -> str:
    """The name of a tensor, and the shapes that it has."""
    assert one.symbol is not None
    shapes: dict[str, None] = {}
    for place in analysis.names.definitions(one.symbol):
        for start, _ in analysis.flows:
            if place.span.source is analysis.source and start <= place.span.start < start + len("as(") + 2:
                shapes.update((size_text(flow.after.shape), None) for flow in stage_at(analysis, start))
    listed = f": `{'`, `'.join(list(shapes)[:4])}`" if shapes else ""
    return f"the tensor `{one.symbol.name}`, named by `as`{listed}"
