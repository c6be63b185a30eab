"""Schedule-free learning (Defazio et al., 2024, The road less scheduled): three sequences of each weight,

    y <- (1 - b) z + b x            where gradients G are found: what the network holds in training
    z <- z - lr * D                 D = G + decay * y; for AdamW G / (sqrt(v / (1 - b2^t)) + eps) + decay * y
    x <- (1 - c) x + c z            the average, which is evaluated       c = lr_max^2 / sum of lr_max^2 so far

b is `momentum`, or the first of `betas`; v the running mean of G^2; lr_max the largest learning rate so far, so that
steps of a warmup count less. As in the authors' code, y moves by itself, and x is worked out from y and z where it is
needed.
"""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

CPU = torch.device("cpu")  # where single numbers are: a device would be waited for


class Free(torch.optim.Optimizer):
    """What the schedule-free optimizers have in common. All that a weight needs is remembered with it."""

    def between(self, group: dict[str, Any]) -> float:
        """How close y is to x, above 0."""
        raise NotImplementedError

    def direction(self, weight: Tensor, gradient: Tensor, state: dict[str, Any], group: dict[str, Any]) -> Tensor:
        """What z moves by, but for the learning rate and weight decay."""
        raise NotImplementedError

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is not None:
                    self._move(weight, weight.grad, group)

    def _move(self, weight: Tensor, gradient: Tensor, group: dict[str, Any]) -> None:
        state, rate, between = self.state[weight], group["lr"], self.between(group)
        if not state:
            state["z"] = weight.clone()
            state["lr_max"], state["lr_sum"] = (torch.zeros((), dtype=torch.float64, device=CPU) for _ in range(2))
        state["lr_max"] = largest = state["lr_max"].clamp(min=rate)
        state["lr_sum"] = total = state["lr_sum"] + largest.square()
        part = float(largest.square() / total) if total > 0 else 0.0
        move = self.direction(weight, gradient, state, group)
        if group["weight_decay"]:
            move = move.add(weight, alpha=group["weight_decay"])
        weight.lerp_(state["z"], part).add_(move, alpha=rate * (between * (1 - part) - 1))
        state["z"].sub_(move, alpha=rate)

    @torch.no_grad()
    def average(self, weight: Tensor) -> Tensor:
        """The x of a weight, where it has moved; else as it is."""
        state = self.state.get(weight)
        if not state:
            return weight.detach()
        group = next(group for group in self.param_groups if any(weight is one for one in group["params"]))
        return weight.lerp(state["z"], 1 - 1 / self.between(group))

    @torch.no_grad()
    def settle(self) -> None:
        """Set all weights to their average, to begin afresh from there."""
        for weight in list(self.state):
            weight.copy_(self.average(weight))


class FreeSGD(Free):
    """Schedule-free SGD."""

    def __init__(self, params: Iterable[Any], lr: float, momentum: float, weight_decay: float = 0.0) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    def between(self, group: dict[str, Any]) -> float:
        return float(group["momentum"])

    def direction(self, weight: Tensor, gradient: Tensor, state: dict[str, Any], group: dict[str, Any]) -> Tensor:
        return gradient


class FreeAdamW(Free):
    """Schedule-free AdamW."""

    def __init__(
        self,
        params: Iterable[Any],
        lr: float,
        betas: tuple[float, float],
        eps: float,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay})

    def between(self, group: dict[str, Any]) -> float:
        return float(group["betas"][0])

    def direction(self, weight: Tensor, gradient: Tensor, state: dict[str, Any], group: dict[str, Any]) -> Tensor:
        second = group["betas"][1]
        if "step" not in state:
            state["step"], state["exp_avg_sq"] = torch.zeros((), device=CPU), torch.zeros_like(weight)
        state["step"] += 1
        square = state["exp_avg_sq"].mul_(second).addcmul_(gradient, gradient, value=1 - second)
        size: Tensor = (square / (1 - second ** int(state["step"]))).sqrt_().add_(group["eps"])
        return gradient / size
