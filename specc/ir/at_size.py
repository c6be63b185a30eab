"""A network with images of another size: which shapes its layers give, and whether they are the same layers."""

from math import prod
from typing import NamedTuple

from specc.ir.graph import Graph, Node
from specc.values import Size
from specc.vocabulary.problem import Problem
from specc.vocabulary.shape import Shape, size_text


class Misfit(NamedTuple):
    """A layer that cannot work at a size, and why."""

    node: Node
    why: str


def shapes_at(graph: Graph, size: Size) -> list[Shape] | Misfit:
    """The shape of each node for images of a size; or the first layer that has to be another one there, or gives the
    network another output."""
    shapes: list[Shape] = [(graph.input[0], *size)]
    for node in graph.nodes[1:]:
        x = [shapes[i] for i in node.inputs]
        given = x if node.op.joins else x[0]
        try:
            shapes.append(node.op.shape(given, node.args))
        except Problem as problem:
            return Misfit(node, problem.message)
        own = graph.inputs_of(node)
        if node.op.weights(given, node.args) != node.op.weights(own, node.args):
            return Misfit(node, f"`{node.op.name}` would have other weights: its input is {_text(x)}")
        if node.op.torch is not None and node.op.torch(given, node.args) != node.op.torch(own, node.args):
            return Misfit(node, f"`{node.op.name}` is made for another input than {_text(x)}")
    for index in (graph.output, *(head.output for head in graph.heads)):
        if shapes[index] != graph.nodes[index].shape:
            before = size_text(graph.nodes[index].shape)
            return Misfit(graph.nodes[index], f"the output is {size_text(shapes[index])} instead of {before}")
    return shapes


def macs_at(graph: Graph, shapes: list[Shape]) -> int:
    """Multiply-accumulates of one image, heads included, with these shapes."""
    total = 0
    for node in graph.nodes[1:]:
        x = [shapes[i] for i in node.inputs]
        total += node.op.macs(x if node.op.joins else x[0], node.args, shapes[node.index])  # type: ignore[arg-type]
    return total


def averages_one_number(graph: Graph, shapes: list[Shape]) -> Node | None:
    """The first layer that takes statistics over a batch, of which an image gives each channel a single number."""
    nodes = (node for node in graph.nodes[1:] if node.op.batch_statistics)
    return next((node for node in nodes if prod(shapes[node.inputs[0]][1:]) == 1), None)


def _text(shapes: list[Shape]) -> str:
    return " and ".join(map(size_text, shapes))
