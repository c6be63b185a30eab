"""The size of activations and gradients in a network whose weights have just been drawn, predicted from the graph.

Each op says what it does to them (`specc.ops.signal`); what a kernel does follows from its fans and its initializer.
"""

import math
from typing import NamedTuple

from specc.ir.graph import Graph, Node
from specc.ops.signal import Gradient, Moments, Site, elements, places
from specc.tricks import COMPONENTS
from specc.tricks.init import Fans, Start
from specc.values import Bound

NOTHING = Gradient(0.0, 0.0)


class Signal(NamedTuple):
    """A prediction. moments: of each node's output. kernels: the root mean square of the gradient of each kernel, by
    its node's index, in the order in which they run; up to a factor that is the same for all."""

    moments: list[Moments]
    kernels: dict[int, float]

    @property
    def gradient_ratio(self) -> float:
        """The gradient at the first layer's kernel over that at the last one's; 1 where there are no kernels."""
        sizes = list(self.kernels.values())
        return sizes[0] / max(sizes[-1], 1e-300) if sizes else 1.0


def predict(graph: Graph, images: Moments) -> Signal:
    """Predict the signal for images with these moments."""
    moments = [images]
    for node in graph.nodes[1:]:
        at = _site(graph, node, moments)
        scale = _kernel_square(graph, node)
        moments.append(node.op.signal.forward(at) if scale is None else _summed(at.x[0], scale * _fan_in(graph, node)))
    return Signal(moments, _kernel_gradients(graph, moments))


def initializer(node: Node) -> Bound | None:
    """How a layer's kernel is drawn; None for a layer without one."""
    init = getattr(node.args, "init", None)
    return init if isinstance(init, Bound) else None


def start_of(init: Bound) -> Start | None:
    """What is known of an initializer; None where it depends on the data."""
    facts = COMPONENTS["init"][init.name].facts
    return facts if isinstance(facts, Start) else None


def _site(graph: Graph, node: Node, moments: list[Moments]) -> Site:
    x, shapes = [moments[i] for i in node.inputs], [graph.nodes[i].shape for i in node.inputs]
    return Site(x, node.args, shapes, node.shape)


def _summed(x: Moments, factor: float) -> Moments:
    """Of sums with weights of mean 0."""
    return Moments(0.0, x.square * factor, x.near * factor, x.far * factor)


def _fan_in(graph: Graph, node: Node) -> float:
    return graph.macs(node) / elements(node.shape)


def _kernel_square(graph: Graph, node: Node) -> float | None:
    """The mean square of a kernel's weights; None for a layer without one."""
    init = initializer(node)
    if init is None:
        return None
    x = graph.inputs_of(node)
    channels, biases = node.shape[0], node.shape[0] if node.args.bias else 0
    weights = node.op.weights(x, node.args) - biases
    fans = Fans(_fan_in(graph, node), weights / x[0], channels // getattr(node.args, "groups", 1))
    start = start_of(init)
    return start.variance(fans, init.args) if start else 1 / fans.into


def _kernel_gradients(graph: Graph, moments: list[Moments]) -> dict[int, float]:
    """The gradient of each kernel, for gradients of size 1 at the logits, and of their weight at those of heads."""
    gradients = [NOTHING] * len(graph.nodes)
    for index, weight in ((graph.output, 1.0), *((head.output, head.weight) for head in graph.heads)):
        gradients[_logits(graph, index)] = Gradient(weight**2, weight**2)
    kernels: dict[int, float] = {}
    for node in reversed(graph.nodes[1:]):
        g = gradients[node.index]
        if g.square == 0:
            continue
        at, scale = _site(graph, node, moments), _kernel_square(graph, node)
        if scale is None:
            found = node.op.signal.backward(at, g)
        else:
            found = [g.times(scale * graph.macs(node) / elements(at.shapes[0]))]
            if not node.head:
                kernels[node.index] = _kernel_gradient(at.x[0], g, places(node.shape))
        for i, gradient in zip(node.inputs, found, strict=True):
            gradients[i] = Gradient(gradients[i].square + gradient.square, gradients[i].near + gradient.near)
    return dict(reversed(kernels.items()))


def _kernel_gradient(x: Moments, g: Gradient, count: int) -> float:
    """The root mean square of a sum over `count` places of products of gradient and input."""
    return math.sqrt(count * g.square * x.square + count * (count - 1) * g.near * x.near)


def _logits(graph: Graph, index: int) -> int:
    """The node whose numbers the loss takes: a final softmax is folded into it."""
    return graph.nodes[index].inputs[0] if index == graph.output and graph.ends_in_softmax else index
