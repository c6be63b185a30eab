"""Where numbers stop being finite: the steps before it are taken again, the last ones watched layer by layer."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from specc.backend.build import Net
from specc.backend.engine.trainer import Trainer
from specc.ir.graph import Node

WATCHED = 2  # steps: a weight may be lost in the step before the one whose loss shows it


class Watch:
    """Hooks on each layer of a network. first: what was not finite first, in words; empty while all is well."""

    def __init__(self, net: Net, gradients: bool) -> None:
        self.net, self.gradients, self.first = net, gradients, ""

    @contextmanager
    def hooked(self) -> Iterator[None]:
        nodes = {node.name: node for node in self.net.graph.nodes}
        hooks = [self.net.register_forward_pre_hook(self._images)]
        hooks += [module.register_forward_hook(self._layer(nodes[name])) for name, module in self.net.layers.items()]
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
                said = f"in the gradient that reaches {place}"
                out.register_hook(lambda gradient: self.note(lambda: said, gradient))  # type: ignore[no-untyped-call]

        return forward


def locate(trainer: Trainer, step: int) -> str:
    """Take a training to step number `step`, from where it is, and say where a number is not finite first.

    Empty where all numbers are finite. The loop's state is worthless afterwards.
    """
    net, state = trainer.state.net.train(), trainer.state
    trainer.compute.forward = net  # not compiled: what is compiled calls no hooks
    while state.step < step - WATCHED:
        trainer.step()
    watch = Watch(net, gradients=state.scaler is None)  # with a scaler, infinite gradients are met by a smaller scale
    with watch.hooked():
        while state.step < step and not watch.first:
            trainer.step()
            for name, weight in state.weights.items():
                watch.note(lambda name=name: f"in the weights `{name}`, which that step made so", weight)  # type: ignore[misc]
        if watch.first:
            return f"it began at step {state.step} {watch.first}"
        _validate(trainer)
    return f"it began {watch.first}, in evaluation" if watch.first else ""


@torch.no_grad()
def _validate(trainer: Trainer) -> None:
    """The validation images once through the network that is evaluated."""
    state = trainer.state
    if state.kept:
        state.kept.swap()
    state.net.eval()
    for images, _ in trainer.loader.validation():
        state.net(images)


def _sizes(module: nn.Module, given: tuple[Tensor, ...]) -> str:
    """How large the numbers are that a layer worked on."""
    parts: dict[str, Any] = {"its input": given, "its weights": tuple(module.parameters(recurse=False))}
    found = [
        f"{name} up to {max(float(value.detach().abs().max()) for value in values):.2g}"
        for name, values in parts.items()
        if values
    ]
    return " and ".join(found)
