"""The names that a spec uses, and where its calls are."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from specc.check.gather.spec import Spec
from specc.diagnostics import Fix
from specc.source import Source, Span
from specc.syntax import tree as t
from specc.syntax.tree import walk


def names(part: Any) -> Counter[str]:
    """How often a tree uses each name, as a value or as a call."""
    return Counter(node.name for node in walk(part) if isinstance(node, t.Name | t.Call))


def everything(spec: Spec) -> list[Any]:
    """All trees of a spec."""
    settings = [setting for section in spec.sections.values() for setting in section.values()]
    named = [*spec.lets.values(), *spec.blocks.values(), *spec.variants.values()]
    return [*named, *spec.defaults, spec.network, *settings, *spec.search]


def calls(spec: Spec) -> dict[Span, t.Call]:
    """Every call of layers by its span."""
    parts = walk([spec.network, *spec.blocks.values(), *spec.lets.values()])
    return {part.span: part for part in parts if isinstance(part, t.Call)}


def without(call: t.Call, argument: t.Argument) -> Fix:
    """The fix that removes an argument from a call, with the comma that becomes superfluous."""
    place = call.arguments.index(argument)
    start, end = argument.span.start, argument.span.end
    if place:
        start = call.arguments[place - 1].span.end
    elif len(call.arguments) > 1:
        end = call.arguments[1].span.start
    return Fix(Span(call.span.source, start, end), "")


def here(source: Source, items: Iterable[Any]) -> list[Any]:
    """The items in the file itself, not in one that it extends: not everything in a base file has to be used."""
    return [item for item in items if item is not None and item.span.source is source]


def whole_lines(span: Span) -> Span:
    """A span extended to whole lines, if there is nothing else on them but a comment; else the span itself."""
    text = span.source.text
    start = text.rfind("\n", 0, span.start) + 1
    end = text.find("\n", span.end)
    end = len(text) if end < 0 else end + 1
    beside = text[start : span.start] + text[span.end : end].partition("#")[0]
    return span if beside.strip() else Span(span.source, start, end)
