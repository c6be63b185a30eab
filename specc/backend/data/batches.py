"""Batches of a split: in an order drawn for each epoch to train on, from the first to the last to measure."""

from collections.abc import Iterable, Iterator
from itertools import tee
from typing import NamedTuple

import torch
from torch import Tensor

from specc.backend import rng
from specc.backend.data.split import Split, bring
from specc.tricks.length import batches


class Batch(NamedTuple):
    """numbers: the images' numbers in the split, int64 N. images: uint8 N x C x H x W. labels: int64 N."""

    numbers: Tensor
    images: Tensor
    labels: Tensor


def epoch_order(seed: int, epoch: int, count: int) -> Tensor:
    """The order in which `count` images are trained on in an epoch (from 0): a permutation, int64, on the CPU."""
    return torch.randperm(count, generator=rng.generator(seed, epoch, rng.ORDER))


class TrainingBatches:
    """The batches of every epoch, by number. All have `size` images; what is left over at an epoch's end waits for the
    next one, whose order is another. A split smaller than a batch is one batch.

    Batches asked for one after the other are prepared ahead, also across epochs; any other can be asked for as well.
    """

    def __init__(self, split: Split, size: int, seed: int, device: torch.device) -> None:
        self.split, self.seed, self.device = split.to(device), seed, device
        self.size = min(size, len(split))
        self.count = batches(len(split), size)
        self._next = (-1, -1)
        self._coming: Iterator[Batch] = iter(())

    def at(self, epoch: int, number: int) -> Batch:
        """Batch `number` (from 0) of an epoch."""
        if (epoch, number) != self._next:
            self._coming = _batches(self.split, self._indices(epoch, number), self.device)
        batch = next(self._coming)
        self._next = (epoch, number + 1) if number + 1 < self.count else (epoch + 1, 0)
        return batch

    def _indices(self, epoch: int, number: int) -> Iterator[Tensor]:
        """The images' numbers in this batch and in all that follow, without end."""
        while True:
            order = epoch_order(self.seed, epoch, len(self.split)).to(self.split.place)
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
        yield Batch(numbers, images, split.labels.index_select(0, numbers))
