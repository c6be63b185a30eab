"""Sums of floating-point numbers in a fixed order: the same parts give the same bits wherever they are added.

2**k parts are added as a binary tree, ((a + b) + (c + d)) + …, so that whoever holds a subtree can add it up alone. Any
other number of parts is added in their order, ((a + b) + c) + ….
"""

from torch import Tensor


def is_tree(count: int) -> bool:
    """Whether so many parts are added up as a tree."""
    return count & (count - 1) == 0


def summed(parts: Tensor, *, as_tree: bool) -> Tensor:
    """The sum of the K rows of K x n numbers. Rows are used up. as_tree: as a binary tree; K is a power of two then."""
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
