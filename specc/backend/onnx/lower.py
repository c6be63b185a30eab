"""From the typed graph and its weights to ONNX nodes, by each layer's own rule."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from specc.backend.onnx.builder import Builder
from specc.backend.onnx.fold import fold_norms
from specc.ir.graph import Graph, Node
from specc.ir.passes import logits_of, source

State = Mapping[str, np.ndarray[Any, Any]]


class Lowered(NamedTuple):
    """logits: the value that holds them. values: for each layer of the network, the ONNX value of its output.

    folded: for each norm that is no node of its own, the layer that does its work. That layer's own output, before the
    norm, is not among the values.
    """

    logits: str
    values: dict[str, str]
    folded: dict[str, str]


class _Weights(dict[str, str]):
    """The initializers of the layer that holds the weights, by the module's own names; each enters the graph when it is
    asked for."""

    def __init__(self, g: Builder, state: State, layer: str) -> None:
        self.g, self.state, self.layer = g, state, layer

    def __missing__(self, key: str) -> str:
        name = f"{self.layer}.{key}"
        self[key] = self.g.initializer(name, np.ascontiguousarray(self.state[name], np.float32))
        return self[key]


def lower(graph: Graph, state: State, g: Builder, x: str) -> Lowered:
    """Write the network as it is in evaluation, from the value `x` of normalized images to logits.

    state: the module's state dict as arrays. A node that comes from a layer has the layer's name, and so has its
    output; helpers before it are named `layer/Pad`. Dropout and the like, auxiliary classifiers, and whatever else
    the logits do not depend on leave nothing behind; batch norms are folded into the layers before them
    (`fold_norms`). The batch stays open. C x 1 x 1 at the end is flattened.
    """
    result = logits_of(graph, graph.output)
    needed = {result}
    for node in reversed(graph.nodes):
        if node.index in needed:
            needed.update(source(graph, i) for i in node.inputs)
    names: dict[int, str] = {0: x}
    for node in graph.nodes[1:]:
        if node.index in needed:
            inputs = [names[source(graph, i)] for i in node.inputs]
            names[node.index] = inputs[0] if node.op.training_only else _write(graph, node, state, g, inputs)
    values = {graph.nodes[i].name: name for i, name in names.items()}
    gone = fold_norms(g)
    logits = gone.get(names[result], names[result])
    if graph.nodes[result].shape[1:] == (1, 1):
        g.scope = "logits"
        logits = g.node("Flatten", [logits], axis=1)
    folded = {
        norm: next(name for name in values if values[name] == gone[value])
        for norm, value in values.items()
        if value in gone
    }
    kept = {layer: gone.get(value, value) for layer, value in values.items() if value not in gone.values()}
    return Lowered(logits, kept, folded)


def _write(graph: Graph, node: Node, state: State, g: Builder, inputs: list[str]) -> str:
    g.scope = node.name
    assert node.op.onnx is not None
    weights = _Weights(g, state, node.owner.name)
    value = node.op.onnx(g, inputs, node.args, weights, graph.inputs_of(node), node.shape)
    return value if value in inputs else g.rename(value, node.name)
