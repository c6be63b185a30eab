"""LAMB (You et al., 2019, algorithm 2): for each weight tensor W with gradient G,

    m <- b1 * m + (1 - b1) * G          v <- b2 * v + (1 - b2) * G^2
    r = (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps) + weight_decay * W
    W <- W - lr * (|W| / |r|) * r

The ratio of the norms is 1 where either is zero, as biases are at the start.
"""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor


class Lamb(torch.optim.Optimizer):
    """Adam with decoupled weight decay, whose step is as large as the weights that it moves, times the rate."""

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-6,
        weight_decay: float = 0.01,
    ) -> None:
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is not None:
                    self._move(weight, group)

    def _move(self, weight: Tensor, group: dict[str, Any]) -> None:
        assert weight.grad is not None
        first, second = group["betas"]
        state = self.state[weight]
        if not state:
            state["step"] = torch.zeros(())
            state["exp_avg"], state["exp_avg_sq"] = torch.zeros_like(weight), torch.zeros_like(weight)
        state["step"] += 1
        count = int(state["step"])  # a tensor on the CPU: nothing is waited for
        mean = state["exp_avg"].lerp_(weight.grad, 1 - first)
        square = state["exp_avg_sq"].mul_(second).addcmul_(weight.grad, weight.grad, value=1 - second)
        scale = (square / (1 - second**count)).sqrt_().add_(group["eps"])
        update = (mean / (1 - first**count)).div_(scale).add_(weight, alpha=group["weight_decay"])
        size, length = weight.norm(), update.norm()
        ratio = torch.where((size > 0) & (length > 0), size / length, 1.0)
        weight.sub_(update.mul_(ratio * group["lr"]))
