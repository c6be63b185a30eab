"""Batches of a split: in an order drawn for each epoch to train on, from the first to the last to measure."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import dropwhile, islice, tee
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from specc.backend import rng
from specc.backend.data.split import AHEAD, Split, Streamed, bring
from specc.backend.ranks import ALONE, Ranks
from specc.tricks.length import batch_size, batches


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


class Place(NamedTuple):
    """A part of a batch: shard `shard` of batch `number` of an epoch, each counted from 0."""

    epoch: int
    number: int
    shard: int


class Cut(NamedTuple):
    """How batches are cut, and which parts are asked for.

    shards: equal parts that a batch is cut into. mine: those that are asked for here. accumulate: the batches of a
    step; of a step, each shard is asked for in all batches before the next one is.
    """

    shards: int = 1
    mine: range = range(1)
    accumulate: int = 1


WHOLE: Cut = Cut()


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
    image once, or "balanced", so that it has each class equally often. cut: `size` is a multiple of its shards.
    windows: the shard of each image, and how many of these are mixed at once, where the split does not know it.

    Parts asked for one after the other are prepared ahead, also across epochs; any other can be asked for as well.
    """

    def __init__(
        self,
        split: Split,
        size: int,
        seed: int,
        device: torch.device,
        sample: Literal["balanced"] | None = None,
        cut: Cut = WHOLE,
        windows: tuple[Tensor, int] | None = None,
    ) -> None:
        self.split, self.seed, self.device, self.cut = split.to(device), seed, device, cut
        self.classes = None if sample is None else _of_each_class(split.labels.cpu())
        self.size = batch_size(len(split), size, cut.shards)
        self.count = batches(len(split), size, cut.shards)
        self.windows = split.windows if isinstance(split, Streamed) else windows
        self._places: Iterator[Place] = iter(())
        self._next: Place | None = None
        self._coming: Iterator[Batch] = iter(())

    @property
    def part(self) -> int:
        """The images of a shard."""
        return self.size // self.cut.shards

    @property
    def ahead(self) -> int:
        """How many parts are decoded before they are wanted."""
        return AHEAD * len(self.cut.mine)

    def at(self, epoch: int, number: int, shard: int = 0) -> Batch:
        """A shard of batch `number` of an epoch, each counted from 0."""
        place = Place(epoch, number, shard)
        if place != self._next:
            self._places, wanted = tee(self._from(place))
            next(self._places)
            self._coming = _batches(self.split, self._indices(wanted), self.device, self.ahead)
        batch = next(self._coming)
        self._next = next(self._places)
        if self.classes is None:
            return batch
        first = self._first(place)
        return batch._replace(draws=torch.arange(first, first + self.part, device=self.device))

    def order(self, epoch: int) -> Tensor:
        """The numbers of an epoch's images, int64, on the CPU."""
        if self.classes is None:
            order = epoch_order(self.seed, epoch, len(self.split))
        else:
            order = balanced_order(self.seed, epoch, self.classes)
        if self.windows is None:
            return order
        shard_of, window = self.windows
        return in_windows(order, shard_of, window, self.seed, epoch)

    def _first(self, place: Place) -> int:
        """Where in the order of its epoch a part begins."""
        return place.number * self.size + place.shard * self.part

    def _from(self, start: Place) -> Iterator[Place]:
        """A part, and those that are asked for after it, without end."""
        first = start.number - start.number % self.cut.accumulate
        yield start
        yield from islice(dropwhile(lambda place: place != start, self._of_step(start.epoch, first)), 1, None)
        epoch, first = start.epoch, first + self.cut.accumulate
        while True:
            for number in range(first, self.count, self.cut.accumulate):
                yield from self._of_step(epoch, number)
            epoch, first = epoch + 1, 0

    def _of_step(self, epoch: int, first: int) -> Iterator[Place]:
        """The parts of the step whose first batch is number `first`."""
        numbers = range(first, min(first + self.cut.accumulate, self.count))
        return (Place(epoch, number, shard) for shard in self.cut.mine for number in numbers)

    def _indices(self, places: Iterable[Place]) -> Iterator[Tensor]:
        """The images' numbers in each of these parts."""
        epoch, order = -1, torch.empty(0)
        for place in places:
            if place.epoch != epoch:
                epoch, order = place.epoch, self.order(place.epoch).to(self.split.place)
            first = self._first(place)
            yield order[first : first + self.part]


def all_batches(split: Split, size: int, device: torch.device, ranks: Ranks = ALONE) -> Iterator[Batch]:
    """Every image once, in the order of the split; the last batch may be smaller. ranks: only this process's share."""
    split = split.to(device)
    indices = torch.split(torch.arange(len(split), device=split.place), size)
    mine = ranks.share(len(indices))
    yield from _batches(split, indices[mine.start : mine.stop], device)


def _batches(split: Split, indices: Iterable[Tensor], device: torch.device, ahead: int = AHEAD) -> Iterator[Batch]:
    wanted, gathered = tee(indices)
    for index, images in zip(wanted, split.stream(gathered, device, ahead), strict=True):
        numbers = bring(index, device)
        yield Batch(numbers, images, split.labels.index_select(0, numbers), numbers)


def _of_each_class(labels: Tensor) -> list[Tensor]:
    """The images' numbers of each class that has some. labels: int64 N."""
    return list(torch.split(labels.argsort(stable=True), [count for count in labels.bincount().tolist() if count]))
