"""Graphs made by hand."""

from typing import Any

from specc.ir.graph import Graph, Head, Node
from specc.ir.init import settle_inits
from specc.ops import OPS
from specc.source import Source, Span
from specc.values import Args
from specc.vocabulary.param import REQUIRED
from specc.vocabulary.shape import Shape

NOWHERE = Span(Source("hand.cnn", " "), 0, 1)

Layer = tuple[str, str, dict[str, Any], tuple[int, ...]]


def args(op: str, **given: Any) -> Args:
    """The arguments of a layer: what is given, and the defaults."""
    unknown = given.keys() - {param.name for param in OPS[op].params}
    values = {param.name: given.get(param.name, param.default) for param in OPS[op].params}
    missing = [name for name, value in values.items() if value is REQUIRED]
    assert not unknown and not missing, (unknown, missing)
    return Args(**values)


def make_graph(shape: Shape, layers: list[Layer], heads: tuple[Head, ...] = ()) -> Graph:
    """A graph from an input shape and (name, op, arguments, inputs) of each further node, the output being the last.

    The nodes of a head are those whose name begins with the head's, and are not the output.
    """
    given = {"channels": shape[0], "size": shape[1:] or None}
    nodes = [Node(0, "input", OPS["input"], args("input", **given), (), shape, NOWHERE)]
    for index, (name, op, given, inputs) in enumerate(layers, start=1):
        shapes = [nodes[i].shape for i in inputs]
        bound = args(op, **given)
        result = OPS[op].shape(shapes if OPS[op].joins else shapes[0], bound)
        head = next((h.name for h in heads if name.split(".")[0] == h.name), "")
        nodes.append(Node(index, name, OPS[op], bound, inputs, result, NOWHERE, head=head))
    output = max(node.index for node in nodes if not node.head)
    graph = Graph("Hand", nodes, output, list(heads))
    settle_inits(graph)
    return graph


def make_chain(shape: Shape, *layers: tuple[str, dict[str, Any]]) -> Graph:
    """`make_chain(shape, ("conv", {"filters": 8}), …)`: layers one after the other, named `conv1`, `relu2`, …"""
    return make_graph(shape, [(f"{op}{i + 1}", op, given, (i,)) for i, (op, given) in enumerate(layers)])
