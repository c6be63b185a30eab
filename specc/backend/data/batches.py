"""Batches of a split: in an order drawn for each epoch to train on, from the first to the last to measure."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import tee
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from specc.backend import rng
from specc.backend.data.split import Split, Streamed, bring
from specc.tricks.length import batches


class Batch(NamedTuple):
    """numbers: the images' numbers in the split, int64 N. images: uint8 N x C x H x W. labels: as those of the split.

    draws: int64 N, below the number of images: what the random draws for each image follow, no two alike in an epoch.
        It is the image's number; where an image may come several times, its place in the epoch.
    """

    numbers: Tensor
    images: Tensor
    labels: Tensor
    draws: Tensor


def epoch_order(seed: int, epoch: int, count: int) -> Tensor:
    """The order in which `count` images are trained on in an epoch (from 0): a permutation, int64, on the CPU."""
    return torch.randperm(count, generator=rng.generator(seed, epoch, rng.ORDER))


def balanced_order(seed: int, epoch: int, classes: Sequence[Tensor]) -> Tensor:
    """The images that are trained on in an epoch, int64, on the CPU: as many as there are, each class equally often.

    classes: the images' numbers of each class, none of them empty. What does not divide goes to classes that are drawn.
    The images of a class come equally often, too, but for a difference of one.
    """
    generator = rng.generator(seed, epoch, rng.ORDER)
    each, rest = divmod(sum(map(len, classes)), len(classes))
    more = set(torch.randperm(len(classes), generator=generator)[:rest].tolist())
    drawn = []
    for number, images in enumerate(classes):
        rounds, some = divmod(each + (number in more), len(images))
        drawn += [images.repeat(rounds), images[torch.randperm(len(images), generator=generator)[:some]]]
    order = torch.cat(drawn)
    return order[torch.randperm(len(order), generator=generator)]


def in_windows(order: Tensor, shard_of: Tensor, window: int, seed: int, epoch: int) -> Tensor:
    """The same images, so that those of `window` shards at a time stand together: int64, on the CPU.

    order: of the images of an epoch, all of them shuffled. shard_of: the number of each image's shard, int64 N. Which
    shards stand together is drawn; the images of a window keep the order in which they were drawn, so they are mixed.
    """
    shards = int(shard_of.max()) + 1
    place = torch.randperm(shards, generator=rng.generator(seed, epoch, rng.SHARDS))
    return order[(place // window)[shard_of[order]].argsort(stable=True)]


class TrainingBatches:
    """The batches of every epoch, by number. All have `size` images; what is left over at an epoch's end waits for the
    next one, whose order is another. A split smaller than a batch is one batch. sample: None, so that an epoch has each
    image once, or "balanced", so that it has each class equally often.

    Batches asked for one after the other are prepared ahead, also across epochs; any other can be asked for as well.
    """

    def __init__(
        self, split: Split, size: int, seed: int, device: torch.device, sample: Literal["balanced"] | None = None
    ) -> None:
        self.split, self.seed, self.device = split.to(device), seed, device
        self.classes = None if sample is None else _of_each_class(split.labels.cpu())
        self.size = min(size, len(split))
        self.count = batches(len(split), size)
        self._windows = split.windows if isinstance(split, Streamed) else None
        self._next = (-1, -1)
        self._coming: Iterator[Batch] = iter(())

    def at(self, epoch: int, number: int) -> Batch:
        """Batch `number` (from 0) of an epoch."""
        if (epoch, number) != self._next:
            self._coming = _batches(self.split, self._indices(epoch, number), self.device)
        batch = next(self._coming)
        self._next = (epoch, number + 1) if number + 1 < self.count else (epoch + 1, 0)
        if self.classes is None:
            return batch
        first = number * self.size
        return batch._replace(draws=torch.arange(first, first + self.size, device=self.device))

    def order(self, epoch: int) -> Tensor:
        """The numbers of an epoch's images, int64, on the CPU."""
        if self.classes is None:
            order = epoch_order(self.seed, epoch, len(self.split))
        else:
            order = balanced_order(self.seed, epoch, self.classes)
        if self._windows is None:
            return order
        shard_of, window = self._windows
        return in_windows(order, shard_of, window, self.seed, epoch)

    def _indices(self, epoch: int, number: int) -> Iterator[Tensor]:
        """The images' numbers in this batch and in all that follow, without end."""
        while True:
            order = self.order(epoch).to(self.split.place)
            yield from torch.split(order[: self.count * self.size], self.size)[number:]
            epoch, number = epoch + 1, 0


def all_batches(split: Split, size: int, device: torch.device) -> Iterator[Batch]:
    """Every image once, in the order of the split; the last batch may be smaller."""
    split = split.to(device)
    yield from _batches(split, torch.split(torch.arange(len(split), device=split.place), size), device)


def _batches(split: Split, indices: Iterable[Tensor], device: torch.device) -> Iterator[Batch]:
    wanted, gathered = tee(indices)
    for index, images in zip(wanted, split.stream(gathered, device), strict=True):
        numbers = bring(index, device)
        yield Batch(numbers, images, split.labels.index_select(0, numbers), numbers)


def _of_each_class(labels: Tensor) -> list[Tensor]:
    """The images' numbers of each class that has some. labels: int64 N."""
    return list(torch.split(labels.argsort(stable=True), [count for count in labels.bincount().tolist() if count]))
