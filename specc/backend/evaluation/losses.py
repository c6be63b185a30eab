"""Losses over a batch: what a network gives, and the labels."""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from specc.backend.data.balance import class_weights
from specc.backend.data.dataset import DataSet
from specc.backend.resolve import resolve
from specc.backend.tasks.bound import BoundTask
from specc.tasks import CLASSIFICATION, MULTILABEL, REGRESSION
from specc.tricks.sections import TrainSettings, losses_of
from specc.values import Bound
from specc.vocabulary import family
from specc.vocabulary.registry import component

TINY = torch.finfo(torch.float32).tiny

Each = Callable[[Tensor, Tensor], Tensor]


class Parts(NamedTuple):
    """The loss of some images: the sum, and what it is divided by for the mean.

    weight: the sum of the weights of the images' classes; without weights the number of images; for masks that of
    pixels. It depends on the labels alone. The mean over several batches is the sum of their totals over the sum of
    their weights, which is not the mean of their means.
    """

    total: Tensor
    weight: Tensor | int

    def pair(self) -> Tensor:
        """Both as one tensor, without a gradient."""
        total = self.total.detach()
        weight = self.weight if isinstance(self.weight, Tensor) else torch.full_like(total, self.weight)
        return torch.stack([total, weight.to(total.dtype)])


class Term(Protocol):
    """One loss over a batch. varies: images may weigh differently, so that batches do."""

    varies: bool

    def parts(self, outputs: Tensor, labels: Tensor) -> Parts: ...

    def each_image(self, outputs: Tensor, labels: Tensor) -> Tensor:
        """Of each image its loss and its weight, N x 2; the sums of both columns are `parts`."""

    def weight(self, labels: Tensor) -> Tensor | int:
        """The weight of `parts`, which the labels alone tell."""


class Loss:
    """The loss of a training: a weighted sum of terms. Called, it gives the mean over a batch, a scalar.

    is_sum: training follows the gradient of the sum over the images instead. `labels`: as `Part.labels`, or soft: N x
    outputs shares of the classes or tags.
    """

    def __init__(self, terms: Sequence[Term], factors: Sequence[float] = (1.0,), is_sum: bool = False) -> None:
        self.terms, self.factors, self.is_sum = tuple(terms), tuple(factors), is_sum

    def __call__(self, outputs: Tensor, labels: Tensor) -> Tensor:
        return self.mean(self.parts(outputs, labels))

    def parts(self, outputs: Tensor, labels: Tensor) -> list[Parts]:
        """Of each term."""
        if outputs.dtype in (torch.bfloat16, torch.float16):
            outputs = outputs.float()
        return [term.parts(outputs, labels) for term in self.terms]

    def each_image(self, outputs: Tensor, labels: Tensor) -> Tensor:
        """Of each image the loss and the weight of each term, N x 2 terms."""
        return torch.cat([term.each_image(outputs, labels) for term in self.terms], dim=1)

    def weights(self, labels: Tensor) -> list[Tensor | int]:
        """The weight of each term's parts."""
        return [term.weight(labels) for term in self.terms]

    def of_batch(self, parts: Sequence[Parts], weights: Sequence[Tensor | int] | None = None) -> Tensor:
        """What the gradient of a batch is taken of: a sum, a mean, or, where the weight of each term over all batches
        of a step is given, the batch's part of the mean over the step."""
        if self.is_sum:
            return self.sum(parts, [1] * len(parts))
        return self.mean(parts) if weights is None else self.sum(parts, weights)

    def mean(self, parts: Sequence[Parts]) -> Tensor:
        """The mean over the images that have these parts."""
        return self.sum(parts, [part.weight for part in parts])

    def sum(self, parts: Sequence[Parts], divisors: Sequence[Tensor | int]) -> Tensor:
        """The weighted sum of the terms' totals, each divided by its divisor; 0 / 0, where nothing counts, is 0."""
        loss: Tensor | None = None
        for factor, part, divisor in zip(self.factors, parts, divisors, strict=True):
            value = part.total / (divisor.clamp(min=TINY) if isinstance(divisor, Tensor) else divisor)
            value = value if factor == 1 else factor * value
            loss = value if loss is None else loss + value
        assert loss is not None
        return loss

    def mean_of(self, pairs: Sequence[float]) -> float:
        """The mean from sums over images: of each term the total and the weight, one after the other.

        Not a number where nothing counts, such as in masks of ignored pixels alone.
        """
        terms = zip(self.factors, pairs[::2], pairs[1::2], strict=True)
        return sum(factor * total / weight if weight else math.nan for factor, total, weight in terms)

    @property
    def rows(self) -> int:
        """How many numbers `pairs` gives."""
        return 2 * len(self.terms)

    def pairs(self, parts: Sequence[Parts]) -> Tensor:
        """Total and weight of each term, as one tensor without a gradient."""
        return torch.cat([part.pair() for part in parts])


def weighted_losses(train: TrainSettings, dataset: DataSet) -> tuple[Bound, ...]:
    """The losses of a training on a data set, with the weight of each class as a number.

    Raises SpeccError E315 as `class_weights` does.
    """
    counts, images = dataset.train_counts, dataset.train_images
    return tuple(class_weights(loss, dataset.task, counts, images) for loss in losses_of(train, dataset.task.facts))


def loss_of(train: TrainSettings, dataset: DataSet, device: torch.device) -> Loss:
    """The loss of a training on a data set. Raises SpeccError E315 as `weighted_losses` does."""
    return loss_function(weighted_losses(train, dataset), dataset.task, device)


def loss_function(losses: Sequence[Bound], task: BoundTask, device: torch.device) -> Loss:
    """The sum of some losses, of which weights of classes are numbers by position."""
    terms = [_term(loss, task, device) for loss in losses]
    factors = [getattr(loss.args, "weight", 1.0) for loss in losses]
    return Loss(terms, factors, any(getattr(loss.args, "reduction", "mean") == "sum" for loss in losses))


def _term(loss: Bound, bound: BoundTask, device: torch.device) -> Term:
    task, outputs = bound.facts, len(bound.outputs)
    given = getattr(loss.args, "weights", None)
    weights = None if given is None else torch.tensor(given, dtype=torch.float32, device=device)
    work = resolve(component(family.Loss, loss).implements(task))
    if task.per_pixel:
        term: Term = work(loss.args, outputs, weights, bound.ignore)
        return term
    each: Each = work(loss.args, outputs)
    if task == CLASSIFICATION:
        return OfClasses(each, torch.arange(outputs, device=device), weights)
    if task == MULTILABEL:
        return OfTags(each, weights)
    assert task == REGRESSION
    return OfNumbers(each)


class OfClasses:
    """A loss of logits, N x classes, and class indices (N, int64) or shares of the classes (N x classes).

    classes: their indices. weights: of the classes; the checker has seen to it that there is one for each.
    """

    def __init__(self, each: Each, classes: Tensor, weights: Tensor | None) -> None:
        self.each, self.classes, self.weights = each, classes, weights
        self.varies = weights is not None

    def parts(self, outputs: Tensor, labels: Tensor) -> Parts:
        shares = self._shares(labels).to(outputs.dtype)
        terms = self.each(outputs, shares)
        if self.weights is None:
            return Parts(terms.sum(), len(outputs))
        return Parts((terms * self.weights).sum(), (shares * self.weights).sum())

    def each_image(self, outputs: Tensor, labels: Tensor) -> Tensor:
        shares = self._shares(labels).to(outputs.dtype)
        terms = self.each(outputs, shares)
        if self.weights is None:
            return with_ones(terms.sum(dim=1))
        return torch.stack([(terms * self.weights).sum(dim=1), (shares * self.weights).sum(dim=1)], dim=1)

    def weight(self, labels: Tensor) -> Tensor | int:
        return len(labels) if self.weights is None else (self._shares(labels).to(self.weights) * self.weights).sum()

    def _shares(self, labels: Tensor) -> Tensor:
        return labels if labels.is_floating_point() else labels[:, None] == self.classes


class OfTags:
    """A loss of logits and tags, N x tags: 0 or 1, or shares between them. weights: what a tag's presence counts."""

    varies = False

    def __init__(self, each: Each, weights: Tensor | None) -> None:
        self.each, self.weights = each, weights

    def parts(self, outputs: Tensor, labels: Tensor) -> Parts:
        return Parts(self._terms(outputs, labels).sum(), len(outputs))

    def each_image(self, outputs: Tensor, labels: Tensor) -> Tensor:
        return with_ones(self._terms(outputs, labels).sum(dim=1))

    def _terms(self, outputs: Tensor, labels: Tensor) -> Tensor:
        tags = labels.to(outputs.dtype)
        if self.weights is None:
            return self.each(outputs, tags)
        there, absent = (self.each(outputs, torch.full_like(tags, value)) for value in (1, 0))
        return self.weights * tags * there + (1 - tags) * absent

    def weight(self, labels: Tensor) -> int:
        return len(labels)


class OfNumbers:
    """A loss of predictions and standardized numbers, both N x numbers: the mean over the numbers of an image."""

    varies = False

    def __init__(self, each: Each) -> None:
        self.each = each

    def parts(self, outputs: Tensor, labels: Tensor) -> Parts:
        return Parts(self.each(outputs, labels.to(outputs.dtype)).sum() / outputs.shape[1], len(outputs))

    def each_image(self, outputs: Tensor, labels: Tensor) -> Tensor:
        return with_ones(self.each(outputs, labels.to(outputs.dtype)).mean(dim=1))

    def weight(self, labels: Tensor) -> int:
        return len(labels)


def with_ones(losses: Tensor) -> Tensor:
    """The losses of images that all weigh alike, N, with their weights, N x 2."""
    return torch.stack([losses, torch.ones_like(losses)], dim=1)
