"""Augmentation: whole batches at once, on the device, with a draw for each image that nothing else has a part in."""

from collections.abc import Sequence
from itertools import takewhile

import torch
from torch import Tensor

from specc.backend.augment.draw import Draw, by_part, each, pick
from specc.backend.resolve import resolve
from specc.backend.rng import Tables
from specc.tricks.augment import component_of, mixer
from specc.values import Bound

Pipeline = Sequence[Bound]
Pair = tuple[Tensor, Tensor]


def augment(
    x: Tensor,
    labels: Tensor,
    images: Tensor,
    *,
    seed: int,
    epoch: int,
    tricks: Pipeline,
    classes: int,
    ignore: int | None = None,
    tables: Tables | None = None,
) -> Pair:
    """The batch as it is trained on in this epoch, and its targets.

    x: N x C x H x W, float32 from 0 to 1, or uint8 (which is divided by 255). labels: int64 N, N x tags, N x
    numbers, or masks, uint8 N x H x W, which move as the images do; `ignore` comes in from outside of them. images:
    int64 N, the images' numbers in the training set. tricks: checked augmentations, in their order. All tensors are on
    one device.
    tables: of the training set; without them the draws are made for this batch alone, and are the same.

    Returns the changed images, float32, and the labels; or, where a trick mixes images, N x classes shares of the
    classes or tags.
    """
    targets = _marked(labels, ignore) if labels.dtype == torch.uint8 else labels
    if mixer(tricks) and labels.dtype == torch.int64:
        targets = (labels[:, None] == torch.arange(classes, device=labels.device)).float()  # `one_hot` sorts on CUDA
    draw = Draw(seed, epoch, images, 0, tables)
    if x.dtype == torch.uint8:  # a quarter of the memory, as long as pixels only move
        moving = tuple(takewhile(lambda call: component_of(call).moves, tricks))
        x, targets = _pipeline(moving, x, targets, draw)
        x, draw, tricks = x.float().div_(255), draw.later(_places(moving)), tricks[len(moving) :]
    x, targets = _pipeline(tricks, x, targets, draw)
    return x, _unmarked(targets, ignore) if labels.dtype == torch.uint8 else targets


def _marked(masks: Tensor, ignore: int | None) -> Tensor:
    """Masks, uint8 N x H x W, as N x 1 x H x W that hold class + 1, and 0 where a pixel does not count."""
    marked = masks[:, None] + 1
    return marked if ignore is None else marked.masked_fill_(masks[:, None] == ignore, 0)


def _unmarked(marked: Tensor, ignore: int | None) -> Tensor:
    """The other way round."""
    assert ignore is not None  # which every source of masks has
    return (marked[:, 0] - 1).masked_fill_(marked[:, 0] == 0, ignore)


def _pipeline(tricks: Pipeline, x: Tensor, targets: Tensor, draw: Draw) -> Pair:
    for call in tricks:
        x, targets = _apply(call, x, targets, draw)
        draw = draw.later(_places((call,)))
    return x, targets


def _places(tricks: Pipeline) -> int:
    """How many augmentations there are, the inner ones of `choose` and `maybe` included: each has its own draws."""
    return sum(1 + sum(map(_places, call.branches)) for call in tricks)


def _apply(call: Bound, x: Tensor, targets: Tensor, draw: Draw) -> Pair:
    augmentation = component_of(call)
    work = resolve(augmentation.target)
    if augmentation.body:
        which = work(call.args, len(call.branches), draw)
        branches = (*call.branches, ()) if augmentation.skips else call.branches
        return _branches(branches, which, x, targets, draw.later(1))
    if augmentation.mixes:
        mixed: Pair = work(x, targets, call.args, draw)
        return mixed
    if targets.ndim == 4 and augmentation.masks:
        targets = resolve(augmentation.masks)(targets, call.args, draw)
    return work(x, call.args, draw), targets


def _branches(branches: Sequence[Pipeline], which: Tensor, x: Tensor, targets: Tensor, draw: Draw) -> Pair:
    """Each image through the branch of its number."""
    if by_part(x) and not any(map(mixer, branches)):
        return _some_through_each(branches, which, x, targets, draw)
    result: Pair | None = None
    for number, branch in enumerate(branches):
        through, shares = _pipeline(branch, x, targets, draw)
        if result is not None:
            chosen = which == number
            through = pick(each(chosen), through, result[0])
            shares = torch.where(chosen.view(-1, *[1] * (targets.ndim - 1)), shares, result[1])
        result = through, shares
        draw = draw.later(_places(branch))
    assert result is not None
    return result


def _some_through_each(branches: Sequence[Pipeline], which: Tensor, x: Tensor, targets: Tensor, draw: Draw) -> Pair:
    """The same, without work that is thrown away."""
    result: Pair | None = None
    for number, branch in enumerate(branches):
        places = (which == number).nonzero()[:, 0]
        if len(places):
            through = _pipeline(branch, x[places], targets[places], draw.of(places))
            if result is None:
                images, labels = (part.new_empty(len(x), *part.shape[1:]) for part in through)
                result = images, labels
            for whole, some in zip(result, through, strict=True):
                whole[places] = some
        draw = draw.later(_places(branch))
    return (x, targets) if result is None else result
