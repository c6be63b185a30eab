"""A network on images that it does not learn from: loss, accuracy, and who is taken for whom."""

import math
from collections.abc import Iterable

import torch
from torch import Tensor, nn

from specc.backend.build import Net
from specc.backend.evaluation.answers import not_finite
from specc.backend.evaluation.losses import Loss
from specc.backend.evaluation.not_finite import first_not_finite
from specc.backend.evaluation.totals import Evaluation, Totals, exact_dtype
from specc.backend.evaluation.views import views
from specc.backend.precision import Precision
from specc.values import Args


def refuse_not_finite(evaluation: Evaluation, net: Net, batches: Iterable[tuple[Tensor, Tensor]], what: str) -> None:
    """Raise SpeccError E465 where a network in evaluation mode answers these batches with what is no finite number."""
    if not math.isfinite(evaluation.loss):
        where = next((text for images, _ in batches if (text := first_not_finite(net, images))), "")
        raise not_finite(what, where)


@torch.inference_mode()
def evaluate(
    net: nn.Module,
    batches: Iterable[tuple[Tensor, Tensor]],
    classes: int,
    loss: Loss,
    precision: Precision,
    tta: Args | None = None,
    *,
    keep_losses: bool = False,
) -> Evaluation:
    """Run `net` in evaluation mode over batches of normalized images (N x C x H x W) and class indices (N).

    tta: the arguments of test-time augmentation: logits are the mean over its views. keep_losses: give the loss of each
    image, too.
    """
    was_training = net.training
    net.eval()
    device = next(net.parameters()).device
    totals, dtype = Totals(classes, device), exact_dtype(device)
    losses: list[Tensor] = []
    for images, labels in batches:
        first, *others = views(images, tta)
        with precision.autocast(device):
            alone: Tensor = net(first.images)
            logits = alone * first.weight if others else alone
            for view in others:
                logits = logits.float() + view.weight * net(view.images).float()
        totals.update(loss.parts(logits.to(dtype), labels), logits, alone, labels)
        if keep_losses:
            losses.append(loss.each_image(logits.to(dtype), labels).cpu())
    net.train(was_training)
    evaluation = totals.compute()
    return evaluation._replace(losses=torch.cat(losses).double().numpy()) if losses else evaluation
