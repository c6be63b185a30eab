"""A part of a data set, for a quick look: so many images, of every class alike."""

import torch
from torch import Tensor

from specc.backend import rng
from specc.backend.data.dataset import DataSet
from specc.backend.data.split import Resident, Split, Streamed
from specc.backend.tasks.bound import BoundTask
from specc.errors import counted

USES = ("train", "validation", "measured")


def subset_of(dataset: DataSet, count: int) -> DataSet:
    """`dataset` with at most `count` training images and at most as many validation images, drawn from its seed.

    Every class gets the same share, as far as it has images. Mean, deviation and hash stay those of the whole, so
    that what is trained on the part can be measured and exported with the whole.
    """
    train = part_of(dataset.train, dataset.task, count, dataset.seed, "train")
    validation = part_of(dataset.validation, dataset.task, count, dataset.seed, "validation")
    taken, every = len(validation), len(dataset.validation)
    words = dataset.validated_on if taken == every else f"{counted(taken, 'image')} out of {dataset.validated_on}"
    return dataset._replace(train=train, validation=validation, validated_on=words, is_subset=True)


def balanced(labels: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """The numbers of `count` images, ascending, int64: those that come first when every class deals one in turn.

    labels: int64 N, on the CPU.
    """
    order = torch.randperm(len(labels), generator=generator)
    drawn = labels[order]
    by_class = drawn.argsort(stable=True)
    starts = torch.cumsum(drawn.bincount(), 0) - drawn.bincount()
    turn = torch.empty_like(order)
    turn[by_class] = torch.arange(len(labels)) - starts[drawn[by_class]]
    return order[turn.argsort(stable=True)[:count]].sort().values


def part_of(split: Split, task: BoundTask, count: int, seed: int, use: str) -> Split:
    """At most `count` images of a split, in its order; every use draws its own."""
    if count >= len(split):
        return split
    strata = torch.tensor([own[0] for own in task.strata(split.labels)])
    index = balanced(strata, count, rng.generator(seed, USES.index(use), rng.SUBSET))
    if isinstance(split, Resident):
        names = [split.names[number] for number in index.tolist()] if split.names else ()
        return Resident(split.images[index], split.labels[index], names)
    return Streamed(split.files.select(index.tolist()), split.labels[index], split.how, split.shape, split.workers)
