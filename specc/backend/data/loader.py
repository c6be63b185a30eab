"""From a data set to what the network sees: batches gathered, augmented and normalized on the device."""

from collections.abc import Iterator
from math import prod

import torch
from torch import Tensor

from specc.backend.augment import augment
from specc.backend.data.amount import size
from specc.backend.data.batches import WHOLE, Cut, TrainingBatches, all_batches
from specc.backend.data.dataset import DataSet
from specc.backend.data.normalize import Normalize, normalizer
from specc.backend.data.shards.images import Packed
from specc.backend.data.split import AHEAD, Resident
from specc.backend.ranks import ALONE, Ranks
from specc.backend.rng import Tables
from specc.check import Trainable
from specc.check.verify.shards import NO_BATCH, batch_of_one
from specc.check.verify.task import mismatches
from specc.errors import SpeccError, counted
from specc.tricks.augment import mixer
from specc.tricks.length import batch_size
from specc.tricks.resize import center
from specc.tricks.sections import DataSettings
from specc.values import Size
from specc.vocabulary.shape import size_text

LARGEST = 512  # images of a batch that is only evaluated
ON_CUDA = 2_000  # of small images there, where so many take no longer than 512
SMALL = 32 * 32  # pixels of such an image


class DataLoader:
    """The batches of a training. `batch` images each, `batches` an epoch; what does not fill a batch is left out.

    cut: how they are cut into shards. A shard is augmented by itself: images are mixed with others of their shard.
    """

    def __init__(
        self,
        dataset: DataSet,
        data: DataSettings,
        batch: int,
        seed: int,
        device: torch.device,
        cut: Cut = WHOLE,
    ) -> None:
        self.dataset, self.data, self.seed, self.device = dataset, data, seed, device
        self.source = TrainingBatches(dataset.train, batch, seed, device, data.sample, cut)
        self.task = dataset.task
        self.batch, self.batches = self.source.size, self.source.count
        self.normalize = _normalizer(dataset, data, device)
        self.tables = Tables(len(dataset.train))

    def training(self, epoch: int, index: int, shard: int = 0) -> tuple[Tensor, Tensor]:
        batch = self.source.at(epoch, index, shard)
        images, target = batch.images, batch.labels
        if self.data.augment:
            images, target = augment(
                images,
                target,
                batch.draws,
                seed=self.seed,
                epoch=epoch,
                tricks=self.data.augment,
                classes=len(self.task.outputs),
                ignore=self.task.ignore,
                tables=self.tables,
            )
        return self.normalize(images).contiguous(memory_format=torch.channels_last), in_view(target, self.data.view)

    def in_order(self) -> Iterator[Tensor]:
        """All training images in the order of the set, normalized but not augmented, in batches as large as a shard.

        What is left over at the end stands in the last batch, behind images that the one before has, too.
        """
        split, images, part = self.source.split, len(self.dataset.train), self.source.part
        ends = range(part, images + part, part)
        rows = [torch.arange(part, device=split.place) + (min(end, images) - part) for end in ends]
        for batch in split.stream(rows, self.device):
            yield self.normalize(batch).contiguous(memory_format=torch.channels_last)

    def sample(self, count: int) -> Tensor:
        """So many training images, evenly spaced over the set, normalized, on the CPU; all where there are fewer."""
        images, cpu = len(self.dataset.train), torch.device("cpu")
        count = min(count, images)
        index = torch.arange(count) * images // count
        found: Tensor = _normalizer(self.dataset, self.data, cpu)(self.dataset.train.gather(index, cpu))
        return found

    @property
    def held(self) -> tuple[str, str]:
        """Where the images are, "in memory" or "streamed", and what of them is in memory at most, in words."""
        train = self.dataset.train
        each = prod(train.shape)
        if isinstance(train, Resident):
            return "in memory", f"{counted(len(train), 'training image')}, {size(len(train) * each)}"
        evaluated = evaluated_at_once(self.batch, train.shape, self.device)
        count = (self.source.ahead + 2) * self.source.part + (AHEAD + 2) * evaluated
        source = train.files
        where = counted(len(source.shards), "shard") if isinstance(source, Packed) else "their files"
        return "streamed", f"read from {where} as they are wanted: at most {count:,} at once, {size(count * each)}"

    def validation(self, ranks: Ranks = ALONE) -> Iterator[tuple[Tensor, Tensor]]:
        return validation_batches(self.dataset, self.data, self.batch, self.device, ranks)


class FeatureLoader:
    """The batches of a training with features, N x F, in place of images: what a network makes of them.

    loader: of the images. train, validation: the features of each image of these parts.
    """

    def __init__(self, loader: DataLoader, train: Tensor, validation: Tensor) -> None:
        self.task, self.batch, self.batches = loader.task, loader.batch, loader.batches
        self._view, self._device, dataset = loader.data.view, loader.device, loader.dataset
        source, split = loader.source, Resident(train, dataset.train.labels)
        self._source = TrainingBatches(
            split, loader.batch, loader.seed, loader.device, loader.data.sample, source.cut, source.windows
        )
        self._validation = Resident(validation, dataset.validation.labels)
        self._at_once = evaluated_at_once(loader.batch, dataset.shape, loader.device)

    def training(self, epoch: int, index: int, shard: int = 0) -> tuple[Tensor, Tensor]:
        batch = self._source.at(epoch, index, shard)
        return batch.images, in_view(batch.labels, self._view)

    def validation(self, ranks: Ranks = ALONE) -> Iterator[tuple[Tensor, Tensor]]:
        for batch in all_batches(self._validation, self._at_once, self._device, ranks):
            yield batch.images, in_view(batch.labels, self._view)


def validation_batches(
    dataset: DataSet, data: DataSettings, batch: int, device: torch.device, ranks: Ranks = ALONE
) -> Iterator[tuple[Tensor, Tensor]]:
    """All validation images, normalized, with their labels; in batches larger than those of training.

    ranks: only this process's share of the batches, which are cut in the same way for any number of processes.
    """
    normalize = _normalizer(dataset, data, device)
    size = evaluated_at_once(batch, dataset.shape, device)
    for found in all_batches(dataset.validation, size, device, ranks):
        yield normalize(found.images).contiguous(memory_format=torch.channels_last), in_view(found.labels, data.view)


def evaluated_at_once(batch: int, shape: tuple[int, int, int], device: torch.device) -> int:
    """How many images a batch that is only evaluated has. batch: those of a training batch. shape: C, H, W."""
    most = LARGEST
    if device.type == "cuda":
        most = max(LARGEST, min(ON_CUDA, ON_CUDA * SMALL // (shape[1] * shape[2])))
    return min(4 * batch, most)


def in_view(labels: Tensor, view: Size | None) -> Tensor:
    """Masks, uint8 N x H x W, where the network sees their images: the center. Other labels as they are."""
    if view is None or labels.dtype != torch.uint8:
        return labels
    top, left = (center(whole, part) for whole, part in zip(labels.shape[1:], view, strict=True))
    return labels[:, top : top + view.height, left : left + view.width]


def _normalizer(dataset: DataSet, data: DataSettings, device: torch.device) -> Normalize:
    shape = _seen(dataset, data.view)
    return normalizer(data.normalize, shape, dataset.mean, dataset.std, data.view).to(device)


def _refuse_small(spec: Trainable, images: int) -> None:
    """Raise SpeccError E500, E316 or E501 where a batch of a small set has too few images."""
    train, shards = spec.train, spec.train.shards
    size = batch_size(images, train.batch, shards)
    there = "there is one training image" if images == 1 else f"there are {counted(images, 'training image')}"
    if not size:
        message = f"train.shards is {shards}, but {there}"
        raise SpeccError("E500", message, help=f"set train.shards = {images} or less", status=1)
    if size // shards > 1:
        return
    norm, mixes = batch_of_one(spec.graph, train.frozen), mixer(spec.data.augment) if shards > 1 else None
    help = "use batches of at least two images" if shards == 1 else f"set train.shards = {max(1, images // 2)} or less"
    there += "" if shards == 1 else f", one for each of {shards} shards"
    if norm is not None:
        message = f"`{norm.name}` has only one value per channel to normalize: {there}"
        raise SpeccError("E316", message, help=f"{help}, or {NO_BATCH}", status=1)
    if mixes is not None:
        message = f"`{mixes.name}` mixes images of a shard with each other: {there}"
        raise SpeccError("E501", message, help=f"{help}, or remove `{mixes.name}`", status=1)


def _seen(dataset: DataSet, view: Size | None) -> tuple[int, int, int]:
    """C, H, W of what the network sees of the images."""
    channels, height, width = dataset.shape
    return (channels, *view) if view else (channels, height, width)


def check_fit(spec: Trainable, dataset: DataSet) -> None:
    """Raise SpeccError E307, E306 or E317 where a network does not take these images, or does not give what is learned
    of them; E500 where a small set cannot be cut into shards; E316 and E501 where a batch or a shard of it is a single
    image, and it cannot learn from that.

    `specc check` says so already where the source is known before it is read; a folder is not.
    """
    graph, seen = spec.graph, _seen(dataset, spec.data.view)
    if tuple(graph.input) != seen:
        channels, height, width = seen
        raise SpeccError(
            "E307",
            f"the network takes {size_text(graph.input)}, but the images are {size_text(seen)}",
            help=f"input({channels}, {height}x{width}), or `resize` in the section `data`",
            status=1,
        )
    _refuse_small(spec, len(dataset.train))
    for odd in mismatches(dataset.task.facts, dataset.task.outputs, graph, spec.data, spec.train, spec.export):
        raise SpeccError(odd.code, odd.message, help=odd.help, status=1)
