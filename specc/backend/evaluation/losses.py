"""Losses over a batch: logits, and class indices or soft targets."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from specc.backend.resolve import resolve
from specc.values import Args, Bound
from specc.vocabulary import family
from specc.vocabulary.registry import component

Each = Callable[[Tensor, Tensor], Tensor]


class Parts(NamedTuple):
    """The loss of some images: the sum, and what it is divided by for the mean.

    weight: the sum of the weights of the images' classes; without weights the number of images. It depends on the
    targets alone. The mean over several batches is the sum of their totals over the sum of their weights, which is
    not the mean of their means.
    """

    total: Tensor
    weight: Tensor | int

    @property
    def mean(self) -> Tensor:
        return self.total / self.weight

    def pair(self) -> Tensor:
        """Both as one tensor, without a gradient."""
        total = self.total.detach()
        weight = self.weight if isinstance(self.weight, Tensor) else torch.full_like(total, self.weight)
        return torch.stack([total, weight])


class Loss:
    """A loss over a batch. Called, it gives the mean, a scalar, of logits (N x classes) and targets.

    is_sum: training follows the gradient of the sum over the images instead.

    classes: their indices. Targets are class indices (N, int64) or shares of the classes (N x classes, rows sum to 1).
    The checker has seen to it that there is a weight for each class, where there are any.
    """

    def __init__(self, each: Each, classes: Tensor, weights: Tensor | None, is_sum: bool) -> None:
        self.each, self.classes, self.weights, self.is_sum = each, classes, weights, is_sum

    def __call__(self, logits: Tensor, target: Tensor) -> Tensor:
        return self.parts(logits, target).mean

    def each_image(self, logits: Tensor, target: Tensor) -> Tensor:
        """Of each image its loss and its weight, N x 2; the sums of both columns are `parts`."""
        terms, shares = self._terms(logits, target)
        if self.weights is None:
            return torch.stack([terms.sum(dim=1), torch.ones_like(terms[:, 0])], dim=1)
        return torch.stack([(terms * self.weights).sum(dim=1), (shares * self.weights).sum(dim=1)], dim=1)

    def parts(self, logits: Tensor, target: Tensor) -> Parts:
        terms, shares = self._terms(logits, target)
        if self.weights is None:
            return Parts(terms.sum(), len(logits))
        return Parts((terms * self.weights).sum(), (shares * self.weights).sum())

    def _terms(self, logits: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """The terms of the loss and the shares of the classes, both N x classes."""
        shares = target if target.is_floating_point() else target[:, None] == self.classes
        if logits.dtype in (torch.bfloat16, torch.float16):
            logits = logits.float()
        shares = shares.to(logits.dtype)
        return self.each(logits, shares), shares


def loss_function(loss: Bound, classes: int, device: torch.device) -> Loss:
    """The loss that a spec names."""
    given = getattr(loss.args, "weights", None)
    weights = None if given is None else torch.tensor(given, dtype=torch.float32, device=device)
    each: Each = resolve(component(family.Loss, loss).target)(loss.args, classes)
    is_sum = getattr(loss.args, "reduction", "mean") == "sum"
    return Loss(each, torch.arange(classes, device=device), weights, is_sum)


def cross_entropy(a: Args, classes: int) -> Each:
    """Cross entropy with label smoothing (Szegedy et al., 2015), for each image and class."""
    smoothing: float = a.smoothing

    def each(logits: Tensor, shares: Tensor) -> Tensor:
        smooth = shares * (1 - smoothing) + smoothing / classes if smoothing else shares
        return -smooth * functional.log_softmax(logits, dim=1)

    return each


def focal(a: Args, classes: int) -> Each:
    """Lin et al., 2017, equation 4, for each image and class."""
    gamma: float = a.gamma

    def each(logits: Tensor, shares: Tensor) -> Tensor:
        log_p = functional.log_softmax(logits, dim=1)
        focused: Tensor = -shares * (1 - log_p.exp()) ** gamma * log_p
        return focused

    return each


def binary_cross_entropy(a: Args, classes: int) -> Each:
    """The mean over the classes of each one's cross entropy."""

    def each(logits: Tensor, shares: Tensor) -> Tensor:
        return functional.binary_cross_entropy_with_logits(logits, shares, reduction="none") / classes

    return each
