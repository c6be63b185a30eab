"""From a data set to what the network sees: batches gathered, augmented and normalized on the device."""

from collections.abc import Iterator
from math import prod

import torch
from torch import Tensor

from specc.backend.augment import augment
from specc.backend.data.batches import TrainingBatches, all_batches
from specc.backend.data.dataset import DataSet
from specc.backend.data.normalize import Normalize, normalizer
from specc.backend.data.shards.amount import size
from specc.backend.data.shards.images import Packed
from specc.backend.data.split import AHEAD, Resident
from specc.backend.rng import Tables
from specc.check import Trainable
from specc.check.verify.fits import ALONE, batch_of_one
from specc.check.verify.task import mismatches
from specc.errors import SpeccError, counted
from specc.tricks.resize import center
from specc.tricks.sections import DataSettings
from specc.values import Size
from specc.vocabulary.shape import size_text

LARGEST = 512  # images of a batch that is only evaluated


class DataLoader:
    """The batches of a training. `batch` images each, `batches` an epoch; what does not fill a batch is left out."""

    def __init__(self, dataset: DataSet, data: DataSettings, batch: int, seed: int, device: torch.device) -> None:
        self.dataset, self.data, self.seed, self.device = dataset, data, seed, device
        self.source = TrainingBatches(dataset.train, batch, seed, device, data.sample)
        self.task = dataset.task
        self.batch, self.batches = self.source.size, self.source.count
        self.normalize = _normalizer(dataset, data, device)
        self.tables = Tables(len(dataset.train))

    def training(self, epoch: int, index: int) -> tuple[Tensor, Tensor]:
        batch = self.source.at(epoch, index)
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
        count = (AHEAD + 2) * (self.batch + min(4 * self.batch, LARGEST))  # batches to train on, and to validate on
        source = train.files
        where = counted(len(source.shards), "shard") if isinstance(source, Packed) else "their files"
        return "streamed", f"read from {where} as they are wanted: at most {count:,} at once, {size(count * each)}"

    def validation(self) -> Iterator[tuple[Tensor, Tensor]]:
        return validation_batches(self.dataset, self.data, self.batch, self.device)


def validation_batches(
    dataset: DataSet, data: DataSettings, batch: int, device: torch.device
) -> Iterator[tuple[Tensor, Tensor]]:
    """All validation images, normalized, with their labels; in batches larger than those of training."""
    normalize = _normalizer(dataset, data, device)
    for found in all_batches(dataset.validation, min(4 * batch, LARGEST), device):
        yield normalize(found.images).contiguous(memory_format=torch.channels_last), in_view(found.labels, data.view)


def in_view(labels: Tensor, view: Size | None) -> Tensor:
    """Masks, uint8 N x H x W, where the network sees their images: the center. Other labels as they are."""
    if view is None or labels.dtype != torch.uint8:
        return labels
    top, left = (center(whole, part) for whole, part in zip(labels.shape[1:], view, strict=True))
    return labels[:, top : top + view.height, left : left + view.width]


def _normalizer(dataset: DataSet, data: DataSettings, device: torch.device) -> Normalize:
    shape = _seen(dataset, data.view)
    return normalizer(data.normalize, shape, dataset.mean, dataset.std, data.view).to(device)


def _seen(dataset: DataSet, view: Size | None) -> tuple[int, int, int]:
    """C, H, W of what the network sees of the images."""
    channels, height, width = dataset.shape
    return (channels, *view) if view else (channels, height, width)


def check_fit(spec: Trainable, dataset: DataSet) -> None:
    """Raise SpeccError E307, E306 or E317 where a network does not take these images, or does not give what is learned
    of them; E316 where there is a single one, and it cannot learn from that.

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
    norm = batch_of_one(graph, spec.train.frozen) if len(dataset.train) == 1 else None
    if norm is not None:
        message = f"`{norm.name}` has only one value per channel to normalize: there is one training image"
        raise SpeccError("E316", message, help=ALONE, status=1)
    for odd in mismatches(dataset.task.facts, dataset.task.outputs, graph, spec.data, spec.train, spec.export):
        raise SpeccError(odd.code, odd.message, help=odd.help, status=1)
