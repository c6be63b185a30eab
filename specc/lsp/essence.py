"""What a spec comes to without the names in it: two specs that differ in names only agree in this."""

from typing import Any

from specc.check import Checked
from specc.ir.weights import learning, selected, weights_of


def essence(checked: Checked) -> Any:
    """The codes of its errors; its layers, how they are joined, and which weights its training picks."""
    errors = sorted(one.code for one in checked.errors)
    graph, train = checked.graph, checked.train
    if graph is None or train is None:
        return errors
    weights = weights_of(graph)
    places = {weight.name: place for place, weight in enumerate(weights)}
    picked = [
        learning(weights, train.frozen),
        learning(weights, train.frozen_at_first),
        *(selected(group.args.weights, weights) for group in train.groups or ()),
    ]
    layers = [(node.op.name, node.inputs, node.shape) for node in graph.nodes]
    return errors, layers, [[places[weight.name] for weight in some] for some in picked]
