"""Losses over a batch: logits, and class indices or soft targets."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from specc.values import Bound

Loss = Callable[[Tensor, Tensor], Tensor]


def loss_function(loss: Bound, classes: int, device: torch.device) -> Loss:
    """The function from logits (N x classes) and targets to the batch's mean loss, a scalar.

    Targets are class indices (N, int64) or shares of the classes (N x classes, rows sum to 1).
    The checker has seen to it that there is a weight for each class, where there are any.
    """
    given = loss.args.weights
    weights = None if given is None else torch.tensor(given, dtype=torch.float32, device=device)
    match loss.name:
        case "cross_entropy":
            each = _cross_entropy(loss.args.smoothing, classes)
        case "focal":
            each = _focal(loss.args.gamma)
        case _:
            each = _binary_cross_entropy(classes)

    def mean(logits: Tensor, target: Tensor) -> Tensor:
        shares = target if target.is_floating_point() else functional.one_hot(target, classes)
        terms = each(logits.float(), shares.to(torch.float32))
        if weights is None:
            return terms.sum() / len(logits)
        return (terms * weights).sum() / (shares * weights).sum()

    return mean


def _cross_entropy(smoothing: float, classes: int) -> Loss:
    """Cross entropy with label smoothing (Szegedy et al., 2015), for each image and class."""

    def each(logits: Tensor, shares: Tensor) -> Tensor:
        smooth = shares * (1 - smoothing) + smoothing / classes if smoothing else shares
        return -smooth * functional.log_softmax(logits, dim=1)

    return each


def _focal(gamma: float) -> Loss:
    """Lin et al., 2017, equation 4, for each image and class."""

    def each(logits: Tensor, shares: Tensor) -> Tensor:
        log_p = functional.log_softmax(logits, dim=1)
        return -shares * (1 - log_p.exp()) ** gamma * log_p

    return each


def _binary_cross_entropy(classes: int) -> Loss:
    """The mean over the classes of each one's cross entropy."""

    def each(logits: Tensor, shares: Tensor) -> Tensor:
        return functional.binary_cross_entropy_with_logits(logits, shares, reduction="none") / classes

    return each
