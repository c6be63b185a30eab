"""Proof on the graph itself that it computes what a network does in evaluation, and nothing of its training."""

from collections.abc import Iterator

import onnx

RANDOM = {
    "Bernoulli",
    "Dropout",
    "Multinomial",
    "RandomNormal",
    "RandomNormalLike",
    "RandomUniform",
    "RandomUniformLike",
}


def training_left(model: onnx.ModelProto) -> list[str]:
    """What of a training is in a graph, in words; empty for one in evaluation mode.

    Dropout, even where it says that it is off; any other random node; norms that use or update the statistics of the
    batch; more than one output, as of an auxiliary classifier; functions and nodes from outside the standard, whose
    content is not known here.
    """
    found = []
    for node in nodes_of(model.graph):
        name = f"`{node.name}`, a {node.op_type}"
        if node.op_type in RANDOM:
            found.append(f"{name}, is random")
        if node.op_type == "BatchNormalization" and (len(node.output) > 1 or _flag(node, "training_mode")):
            found.append(f"{name}, normalizes by the batch, not by running statistics")
        if node.domain not in ("", "ai.onnx"):
            found.append(f"{name} of {node.domain}, is not of the standard")
    if len(model.graph.output) != 1:
        names = ", ".join(f"`{output.name}`" for output in model.graph.output)
        found.append(f"there are {len(model.graph.output)} outputs, {names}: an auxiliary classifier is left")
    if model.functions or model.training_info:
        found.append("there are functions or training graphs in it")
    return found


def nodes_of(graph: onnx.GraphProto) -> Iterator[onnx.NodeProto]:
    """The nodes of a graph and of the graphs inside them."""
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            for inner in (attribute.g, *attribute.graphs):
                yield from nodes_of(inner)


def _flag(node: onnx.NodeProto, name: str) -> bool:
    return any(attribute.name == name and attribute.i for attribute in node.attribute)
