"""What the parts of a path of weights stand for: `unit2.conv1` is the second call of the block `unit`."""

from collections.abc import Iterator, Sequence
from typing import Any

from specc.ir.weights import KINDS
from specc.lsp.names import NETWORK, Symbol
from specc.ops import OPS
from specc.ops.expansion import AuxiliaryHead
from specc.source import Span
from specc.syntax import tree as t
from specc.syntax.build import BROKEN

EVERYWHERE = "*"  # in place of a block: what a name stands for in any body
Layers = dict[tuple[str, str], Symbol]  # by the block in whose body it is, and its name


def named_layers(items: Sequence[Any]) -> Layers:
    """What gives its name to layers: blocks, heads and shared layers; not a name of several things in one body."""
    symbols: dict[tuple[str, str], set[Symbol]] = {}
    for item in items:
        if isinstance(item, t.Shared):
            symbols.setdefault((EVERYWHERE, item.name), set()).add(Symbol("shared", item.name))
        elif isinstance(item, t.Block):
            if not item.is_network:
                symbols.setdefault((EVERYWHERE, item.name), set()).add(Symbol("block", item.name))
            holder = NETWORK if item.is_network else item.name
            for part in t.walk(item.body):
                if isinstance(part, t.Shared):
                    symbols.setdefault((holder, part.name), set()).add(local(part))
                elif (name := head_name(part)) is not None:
                    symbols.setdefault((EVERYWHERE, name.name), set()).add(Symbol("head", name.name))
    return {place: next(iter(one)) for place, one in symbols.items() if len(one) == 1 and place[1] != BROKEN}


def local(statement: t.Let | t.Shared) -> Symbol:
    """What a statement within a body defines."""
    kind, span = "let" if isinstance(statement, t.Let) else "shared", statement.name_span
    return Symbol(kind, span.text, f"{span.source.path}:{span.start}")


def head_name(call: Any) -> t.Name | None:
    """Where a call gives a name to an auxiliary classifier."""
    if not isinstance(call, t.Call) or call.name not in OPS:
        return None
    expands = OPS[call.name].expands
    if not isinstance(expands, AuxiliaryHead):
        return None
    for place, argument in enumerate(call.arguments):
        is_name = argument.name == expands.name or not (argument.name or place)
        if is_name and isinstance(argument.value, t.Name) and "." not in argument.value.name:
            return argument.value
    return None


def parts_of(path: str, span: Span, layers: Layers) -> Iterator[tuple[Span, Symbol]]:
    """The parts of a path that have their name from the spec, each without its number."""
    parts = path.split(".")
    if parts[0] in KINDS:
        return  # `norms`, `norms.bias`: a block of that name is not picked by it
    at, holder = span.start, NETWORK
    for part in parts:
        at = span.source.text.find(part, at, span.end)
        if at < 0:
            return  # a text with escapes
        symbol = _named(part, holder, layers)
        if symbol is not None:
            yield Span(span.source, at, at + len(symbol.name)), symbol
            holder = symbol.name if symbol.kind == "block" else holder
        at += len(part)


def _named(part: str, holder: str, layers: Layers) -> Symbol | None:
    """What a part of a path stands for in the body of a block; `unit2` may be called so, or be the second `unit`."""
    for end in range(len(part), 0, -1):
        if end < len(part) and not part[end:].isdecimal():
            return None
        symbol = layers.get((holder, part[:end])) or layers.get((EVERYWHERE, part[:end]))
        if symbol is not None:
            return symbol
    return None
