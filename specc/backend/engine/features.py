"""What frozen layers make of each image, computed once, so that a step computes only what comes after them."""

from collections.abc import Callable, Collection, Iterable
from math import prod
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from specc.backend.build import Net, run
from specc.backend.data.features import Place
from specc.backend.data.loader import DataLoader, FeatureLoader
from specc.backend.precision import Precision
from specc.ir.graph import Graph
from specc.ir.passes import source


def frontier(graph: Graph, constant: Collection[int]) -> list[int]:
    """Of the constant nodes those whose values the others need, in the order in which they run."""
    ends = {graph.output, *(head.output for head in graph.heads)}
    read = {i for node in graph.nodes if node.index not in constant for i in node.inputs} | ends
    return sorted({source(graph, i) for i in read if i in constant})


class Value(NamedTuple):
    """How the value of a node lies in the features of an image. shape: C x H x W, or numbers.

    dtype: as it was computed. is_channels_last: its memory layout, of the features, too.
    """

    node: int
    shape: tuple[int, ...]
    dtype: torch.dtype
    is_channels_last: bool

    @classmethod
    def of(cls, node: int, value: Tensor) -> "Value":
        is_map = value.dim() == 4
        return cls(
            node,
            tuple(value.shape[1:]),
            value.dtype,
            is_map and value.is_contiguous(memory_format=torch.channels_last),
        )

    def flat(self, value: Tensor) -> Tensor:
        """The value as features, N x F."""
        return (value.permute(0, 2, 3, 1) if self.is_channels_last else value).flatten(1)

    def whole(self, features: Tensor) -> Tensor:
        """The value that features, N x F, hold."""
        features, count = features.to(self.dtype), len(features)
        if not self.is_channels_last:
            return features.reshape(count, *self.shape)
        channels, height, width = self.shape
        return features.reshape(count, height, width, channels).permute(0, 3, 1, 2)


class Tail(nn.Module):
    """What of a network comes after the constant nodes. It shares the network's layers and their mode."""

    def __init__(self, net: Net, constant: Collection[int]) -> None:
        super().__init__()
        self.net = net
        self.values: tuple[Value, ...] = ()  # known once features were computed
        self._training_steps, self._steps = (
            tuple(step for step in net.train(mode).steps if step.output not in constant) for mode in (True, False)
        )
        self.train()

    def forward(self, features: Tensor) -> Any:
        """What the network gives for the images that have these features, N x F."""
        parts = torch.split(features, [prod(value.shape) for value in self.values], 1)
        values = {value.node: value.whole(part) for value, part in zip(self.values, parts, strict=True)}
        run(self._training_steps if self.net.training else self._steps, values)
        return self.net.answer(values)


class Features:
    """The features of all images, and what is trained on them. Nothing is computed before it is asked for.

    constant: the nodes that stand still in the steps below `until`. place: where the features are kept.
    """

    def __init__(
        self,
        net: Net,
        loader: DataLoader,
        precision: Precision,
        constant: Collection[int],
        until: float,
        place: Place,
    ) -> None:
        self.net, self.images, self.precision, self.until, self.place = net, loader, precision, until, place
        self.constant = frozenset(constant)
        self.nodes = frontier(net.graph, constant)
        self.tail = Tail(net, constant)
        self._loader: FeatureLoader | None = None

    def beside(self, forward: Callable[[Tensor], Any], of_tail: Callable[[Tensor], Any]) -> Callable[[Tensor], Any]:
        """The network's forward pass, of images or of features, which have two axes."""
        return lambda given: of_tail(given) if given.dim() == 2 else forward(given)

    def loader(self) -> FeatureLoader:
        """The batches of features. The first call computes them."""
        if self._loader is None:
            validation = self.images.dataset.validation
            train = self.place.filled("train", len(self.images.dataset.train), self._of(self.images.in_order()))
            measured = (images for images, _ in self.images.validation())
            self._loader = FeatureLoader(
                self.images, train, self.place.filled("validation", len(validation), self._of(measured))
            )
        return self._loader

    @torch.no_grad()
    def _compute(self, images: Tensor) -> Tensor:
        values = {0: images}
        with self.precision.autocast(images.device):
            run(self.net.schedule(set(self.nodes)), values)
        self.tail.values = tuple(Value.of(node, values[node]) for node in self.nodes)
        return torch.cat([value.flat(values[value.node]) for value in self.tail.values], 1)

    def _of(self, batches: Iterable[Tensor]) -> Iterable[Tensor]:
        """The features of one batch after the other. Constant layers compute in training as they do in evaluation."""
        return map(self._compute, batches)
