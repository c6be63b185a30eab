"""Running statistics of norms computed anew, for weights that no step was taken with.

Each batch (or shard of one) gives a mean and a variance as batch norm finds them in training; what is kept is their
plain mean over all batches, as torch.optim.swa_utils.update_bn keeps it. Unlike there, all other layers work as in
evaluation: dropout drops nothing.
"""

from collections.abc import Callable, Iterable, Iterator

import torch
from torch import Tensor

from specc.backend.build import Net
from specc.backend.precision import Precision


def running_statistics(net: Net) -> tuple[list[Tensor], list[Tensor]]:
    """What the layers that train keep of their batches: means over them, and numbers of them."""
    layers = {net.layers[node.name]: node for node in net.graph.nodes if node.name in net.layers}
    means, counters = list[Tensor](), list[Tensor]()
    for layer, node in layers.items():
        if layer.training:
            declared = [statistic.name for statistic in net.graph.statistics(node)]
            means += [layer.get_buffer(name) for name in declared if layer.get_buffer(name).is_floating_point()]
            counters += [value for value in layer.buffers() if not value.is_floating_point()]
    return means, counters


def has_statistics(net: Net) -> bool:
    """Whether there are norms that keep running statistics in training: some that do not rest."""
    return any(node.op.batch_statistics and node.name not in net.resting for node in net.graph.nodes)


@torch.no_grad()
def renew(
    net: Net, batches: Iterable[tuple[int, Tensor]], mean: Callable[[Iterator[Tensor]], Tensor], precision: Precision
) -> None:
    """Compute the running statistics of the norms that do not rest anew.

    batches: the number of a shard, in their order, and its normalized images, N x C x H x W; of all batches.
    mean: of one vector of each shard, in a fixed order.
    """
    was_training = net.training
    net.train()
    statistics, counters = running_statistics(net)
    norms = {net.layers[node.name] for node in net.graph.nodes if node.op.batch_statistics}
    before = [(norm, norm.momentum) for norm in norms], [(counter, counter.clone()) for counter in counters]
    for module in net.modules():
        if module is not net and module not in norms:
            module.training = False
    for norm in norms:
        norm.momentum = 1.0  # type: ignore[assignment]  # what a batch gives, whatever was before it
    means: dict[int, Tensor] = {}
    counts: dict[int, int] = {}
    for shard, images in batches:
        with precision.autocast(images.device):
            net(images)
        found = torch.cat([value.flatten() for value in statistics])
        counts[shard] = counts.get(shard, 0) + 1
        means.setdefault(shard, torch.zeros_like(found)).lerp_(found, 1 / counts[shard])
    total = mean(iter(means.values()))
    for value, part in zip(statistics, torch.split(total, [value.numel() for value in statistics]), strict=True):
        value.copy_(part.view_as(value))
    momenta, numbers = before
    for norm, momentum in momenta:
        norm.momentum = momentum
    for counter, number in numbers:
        counter.copy_(number)
    net.train(was_training)
