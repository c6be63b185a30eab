"""The size of activations and gradients in a network whose weights have just been drawn, predicted from the graph.

Each op says what it does to them (`specc.ops.signal`); what a kernel does follows from its fans and its initializer.
"""

import math
from typing import NamedTuple

from specc.ir.graph import Graph, Node
from specc.ir.init import end_scale
from specc.ops.signal import Gradient, Moments, Site, WeightedSum, places
from specc.vocabulary.family import Initializer
from specc.vocabulary.registry import component
from specc.vocabulary.weight import Drawn

NOTHING = Gradient(0.0, 0.0)


class Signal(NamedTuple):
    """A prediction. moments: of each node's output. kernels: the root mean square of the gradient of each kernel, by
    its node's index, in the order in which they run; up to a factor that is the same for all. The gradient of a shared
    kernel is the sum of those of its uses, which are taken for uncorrelated. end_scale: how large the last kernel
    starts (`specc.ir.init.end_scale`)."""

    moments: list[Moments]
    kernels: dict[int, float]
    end_scale: float = 1.0

    @property
    def gradient_ratio(self) -> float:
        """The gradient at the first layer's kernel over that at the last one's, over `end_scale`; 1 where there are no
        kernels."""
        sizes = list(self.kernels.values())
        return sizes[0] / (max(sizes[-1], 1e-300) * self.end_scale) if len(sizes) > 1 else 1.0


def predict(graph: Graph, images: Moments) -> Signal:
    """Predict the signal for images with these moments."""
    moments = [images]
    for node in graph.nodes[1:]:
        at = _site(graph, node, moments)
        moments.append(node.op.signal.forward(at))
    return Signal(moments, _kernel_gradients(graph, moments), end_scale(graph))


def _site(graph: Graph, node: Node, moments: list[Moments]) -> Site:
    x, shapes = [moments[i] for i in node.inputs], [graph.nodes[i].shape for i in node.inputs]
    kernel = graph.kernel(node)
    if kernel is None:
        return Site(x, node.args, shapes, node.shape)
    return Site(x, node.args, shapes, node.shape, graph.macs(node), _mean_square(kernel.start))


def _mean_square(start: float | Drawn) -> float:
    """Of the weights of a kernel as it starts. What depends on the data is taken for sums of unit size."""
    if not isinstance(start, Drawn):
        return start**2
    variance = component(Initializer, start.init).variance
    return variance(start.fans, start.init.args) if variance else 1 / start.fans.into


def _kernel_gradients(graph: Graph, moments: list[Moments]) -> dict[int, float]:
    """The gradient of each kernel, for gradients of size 1 at the logits, and of their weight at those of heads."""
    gradients = [NOTHING] * len(graph.nodes)
    for index, weight in ((graph.output, 1.0), *((head.output, head.weight) for head in graph.heads)):
        gradients[_logits(graph, index)] = Gradient(weight**2, weight**2)
    kernels: dict[int, list[float]] = {}  # of each use
    for node in reversed(graph.nodes[1:]):
        g = gradients[node.index]
        if g.square == 0:
            continue
        at = _site(graph, node, moments)
        rule = node.op.signal
        if isinstance(rule, WeightedSum) and not node.head:
            gradient_here = _kernel_gradient(rule.seen(at), g, places(node.shape)) * rule.stretch(at)
            kernels.setdefault(node.owner.index, []).append(gradient_here)
        for i, gradient in zip(node.inputs, node.op.signal.backward(at, g), strict=True):
            gradients[i] = Gradient(gradients[i].square + gradient.square, gradients[i].near + gradient.near)
    return {index: math.hypot(*kernels[index]) for index in sorted(kernels)}


def _kernel_gradient(x: Moments, g: Gradient, count: int) -> float:
    """The root mean square of a sum over `count` places of products of gradient and input."""
    return math.sqrt(count * g.square * x.square + count * (count - 1) * g.near * x.near)


def _logits(graph: Graph, index: int) -> int:
    """The node whose numbers the loss takes: a final softmax is folded into it."""
    return graph.nodes[index].inputs[0] if index == graph.output and graph.ends_in_softmax else index
