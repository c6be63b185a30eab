"""Everything that a training is, as one value: it can be taken apart after any step and put together again exactly.

Random draws need no place here: each is a function of the seed, the epoch or step, and the image.
"""

from typing import Any, NamedTuple

import torch
from torch import Tensor

from specc.backend.build import Net
from specc.backend.train.optimise import Average, Weights

Tensors = dict[str, Tensor]


class Mark(NamedTuple):
    """What the validation images said at the end of an epoch. `epoch` and `step` count what was done until then."""

    epoch: float
    step: int
    loss: float
    accuracy: float


class TrainState:
    """A training between two steps.

    step: optimizer steps done. table: 2 x batches of an epoch: each batch's mean loss and its number of right answers,
    as far as the epoch has come. seconds: spent training in this epoch. marks: the end of each epoch so far.
    """

    def __init__(
        self,
        net: Net,
        weights: Weights,
        optimizer: torch.optim.Optimizer,
        average: Average | None,
        scaler: torch.amp.GradScaler | None,
        batches: int,
    ) -> None:
        self.net, self.weights, self.optimizer = net, weights, optimizer
        self.average, self.scaler = average, scaler
        self.step = 0
        self.table = torch.zeros(2, batches, device=next(iter(weights.values())).device)
        self.seconds = 0.0
        self.marks: list[Mark] = []

    @property
    def best(self) -> Mark | None:
        """The epoch with the highest validation accuracy; among equals the one with the lowest loss."""
        return max(self.marks, key=lambda mark: (mark.accuracy, -mark.loss), default=None)

    def model(self) -> Tensors:
        """The weights and buffers to keep: the moving average where there is one. Safetensors' keys are the net's."""
        values = self.net.state_dict() | (self.average.values if self.average else {})
        return {name: _plain(value) for name, value in values.items()}

    def tensors(self) -> Tensors:
        """All tensors of the state, on the CPU."""
        parts: dict[str, Tensor] = {"table": self.table}
        parts |= {f"model/{name}": value for name, value in self.net.state_dict().items()}
        if self.average:
            parts |= {f"average/{name}": value for name, value in self.average.values.items()}
        for name, weight in self.weights.items():
            for key, value in self.optimizer.state.get(weight, {}).items():
                if isinstance(value, Tensor):
                    parts[f"optimizer/{key}/{name}"] = value
        return {name: _plain(value) for name, value in parts.items()}

    def scalars(self) -> dict[str, Any]:
        """What is not a tensor, as JSON takes it."""
        return {
            "step": self.step,
            "seconds": self.seconds,
            "marks": [list(mark) for mark in self.marks],
            "scaler": self.scaler.state_dict() if self.scaler else None,
        }

    @torch.no_grad()
    def restore(self, tensors: Tensors, scalars: dict[str, Any]) -> None:
        """Take on a saved state, in place, so that the net's tensors stay where the optimizer knows them.

        Raises KeyError or RuntimeError where the saved state is of another network or optimizer.
        """
        self.table.copy_(tensors["table"])
        for name, value in self.net.state_dict().items():
            value.copy_(tensors[f"model/{name}"])
        if self.average:
            for name, value in self.average.values.items():
                value.copy_(tensors[f"average/{name}"])
        for name, value in tensors.items():
            if name.startswith("optimizer/"):
                _, key, owner = name.split("/", 2)
                weight = self.weights[owner]
                self.optimizer.state[weight][key] = _beside(weight, value, self.optimizer.defaults.get("fused"))
        self.step, self.seconds = scalars["step"], scalars["seconds"]
        self.marks = [Mark(*mark) for mark in scalars["marks"]]
        if self.scaler:
            self.scaler.load_state_dict(scalars["scaler"])


def _plain(value: Tensor) -> Tensor:
    """As safetensors takes it: on the CPU, contiguous."""
    return value.detach().cpu().contiguous()


def _beside(weight: Tensor, value: Tensor, fused: Any) -> Tensor:
    """A saved part of the optimizer's state where the optimizer would have made it, in the weight's memory layout."""
    if value.shape == weight.shape and value.dim():
        return torch.empty_like(weight, dtype=value.dtype).copy_(value)
    return value.to(weight.device) if fused else value.clone()
