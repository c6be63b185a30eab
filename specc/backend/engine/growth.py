"""Training images that grow in the course of a training, and what that saves."""

import math
from typing import NamedTuple

from torch import Tensor, channels_last
from torch.nn.functional import interpolate

from specc.ir.at_size import Misfit, macs_at, shapes_at
from specc.ir.graph import Graph
from specc.tricks.progressive import sizes
from specc.tricks.resize import By
from specc.tricks.sections import DataSettings
from specc.values import Size
from specc.vocabulary.family import Clock


class Growth(NamedTuple):
    """sizes: below the full one, each for an equal share of the first `until` steps. full: what the network sees.

    by: how pixels between pixels are found, as where images are read.
    """

    sizes: tuple[Size, ...]
    until: float
    full: Size
    by: By

    @property
    def ends(self) -> list[int]:
        """For each of the sizes below the full one, the step after which images are larger."""
        return [math.ceil(self.until * stage / len(self.sizes)) for stage in range(1, len(self.sizes) + 1)]

    def size(self, step: int) -> Size:
        """The size in the step before which `step` steps were taken."""
        return next((size for size, end in zip(self.sizes, self.ends, strict=True) if step < end), self.full)

    def __call__(self, images: Tensor, step: int) -> Tensor:
        """Normalized images, N x C x H x W of the full size, as large as they are in a step; antialiased."""
        size = self.size(step)
        if size == self.full:
            return images
        if self.by == "nearest":
            small = interpolate(images, size, mode="nearest-exact")
        else:
            small = interpolate(images, size, mode=self.by, align_corners=False, antialias=True)
        return small.contiguous(memory_format=channels_last)

    def words(self, total: int) -> str:
        """`4x4 to step 33, 6x6 to step 66, 8x8 to step 110`. total: steps of the training."""
        steps = [*(min(end, total) for end in self.ends), total]
        taken = zip((*self.sizes, self.full), (0, *steps), steps, strict=False)
        return ", ".join(f"{size} to step {end:,}" for size, begin, end in taken if begin < end)

    def share(self, graph: Graph, total: int) -> float:
        """The share of the multiply-accumulates that a training of so many steps has at the full size."""
        steps = [*(min(end, total) for end in self.ends), total]
        taken = zip((*self.sizes, self.full), (0, *steps), steps, strict=False)
        return sum(_macs(graph, size) * (end - begin) for size, begin, end in taken) / (total * _macs(graph, self.full))


def growth(graph: Graph, data: DataSettings, per_epoch: int, total: int) -> Growth | None:
    """How the training images grow by the section `data`; None where they do not."""
    if data.progressive is None:
        return None
    a, full = data.progressive.args, Size(*graph.input[1:])
    by = data.resizing.by if data.resizing else "bilinear"
    return Growth(tuple(sizes(a, full)), Clock(0, per_epoch, total).steps(a.until), full, by)


def _macs(graph: Graph, size: Size) -> int:
    found = shapes_at(graph, size)
    assert not isinstance(found, Misfit), found  # the checker has seen to it
    return macs_at(graph, found)
