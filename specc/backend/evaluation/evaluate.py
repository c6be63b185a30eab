"""A network on images that it does not learn from: loss, accuracy, and who is taken for whom."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from specc.backend.evaluation.scores import Counts
from specc.backend.evaluation.views import views
from specc.backend.precision import Precision
from specc.values import Args


class Evaluation(NamedTuple):
    """loss: mean over the images. accuracy: 0 to 1. confusion: classes x classes, rows the true ones.

    one_view: the accuracy on the images as they are; the same as `accuracy` where they are looked at in no other way.
    """

    loss: float
    accuracy: float
    confusion: Counts
    one_view: float


@torch.inference_mode()
def evaluate(
    net: nn.Module,
    batches: Iterable[tuple[Tensor, Tensor]],
    classes: int,
    loss: Callable[[Tensor, Tensor], Tensor],
    precision: Precision,
    tta: Args | None = None,
) -> Evaluation:
    """Run `net` in evaluation mode over batches of normalized images (N x C x H x W) and class indices (N).

    tta: the arguments of test-time augmentation: logits are the mean over its views.
    """
    was_training = net.training
    net.eval()
    device = next(net.parameters()).device
    total, right = torch.zeros((), device=device), torch.zeros((), dtype=torch.int64, device=device)
    confusion = torch.zeros(classes * classes, dtype=torch.int64, device=device)
    for images, labels in batches:
        first, *others = views(images, tta)
        with precision.autocast(device):
            alone: Tensor = net(first.images)
            logits = alone * first.weight if others else alone
            for view in others:
                logits = logits.float() + view.weight * net(view.images).float()
        right += (alone.argmax(dim=1) == labels).sum()
        total += loss(logits, labels) * len(labels)
        confusion += torch.bincount(labels * classes + logits.argmax(dim=1), minlength=classes * classes)
    net.train(was_training)
    table = confusion.reshape(classes, classes).cpu()
    count = int(table.sum())
    return Evaluation(float(total) / count, int(table.trace()) / count, table.numpy(), int(right) / count)
