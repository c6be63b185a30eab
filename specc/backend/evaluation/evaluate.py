"""A network on images that it does not learn from: its loss, and the figures of its task."""

import math
from collections.abc import Iterable

import torch
from torch import Tensor, nn

from specc.backend.build import Net
from specc.backend.evaluation.answers import not_finite
from specc.backend.evaluation.losses import Loss
from specc.backend.evaluation.not_finite import first_not_finite
from specc.backend.evaluation.totals import Evaluation, Totals, exact_dtype
from specc.backend.evaluation.views import View, views
from specc.backend.precision import Precision
from specc.backend.ranks import ALONE, Ranks
from specc.backend.tasks.bound import BoundTask
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
    task: BoundTask,
    loss: Loss,
    precision: Precision,
    tta: Args | None = None,
    *,
    keep_each: bool = False,
    ranks: Ranks = ALONE,
) -> Evaluation:
    """Run `net` in evaluation mode over batches of normalized images (N x C x H x W) and their labels.

    tta: the arguments of test-time augmentation: outputs are the mean over its views. keep_each: give the loss of
    each image, too, and what the network gives for it, unless that is a map. ranks: the batches are this process's
    share of a set; the figures are those of the whole set.
    """
    was_training = net.training
    net.eval()
    device = next(net.parameters()).device
    totals, dtype = Totals(task, loss, device), exact_dtype(device)
    losses: list[Tensor] = []
    kept: list[Tensor] = []
    for images, labels in batches:
        first, *others = views(images, tta)
        with precision.autocast(device):
            alone: Tensor = net(first.images)
            outputs = alone * first.weight if others else alone
            for view in others:
                outputs = outputs.float() + view.weight * _seen(net, view, task.facts.per_pixel).float()
        totals.update(loss.parts(outputs.to(dtype), labels), outputs, alone, labels)
        if keep_each:
            losses.append(loss.each_image(outputs.to(dtype), labels).cpu())
            if not task.facts.per_pixel:
                kept.append(outputs.float().cpu())
    net.train(was_training)
    totals.gather(ranks)
    evaluation = totals.compute()
    if losses:
        evaluation = evaluation._replace(losses=torch.cat(losses).double().numpy())
    return evaluation._replace(outputs=torch.cat(kept).numpy()) if kept else evaluation


def _seen(net: nn.Module, view: View, per_pixel: bool) -> Tensor:
    """What a network gives for a view; maps are turned back to where the image was."""
    outputs: Tensor = net(view.images)
    return outputs.flip(3) if per_pixel and view.is_mirrored else outputs
