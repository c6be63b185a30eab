"""Losses of masks: logits N x C x H x W, and the class of each pixel, N x H x W, or `ignore`."""

import torch
from torch import Tensor
from torch.nn import functional

from specc.backend.evaluation.losses import Parts, Term
from specc.values import Args

NONE = -100  # what torch calls a pixel that does not count


class _CrossEntropy:
    """The mean over all pixels that count, weighted by their classes where there are weights."""

    varies = True

    def __init__(self, smoothing: float, weights: Tensor | None, ignore: int | None) -> None:
        self.smoothing, self.weights, self.ignore = smoothing, weights, ignore

    def parts(self, outputs: Tensor, labels: Tensor) -> Parts:
        masks = counting(labels, self.ignore)
        weights = None if self.weights is None else self.weights.to(outputs.dtype)
        total = functional.cross_entropy(
            outputs, masks, weights, ignore_index=NONE, reduction="sum", label_smoothing=self.smoothing
        )
        return Parts(total, self.weight(labels))

    def each_image(self, outputs: Tensor, labels: Tensor) -> Tensor:
        masks = counting(labels, self.ignore)
        weights = None if self.weights is None else self.weights.to(outputs.dtype)
        pixels = functional.cross_entropy(
            outputs, masks, weights, ignore_index=NONE, reduction="none", label_smoothing=self.smoothing
        )
        return torch.stack([pixels.flatten(1).sum(dim=1), self._weights(labels).flatten(1).sum(dim=1)], dim=1)

    def weight(self, labels: Tensor) -> Tensor:
        return self._weights(labels).sum()

    def _weights(self, labels: Tensor) -> Tensor:
        """The weight of each pixel, 0 for one that does not count."""
        masks = counting(labels, self.ignore)
        there = masks != NONE
        return there if self.weights is None else self.weights[masks.clamp(min=0)] * there


class _Dice:
    """One minus Dice: a mean over the images and the classes that are present in their masks.

    Milletari et al., 2016, with p and g summed, not squared (as in Sudre et al., 2017): 1 - 2 sum(p g) / sum(p + g).
    """

    varies = True

    def __init__(self, ignore: int | None) -> None:
        self.ignore = ignore

    def parts(self, outputs: Tensor, labels: Tensor) -> Parts:
        losses = self.each_image(outputs, labels)
        return Parts(losses[:, 0].sum(), losses[:, 1].sum().detach())

    def each_image(self, outputs: Tensor, labels: Tensor) -> Tensor:
        truth = self._truth(labels, outputs.shape[1]).to(outputs.dtype)
        counts = truth.sum(dim=1, keepdim=True)  # 1 where a pixel counts, else 0
        p = outputs.softmax(dim=1) * counts
        there = truth.sum(dim=(2, 3))
        overlap = (p * truth).sum(dim=(2, 3))
        coefficient = 2 * overlap / (p.sum(dim=(2, 3)) + there).clamp(min=1e-12)
        present = (there > 0).to(outputs.dtype)
        classes = present.sum(dim=1)
        each = ((1 - coefficient) * present).sum(dim=1) / classes.clamp(min=1)
        return torch.stack([each, (classes > 0).to(each.dtype)], dim=1)

    def weight(self, labels: Tensor) -> Tensor:
        return (counting(labels, self.ignore) != NONE).flatten(1).any(dim=1).sum()

    def _truth(self, labels: Tensor, classes: int) -> Tensor:
        """N x C x H x W: whether a pixel is of a class."""
        masks = counting(labels, self.ignore)
        return masks[:, None] == torch.arange(classes, device=labels.device).view(1, -1, 1, 1)


def counting(labels: Tensor, ignore: int | None) -> Tensor:
    """Masks as torch takes them: int64, NONE where a pixel does not count."""
    masks = labels.long()
    return masks if ignore is None else masks.masked_fill(labels == ignore, NONE)


def cross_entropy(a: Args, outputs: int, weights: Tensor | None, ignore: int | None) -> Term:
    return _CrossEntropy(a.smoothing, weights, ignore)


def dice(a: Args, outputs: int, weights: Tensor | None, ignore: int | None) -> Term:
    return _Dice(ignore)
