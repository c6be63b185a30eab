"""One batch through a freshly initialized network, forward and backward, with an eye on every layer."""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from specc.backend.build import Net
from specc.ir.graph import Node
from specc.ir.init import end_scale
from specc.ir.passes import trunk
from specc.ir.signal import Signal, predict
from specc.ops.signal import Moments
from specc.report.probe import Figures, Layer

FLAT = 0.01  # of the steepest slope


class Watch:
    """Hooks on a network and each of its layers; what they saw is there after a forward and a backward pass.

    A kernel's gradient is measured even where the kernel is frozen: it says how much of the signal gets there.
    """

    def __init__(self, net: Net) -> None:
        self.net, self.graph, self.end_scale = net, net.graph, end_scale(net.graph)
        self.images = Figures(0.0, 0.0, 0.0, 0.0)
        self.moments = Moments(0.0, 0.0, 0.0, 0.0)
        self.gives: dict[str, Figures] = {}
        self.saturated: dict[str, float] = {}
        self.flow: dict[str, float] = {}
        net.register_forward_pre_hook(self._enter)
        nodes = {node.name: node for node in self.graph.nodes}
        net.hook_uses(lambda name: self._hook(nodes[name]))
        for node in self.graph.nodes:
            if (weight := self._kernel(node)) is not None:
                weight.requires_grad_(True)

    def layers(self) -> list[Layer]:
        """The layers that ran, in the order in which they run."""
        foretold = self._foretold()
        on_trunk = {node.index for node in trunk(self.graph)}
        return [
            self._layer(node, foretold.get(node.index), node.index in on_trunk)
            for node in self.graph.nodes
            if node.name in self.gives
        ]

    def predicted_ratio(self) -> float | None:
        """The gradient at the first layer's kernel over that at the last one's, as the graph foretells it; over
        `end_scale`."""
        return ratio_of(list(self._predict().kernels.values()), self.end_scale)

    def _enter(self, net: nn.Module, given: tuple[Tensor, ...]) -> None:
        self.images = figures(given[0])
        self.moments = moments(given[0])

    def _hook(self, node: Node) -> Callable[[nn.Module, tuple[Tensor, ...], Tensor], None]:
        def backward(gradient: Tensor) -> None:
            self.flow[node.name] = root_mean_square(gradient)

        def forward(module: nn.Module, given: tuple[Tensor, ...], out: Tensor) -> None:
            self.gives[node.name] = figures(out)
            if node.op.saturates:
                self.saturated[node.name] = flat_share(module, given[0])
            if out.requires_grad:
                out.register_hook(backward)  # type: ignore[no-untyped-call]

        return forward

    def _layer(self, node: Node, predicted: float | None, on_trunk: bool) -> Layer:
        norm = rms = None
        if (weight := self._kernel(node)) is not None:
            gradient = torch.zeros_like(weight) if weight.grad is None else weight.grad
            rms = root_mean_square(gradient)
            norm = rms * math.sqrt(gradient.numel())
        return Layer(
            node.name,
            node.op.name,
            node.span.line,
            node.head,
            self.gives[node.name],
            self.saturated.get(node.name),
            self.flow.get(node.name),
            norm,
            rms,
            predicted,
            node.op.rectifies,
            on_trunk,
        )

    def _kernel(self, node: Node) -> nn.Parameter | None:
        """The kernel of a layer; None for a layer without one of its own."""
        spec = self.graph.kernel(node) if node.owns else None
        return self.net.layers[node.name].get_parameter(spec.name) if spec else None

    def _predict(self) -> Signal:
        try:
            return predict(self.graph, self.moments)
        except (ArithmeticError, ValueError):  # beyond all numbers
            return Signal([], {})

    def _foretold(self) -> dict[int, float]:
        """The gradients that the graph foretells, so scaled that the last kernel has the one that it has."""
        kernels = self._predict().kernels
        if not kernels:
            return {}
        last = list(kernels)[-1]
        weight = self._kernel(self.graph.nodes[last])
        measured = 0.0 if weight is None or weight.grad is None else root_mean_square(weight.grad)
        return {index: _over(size, kernels[last]) * measured for index, size in kernels.items()}


def figures(x: Tensor) -> Figures:
    """What a tensor shows, N x C or N x C x H x W."""
    x = _precise(x.detach()).flatten(2) if x.dim() > 2 else _precise(x.detach()).unsqueeze(2)
    square, between = float(x.square().mean()), float(x.var(dim=0, correction=0).mean())
    dead = (x == 0).all(dim=2).all(dim=0)
    return Figures(
        float(x.mean()),
        float(x.std(correction=0)),
        math.sqrt(between / square) if square else 0.0,
        int(dead.sum()) / len(dead),
    )


def moments(images: Tensor) -> Moments:
    """What the prediction asks of the images, N x C x H x W."""
    x = _precise(images.detach()).flatten(2)
    square, mean = x.square().mean(), x.mean()
    near, far = x.mean(dim=2).square().mean(), x.mean(dim=(0, 2)).square().mean()
    return Moments(*(float(value) for value in (mean, square, near, far)))


def root_mean_square(x: Tensor) -> float:
    """In float64: squares of gradients below 1e-23 would be zero in float32."""
    return float(_precise(x.detach()).square().mean().sqrt())


@torch.enable_grad()
def flat_share(module: nn.Module, x: Tensor) -> float:
    """The share of `x` where an activation is less than `FLAT` times as steep as it can be."""

    def slope(at: Tensor) -> Tensor:
        at = at.detach().requires_grad_()
        (found,) = torch.autograd.grad(module.forward(at).sum(), at)
        return found.abs()

    steepest = float(slope(torch.linspace(-4, 4, 81, device=x.device)).max())
    return float((slope(x) < FLAT * steepest).float().mean())


def ratio(layers: list[Layer], end_scale: float) -> float | None:
    """rms of the gradient at the first layer's kernel over that at the last layer's, over `end_scale`; None without
    kernels."""
    return ratio_of([layer.rms for layer in layers if layer.rms is not None and not layer.head], end_scale)


def ratio_of(sizes: list[float], end_scale: float) -> float | None:
    """The first over the last, over `specc.ir.init.end_scale`: gradients as they are once the last kernel has grown."""
    if not sizes:
        return None
    return _over(sizes[0], sizes[-1]) / (end_scale if len(sizes) > 1 else 1.0)


def _over(a: float, b: float) -> float:
    """a / b; where both are 0 no gradient has come from the last layer to the first: 0."""
    return a / b if b else 0.0 if a == 0 else math.inf


def _precise(x: Tensor) -> Tensor:
    return x.float() if x.device.type == "mps" else x.double()
