"""Sharpness-aware minimization (Foret et al., 2021, equation 2 and algorithm 1).

The gradient of the loss L for a step from the weights w is found at

    w + rho * g / |g|          g = gradient of L at w,  |g| over all weights

Penalties and weight decay are no part of L: they act at w, as in the paper's objective. Norms keep the running
statistics of the pass at w.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import nn

from specc.backend.build import Net
from specc.backend.engine.statistics import running_statistics

EPS = 1e-12  # of the norm


@contextmanager
def perturbed(net: Net, weights: Iterable[nn.Parameter], rho: float, *, is_scaled: bool) -> Iterator[None]:
    """While it is entered, the weights are moved along their gradients, which are dropped; then they are as before, bit
    for bit, and so are the running statistics. Gradients that are found meanwhile stay.

    weights: those without a gradient stand still. is_scaled: gradients are those of a scaled loss, and where one is not
    finite, nothing moves.
    """
    moving = [weight for weight in weights if weight.grad is not None]
    means, counters = running_statistics(net)
    kept = [(value, value.clone()) for value in [*(weight.data for weight in moving), *means, *counters]]
    with torch.no_grad():
        _move(moving, rho, is_scaled=is_scaled)
    yield
    with torch.no_grad():
        for value, before in kept:
            value.copy_(before)


def _move(weights: list[nn.Parameter], rho: float, *, is_scaled: bool) -> None:
    values = [weight.data for weight in weights]
    gradients = [weight.grad for weight in weights if weight.grad is not None]
    if not gradients:
        return
    norm = torch.stack([gradient.norm() for gradient in gradients]).norm()
    scale = rho / (norm + EPS)
    if is_scaled:
        scale = scale.where(norm.isfinite(), 0.0)
        for gradient in gradients:
            gradient.masked_fill_(~norm.isfinite(), 0.0)
    torch._foreach_mul_(gradients, scale)
    torch._foreach_add_(values, gradients)
    for weight in weights:
        weight.grad = None
