"""Where in a network numbers stop being finite: by hooks on its layers."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from specc.backend.build import Net
from specc.ir.graph import Node


class Watch:
    """Hooks on each layer of a network. first: what was not finite first, in words; empty while all is well."""

    def __init__(self, net: Net, gradients: bool) -> None:
        self.net, self.gradients, self.first = net, gradients, ""

    @contextmanager
    def hooked(self) -> Iterator[None]:
        nodes = {node.name: node for node in self.net.graph.nodes}
        hooks = [self.net.register_forward_pre_hook(self._images)]
        hooks += self.net.hook_uses(lambda name: self._layer(nodes[name]))
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()

    def note(self, text: Callable[[], str], *values: Tensor) -> None:
        """Remember this text, if it is the first time that a value is not finite."""
        if not self.first and not all(bool(value.isfinite().all()) for value in values):
            self.first = text()

    def _images(self, net: nn.Module, given: tuple[Tensor, ...]) -> None:
        self.note(lambda: "in the images of that batch, before the first layer", given[0])

    def _layer(self, node: Node) -> Callable[..., None]:
        place = f"`{node.name}` ({node.span.place})"

        def forward(module: nn.Module, given: tuple[Tensor, ...], out: Tensor) -> None:
            self.note(lambda: f"in the output of {place}, {_sizes(module, given)}", out)
            if self.gradients and out.requires_grad:
                text = f"in the gradient of the output of {place}"
                out.register_hook(lambda gradient: self.note(lambda: text, gradient))  # type: ignore[no-untyped-call]

        return forward


def _sizes(module: nn.Module, given: tuple[Tensor, ...]) -> str:
    """How large the numbers are that a layer worked on."""
    parts: dict[str, Any] = {"its input": given, "its weights": tuple(module.parameters(recurse=False))}
    texts = [
        f"{name} up to {max(float(value.detach().abs().max()) for value in values):.2g}"
        for name, values in parts.items()
        if values
    ]
    return " and ".join(texts)


@torch.no_grad()
def first_not_finite(net: Net, images: Tensor) -> str:
    """Where in a network in evaluation mode numbers are not finite first, in words; "" where all are.

    images: normalized, N x C x H x W.
    """
    watch = Watch(net, gradients=False)
    with watch.hooked():
        net(images)
    return watch.first
