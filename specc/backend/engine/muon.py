"""Muon: momentum, made orthogonal (Jordan, 2024, https://kellerjordan.github.io/posts/muon/).

    B <- momentum * B + (1 - momentum) * G
    W <- W - lr * sqrt(max(1, rows / columns)) * orthogonal(B)         B + momentum * (G - B) … with Nesterov's momentum

A kernel is a matrix of filters by the rest. torch.optim.Muon, which takes matrices only, does the same to dense layers.
"""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from specc.backend.device import native_bf16

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
SMALLEST = 1e-7


def orthogonal(matrices: Tensor, steps: int, dtype: torch.dtype) -> Tensor:
    """The nearest orthogonal matrix of each, about: U S V^T becomes U S' V^T with S' near 1 (between 0.5 and 1.5).

    matrices: N x rows x columns. steps: of Jordan's quintic Newton-Schulz iteration. dtype: what it is worked out in.
    """
    a, b, c = COEFFICIENTS
    is_tall = matrices.shape[1] > matrices.shape[2]
    x = (matrices.mT if is_tall else matrices).to(dtype)
    x = x / x.norm(dim=(1, 2), keepdim=True).clamp(min=SMALLEST)  # no singular value above 1
    for _ in range(steps):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return (x.mT if is_tall else x).to(matrices.dtype)


class Muon(torch.optim.Optimizer):
    """Moves weights of at least two dimensions, the first of which counts the filters.

    weight_decay: W <- (1 - lr * weight_decay) * W before the step. normalize: before the step, a weight is scaled to
    the norm sqrt(filters), as airbench94 does.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 0.02,
        momentum: float = 0.95,
        nesterov: bool = True,
        steps: int = 5,
        weight_decay: float = 0.0,
        normalize: bool = False,
    ) -> None:
        options = {"momentum": momentum, "nesterov": nesterov, "steps": steps, "normalize": normalize}
        super().__init__(params, {"lr": lr, "weight_decay": weight_decay, **options})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            by_shape: dict[tuple[int, ...], list[Tensor]] = {}
            for weight in group["params"]:
                if weight.grad is not None:
                    by_shape.setdefault(tuple(weight.shape), []).append(weight)
            for weights in by_shape.values():
                self._move(weights, group)

    def _move(self, weights: list[Tensor], group: dict[str, Any]) -> None:
        """One step of weights of one shape, all of them in one batch."""
        momentum, lr = group["momentum"], group["lr"]
        moved = []
        for weight in weights:
            assert weight.grad is not None
            state = self.state[weight]
            if not state:
                state["momentum_buffer"] = torch.zeros_like(weight)
            buffer = state["momentum_buffer"].lerp_(weight.grad, 1 - momentum)
            update = weight.grad.lerp(buffer, momentum) if group["nesterov"] else buffer
            moved.append(update.reshape(len(update), -1))
        device = weights[0].device
        found = orthogonal(torch.stack(moved), group["steps"], torch.bfloat16 if native_bf16(device) else torch.float32)
        rows, columns = found.shape[1:]
        for weight, update in zip(weights, found, strict=True):
            if group["normalize"]:
                weight.mul_(len(weight) ** 0.5 / weight.norm())
            weight.mul_(1 - lr * group["weight_decay"])
            weight.sub_(update.view(weight.shape) * (lr * max(1, rows / columns) ** 0.5))
