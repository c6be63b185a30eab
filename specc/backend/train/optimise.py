"""Which weights learn, the optimizer that moves them, and the running mean of them."""

from collections.abc import Iterable

import torch
from torch import nn

from specc.errors import SpeccError
from specc.ir.graph import Graph
from specc.values import Bound

Weights = dict[str, nn.Parameter]

WITH_KERNELS = ("conv", "depthwise_conv", "conv_transpose", "dense")
CLASSES = {
    "sgd": torch.optim.SGD,
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "rmsprop": torch.optim.RMSprop,
}
FUSED = ("sgd", "adam", "adamw")


def kernel_names(graph: Graph) -> dict[str, Bound | None]:
    """The state-dict keys of the kernels of conv and dense layers, each with its layer's own regulariser."""
    return {
        f"{node.name}.weight": getattr(node.args, "regularize", None)
        for node in graph.nodes
        if node.op.name in WITH_KERNELS
    }


def freeze(net: nn.Module, prefixes: Iterable[str]) -> list[str]:
    """Stop the weights of the layers and blocks called `prefixes` from learning; their keys.

    Raises SpeccError E224 for a prefix that names none.
    """
    frozen = []
    for prefix in prefixes:
        found = [name for name, _ in net.named_parameters() if f"{name}.".startswith(f"{prefix}.")]
        if not found:
            layers = sorted({name.partition(".")[0] for name, _ in net.named_parameters()})
            raise SpeccError(
                "E224",
                f"train.freeze names `{prefix}`, but no layer or block with weights is called that",
                help=f"these are there: {', '.join(layers)}",
                status=1,
            )
        for name in found:
            net.get_parameter(name).requires_grad_(False)
        frozen += found
    return frozen


def learning(net: nn.Module) -> Weights:
    """The weights that learn, by state-dict key."""
    return {name: weight for name, weight in net.named_parameters() if weight.requires_grad}


def make_optimizer(bound: Bound, weights: Weights, kernels: Iterable[str]) -> torch.optim.Optimizer:
    """The optimizer of `weights`, on the device where they are; weight decay reaches the `kernels` only."""
    options = bound.args.as_dict()
    decay = options.pop("weight_decay")
    held = set(kernels) if decay else set()
    groups = [
        {"params": [weight for name, weight in weights.items() if name in held], "weight_decay": decay},
        {"params": [weight for name, weight in weights.items() if name not in held], "weight_decay": 0.0},
    ]
    device = next(iter(weights.values())).device
    if bound.name in FUSED and device.type in ("cpu", "cuda"):
        options["fused"] = True
    make: type[torch.optim.Optimizer] = CLASSES[bound.name]
    return make([group for group in groups if group["params"]], **options)


def applied(weights: Weights, kernels: Iterable[str], what: str) -> str:
    """What a trick reached, in words: `l2(1e-4): 9 kernels, 1,147,456 weights; not 20 biases and norms`."""
    reached = [name for name in kernels if name in weights]
    others = len(weights) - len(reached)
    count = sum(weights[name].numel() for name in reached)
    rest = f"; not {others} biases and norms" if others else ""
    return f"{what}: {len(reached)} kernel{'s' if len(reached) != 1 else ''}, {count:,} weights{rest}"


class Average:
    """An exponential moving average of the weights and of the norms' running statistics.

    The decay rises to its value, min(decay, (1 + step) / (10 + step)), so that the random start is soon forgotten
    (TensorFlow's ExponentialMovingAverage). `values` is what is evaluated and kept.
    """

    def __init__(self, net: nn.Module, decay: float) -> None:
        self.decay = decay
        self.sources = {name: value for name, value in net.state_dict().items() if value.is_floating_point()}
        self.values = {name: value.clone() for name, value in self.sources.items()}

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take in the weights after step number `step`, counted from 1."""
        decay = min(self.decay, (1 + step) / (10 + step))
        torch._foreach_lerp_(list(self.values.values()), list(self.sources.values()), 1 - decay)

    @torch.no_grad()
    def swap(self) -> None:
        """Exchange the network's weights and the means, for an evaluation; a second call undoes it."""
        for name, value in self.values.items():
            kept = value.clone()
            value.copy_(self.sources[name])
            self.sources[name].copy_(kept)
