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
    device = next(net.parameters()).device
    total = torch.zeros((), device=device)
    confusion = torch.zeros(classes * classes, dtype=torch.int64, device=device)
    for images, labels in batches:
        with precision.autocast(device):
            logits = net(images)
        total += loss(logits, labels) * len(labels)
        confusion += torch.bincount(labels * classes + logits.argmax(dim=1), minlength=classes * classes)
    net.train(was_training)
    table = confusion.reshape(classes, classes).cpu()
    count = int(table.sum())
    return Evaluation(float(total) / count, int(table.trace()) / count, table.numpy())
