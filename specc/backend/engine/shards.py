"""A step whose batches are cut into shards: each passes through the network by itself, and what they give is added up.

A shard is to the network what a batch is: batch norm averages over it, dropout draws for it. Gradients and running
statistics are added in a fixed order (`ordered_sum`), so the weights after the step do not depend on how many processes
computed the shards.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import NamedTuple
from zlib import crc32

import torch
from torch import Tensor, nn

from specc.backend.build import Net
from specc.backend.engine.statistics import running_statistics
from specc.backend.engine.step import Batch, Step
from specc.backend.ordered_sum import OrderedSum, is_tree
from specc.backend.ranks import Ranks
from specc.errors import SpeccError


class Sharded:
    """Takes a step from the shards of its batches.

    step: what a shard computes, and what follows from the sum. ranks: this process computes its share of the shards.
    is_exact: sums are taken in the order of the shards; else this process's are, and the processes' in any order.
    """

    def __init__(self, step: Step, ranks: Ranks, is_exact: bool) -> None:
        self.step, self.ranks, self.is_exact = step, ranks, is_exact
        self.count = step.settings.shards
        self.mine = ranks.share(self.count)

    def __call__(self, batches_of: Callable[[int], Iterable[Batch]]) -> Tensor:
        """Take the step. batches_of: of a shard, its part of each batch.

        Gives what `Step.backward` does for each of them: rows x batches x shards of this process.
        """
        weights = None
        if self.step.is_weighted or self.step.rho is not None:  # all parts of the step are needed first, or twice
            parts = {shard: list(batches_of(shard)) for shard in self.mine}
            weights = self._weights(parts) if self.step.is_weighted else None
            batches_of = parts.__getitem__
        figures = self._pass(batches_of, weights)
        if self.step.rho is not None:
            with self.step.perturbed():
                self._pass(batches_of, weights)
        self.step.update()
        return torch.stack(figures, 2)

    def _pass(self, batches_of: Callable[[int], Iterable[Batch]], weights: list[Tensor | int] | None) -> list[Tensor]:
        """Find the gradients of the step, and its running statistics; what each shard says of its images."""
        figures: list[Tensor] = []
        moves = Moves(self.step)
        total = self.sum(self._each(batches_of, weights, moves, figures))
        moves.take(total, self.count)
        return figures

    def _each(
        self,
        batches_of: Callable[[int], Iterable[Batch]],
        weights: list[Tensor | int] | None,
        moves: "Moves",
        figures: list[Tensor],
    ) -> Iterator[Tensor]:
        """What each shard of this process adds to the sum. figures: get what it says of its images."""
        for shard in self.mine:
            self.step.seed(shard)
            moves.begin()
            figures.append(torch.stack([self.step.backward(*batch, weights) for batch in batches_of(shard)], 1))
            yield moves.gather()

    def sum(self, parts: Iterator[Tensor]) -> Tensor:
        """The sum over the shards of all processes. parts: of each shard of this one, n numbers that are used up."""
        as_tree = is_tree(self.count)
        if self.is_exact and not as_tree and not self.ranks.is_alone:
            first = next(parts)
            rows = first.new_empty(len(self.mine), len(first))
            for row, part in zip(rows, chain([first], parts), strict=True):
                row.copy_(part)
            return self.ranks.sum_in_order(rows, as_tree=False)
        own = OrderedSum(as_tree)
        for part in parts:
            own.add(part)
        total = own.result()
        if self.is_exact:
            return self.ranks.sum_in_order(total[None], as_tree=as_tree)
        self.ranks.sum_in_any_order(total)
        return total

    def mean(self, parts: Iterator[Tensor]) -> Tensor:
        """The mean over the shards of all processes."""
        return self.sum(parts).div_(self.count)

    def _weights(self, parts: dict[int, list[Batch]]) -> list[Tensor | int]:
        """The weight of each term of the loss over all shards and batches of the step."""
        loss, device = self.step.loss, self.step.device
        dtype = torch.float32 if device.type == "mps" else torch.float64
        own = torch.stack([_row(loss.weights(labels), dtype) for batches in parts.values() for _, labels in batches])
        together = torch.cat(self.ranks.gather_tensors(own.cpu())).sum(0)
        return list(together.float().to(device))


def _row(weights: Iterable[Tensor | int], dtype: torch.dtype) -> Tensor:
    return torch.stack([torch.as_tensor(weight).to(dtype) for weight in weights])


class Moves:
    """What a step moves, as one vector: the gradients, and the running statistics of the layers that train."""

    def __init__(self, step: Step) -> None:
        self.step = step
        self.statistics, counters = running_statistics(step.state.net)
        self.kept = [(value, value.clone()) for value in [*self.statistics, *counters]]
        self.moving: list[nn.Parameter] = []
        self.places: list[Place] = []

    @torch.no_grad()
    def begin(self) -> None:
        """Before a shard: no gradients, and statistics as they were before the step."""
        self.step.state.optimizers.zero_grad()
        for value, before in self.kept:
            value.copy_(before)

    @torch.no_grad()
    def gather(self) -> Tensor:
        """What a shard has given, n numbers."""
        moving = [weight for weight in self.step.state.weights.values() if weight.grad is not None]
        values = [*(weight.grad for weight in moving if weight.grad is not None), *self.statistics]
        flat = torch.empty(sum(value.numel() for value in values), device=self.step.device)
        self.moving, self.places = moving, list(_places(values))
        if values:  # not where all that learned stands still
            torch._foreach_copy_([place.of(flat) for place in self.places], values)
        return flat

    @torch.no_grad()
    def take(self, total: Tensor, count: int) -> None:
        """Take on the gradients of the whole step, and the mean of the running statistics. count: of the shards."""
        values = [place.of(total) for place in self.places]
        gradients, statistics = values[: len(self.moving)], values[len(self.moving) :]
        for weight, gradient in zip(self.moving, gradients, strict=True):
            weight.grad = gradient
        if statistics:
            torch._foreach_div_(statistics, count)
            torch._foreach_copy_(self.statistics, statistics)


class Place(NamedTuple):
    """Where a tensor lies in a vector, in its own memory layout."""

    offset: int
    size: torch.Size
    stride: tuple[int, ...]

    def of(self, flat: Tensor) -> Tensor:
        return flat.as_strided(self.size, self.stride, self.offset)


def _places(values: Iterable[Tensor]) -> Iterator[Place]:
    offset = 0
    for value in values:
        dense = torch.empty_like(value, device="meta")  # without gaps, in the same order
        yield Place(offset, value.shape, dense.stride())
        offset += value.numel()


def refuse_divergence(net: Net, step: int, ranks: Ranks) -> None:
    """Raise SpeccError E504 where the processes do not have the same bits after a step."""
    if ranks.is_alone:
        return
    digest = 0
    for value in net.state_dict().values():
        digest = crc32(value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy(), digest)
    digests = ranks.gather(digest)
    other = next((rank for rank, one in enumerate(digests) if one != digests[0]), None)
    if other is not None:
        message = f"after step {step:,}, process {other} has other weights than process 0"
        help = "a device computes wrongly, or the processes run different software; `specc doctor` on each shows which"
        raise SpeccError("E504", message, help=help)
