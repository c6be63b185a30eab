"""L1 and L2 regularization: penalties on kernels that are added to the loss.

    penalty = sum over kernels of  l1 * sum |w|  +  l2 * sum w^2
    its gradient                   l1 * sign(w)  +  2 * l2 * w

The gradient is added to the loss's own in a few fused operations, which is the same and several times faster than
walking back through the sums; the value is only worked out for the report.
"""

import torch
from torch import Tensor

from specc.backend.engine.optimizers import Weights
from specc.tricks.regularizer import strengths
from specc.values import Bound


class Penalty:
    """The penalty of a training: `everywhere` on each kernel, and what a layer asks for itself on its own."""

    def __init__(self, everywhere: Bound | None, kernels: dict[str, Bound | None], weights: Weights) -> None:
        self.groups: dict[tuple[float, float], list[Tensor]] = {}
        self.names: list[str] = []
        for name, own in kernels.items():
            l1, l2 = (a + b for a, b in zip(strengths(everywhere), strengths(own), strict=True))
            if name in weights and (l1 or l2):
                self.groups.setdefault((l1, l2), []).append(weights[name])
                self.names.append(name)

    @torch.no_grad()
    def value(self) -> float:
        """The penalty itself."""
        total = 0.0
        for (l1, l2), kernels in self.groups.items():
            total += l1 * sum(float(kernel.abs().sum()) for kernel in kernels)
            total += l2 * sum(float(kernel.square().sum()) for kernel in kernels)
        return total

    @torch.no_grad()
    def add_gradient(self) -> None:
        """Add the penalty's gradient to that of each kernel, after the backward pass."""
        for (l1, l2), kernels in self.groups.items():
            moving = [kernel for kernel in kernels if kernel.grad is not None]  # the others stand still
            gradients = [kernel.grad for kernel in moving if kernel.grad is not None]
            if l2 and moving:
                torch._foreach_add_(gradients, moving, alpha=2 * l2)
            if l1 and moving:
                torch._foreach_add_(gradients, [kernel.sign() for kernel in moving], alpha=l1)
