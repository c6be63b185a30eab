"""Sums in a fixed order: the same parts give the same bits however they are divided."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from specc.backend.ordered_sum import OrderedSum, cost, is_tree, summed

COUNTS = st.integers(1, 24)


def parts_of(count: int, seed: int) -> Tensor:
    """Numbers of very different sizes, whose sum depends on the order."""
    draw = torch.Generator().manual_seed(seed)
    return torch.randn(count, 50, generator=draw) * 10 ** (6 * torch.rand(count, 50, generator=draw))


@settings(deadline=None, max_examples=50)
@given(COUNTS, st.integers(0, 1000))
def test_it_is_the_sum(count: int, seed: int) -> None:
    parts = parts_of(count, seed)
    total = summed(parts.clone(), as_tree=is_tree(count))
    assert torch.allclose(total.double(), parts.double().sum(0), rtol=1e-4, atol=1.0)


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 5), st.integers(0, 5), st.integers(0, 1000))
def test_whoever_holds_a_subtree_can_add_it_up_alone(shards: int, processes: int, seed: int) -> None:
    count, world = 2 ** max(shards, processes), 2 ** min(shards, processes)
    parts = parts_of(count, seed)
    partial = torch.stack([summed(own.clone(), as_tree=True) for own in parts.chunk(world)])
    assert torch.equal(summed(partial, as_tree=True), summed(parts.clone(), as_tree=True))


@settings(deadline=None, max_examples=50)
@given(COUNTS, st.integers(1, 50), st.integers(0, 1000))
def test_each_stretch_of_the_numbers_can_be_added_up_by_itself(count: int, stretch: int, seed: int) -> None:
    parts, as_tree = parts_of(count, seed), is_tree(count)
    stretches = [summed(some.clone(), as_tree=as_tree) for some in parts.split(stretch, 1)]
    assert torch.equal(torch.cat(stretches), summed(parts.clone(), as_tree=as_tree))


def test_the_order_is_that_of_the_parts() -> None:
    parts = torch.tensor([[1e8], [-1e8], [1.0], [0.0]])
    assert summed(parts[:3].clone(), as_tree=False).item() == 1.0
    assert summed(parts[[2, 0, 1]].clone(), as_tree=False).item() == 0.0
    assert summed(parts[[0, 2, 1, 3]].clone(), as_tree=True).item() == 0.0  # (1e8 + 1) + (-1e8 + 0)
    assert summed(parts[[0, 1, 2, 3]].clone(), as_tree=True).item() == 1.0


@pytest.mark.parametrize("count", [1, 2, 8, 32])
def test_a_tree_holds_few_parts_at_once(count: int) -> None:
    running, most = OrderedSum(as_tree=True), 0
    for part in parts_of(count, 0):
        running.add(part)
        most = max(most, len(running._waiting))
    assert most <= cost(count, 1).held - 1 == count.bit_length()


@pytest.mark.parametrize(
    ("shards", "world", "sent", "plain"),
    [
        (8, 1, 0, 0),
        (8, 4, 1.5, 1.5),  # each sends the sum of its subtree
        (12, 4, 3.0, 1.5),  # three parts, each but for the own quarter, and its stretch of the total
        (12, 12, 11 / 6, 11 / 6),
    ],
)
def test_what_is_sent(shards: int, world: int, sent: float, plain: float) -> None:
    assert cost(shards, world)[:2] == pytest.approx((sent, plain))
    assert cost(shards, world, is_exact=False).sent == pytest.approx(plain)
