"""A network on images that it does not learn from: loss, accuracy, and who is taken for whom."""

from collections.abc import Iterable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from specc.backend.train.loss import Loss
from specc.backend.train.precision import Precision
from specc.backend.train.scores import Counts


class Evaluation(NamedTuple):
    """loss: mean over the images. accuracy: 0 to 1. confusion: classes x classes, rows the true ones."""

    loss: float
    accuracy: float
    confusion: Counts


@torch.inference_mode()
def evaluate(
    net: nn.Module, batches: Iterable[tuple[Tensor, Tensor]], classes: int, loss: Loss, precision: Precision
) -> Evaluation:
    """Run `net` in evaluation mode over batches of normalised images (N x C x H x W) and class indices (N)."""
    was_training = net.training
    net.eval()
    total = confusion = count = None
    for images, labels in batches:
        with precision.autocast(images.device):
            logits = net(images)
        if total is None:
            total = torch.zeros((), device=images.device)
            confusion = torch.zeros(classes * classes, dtype=torch.int64, device=images.device)
            count = 0
        total += loss(logits, labels) * len(labels)
        confusion += torch.bincount(labels * classes + logits.argmax(dim=1), minlength=classes * classes)
        count += len(labels)
    net.train(was_training)
    assert total is not None and confusion is not None and count, "there are no images"
    table = confusion.reshape(classes, classes).cpu()
    return Evaluation(float(total) / count, float(table.trace()) / count, table.numpy())
