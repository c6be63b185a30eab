"""Sums of floating-point numbers in a fixed order: the same parts give the same bits wherever they are added.

2**k parts are added as a binary tree, ((a + b) + (c + d)) + …, so that whoever holds a subtree can add it up alone. Any
other number of parts is added in their order, ((a + b) + c) + ….
"""

from collections.abc import Iterable
from typing import NamedTuple

from torch import Tensor


def is_tree(count: int) -> bool:
    """Whether so many parts are added up as a tree."""
    return count & (count - 1) == 0


def summed(parts: Iterable[Tensor], *, as_tree: bool) -> Tensor:
    """The sum of K parts, or of the rows of K x n numbers, which are used up. as_tree: K is a power of two then."""
    running = OrderedSum(as_tree)
    for part in parts:
        running.add(part)
    return running.result()


class OrderedSum:
    """A sum that parts are added to one after the other, in their order. as_tree: as a binary tree.

    Parts are used up: sums are taken in their memory. A tree of 2**k parts holds k + 1 of them at most, any other sum
    one.
    """

    def __init__(self, as_tree: bool) -> None:
        self.as_tree = as_tree
        self._waiting: list[tuple[int, Tensor]] = []  # how many parts are in each sum, from the largest

    def add(self, part: Tensor) -> None:
        count = 1
        while self._waiting and (not self.as_tree or self._waiting[-1][0] == count):
            before, sum_before = self._waiting.pop()
            part = sum_before.add_(part)
            count += before
        self._waiting.append((count, part))

    def result(self) -> Tensor:
        """The sum; of a tree only once 2**k parts were added."""
        ((_, total),) = self._waiting
        return total


class Cost(NamedTuple):
    """What adding up S shards costs each of N processes. sent: how many times the vector of what a step moves is sent;
    plain: the same by a plain all-reduce. held: how many such vectors are held at once."""

    sent: float
    plain: float
    held: int


def cost(shards: int, world: int, *, is_exact: bool = True) -> Cost:
    """See `OrderedSum` and `Ranks.sum_in_order`; a plain all-reduce sends 2 (N - 1) / N vectors (Patarasuk and Yuan,
    "Bandwidth optimal all-reduce algorithms", 2009), as does a tree, whose subtrees are added up where they are."""
    own = shards // world
    others = (world - 1) / world
    plain = 2 * others
    has_subtrees = is_tree(shards) or not is_exact
    sent = plain if has_subtrees else (own + 1) * others
    in_order = own if world > 1 and is_exact else 1
    held = own.bit_length() if is_tree(shards) else in_order  # log2(own) + 1
    return Cost(sent, plain, held + 1)  # and one that is added, or the total
