"""Batches: an order for each epoch, from any position, the same however they are asked for."""

from pathlib import Path
from time import monotonic, sleep
from typing import Literal

import pytest
import torch

from specc.backend.data.batches import TrainingBatches, all_batches, balanced_order, epoch_order
from specc.backend.data.split import AHEAD, Resident, Streamed
from tests.helpers.tiny_data import read, write_folder

CPU = torch.device("cpu")


def split(count: int) -> Resident:
    return Resident(torch.arange(count, dtype=torch.uint8).view(-1, 1, 1, 1), torch.arange(count) % 3)


def test_an_order_is_a_permutation_of_the_seed_and_the_epoch() -> None:
    orders = {(seed, epoch): epoch_order(seed, epoch, 50) for seed in (0, 1) for epoch in (0, 1, 2)}
    assert all(order.sort().values.equal(torch.arange(50)) for order in orders.values())
    assert len({tuple(order.tolist()) for order in orders.values()}) == 6
    assert torch.equal(epoch_order(1, 2, 50), orders[1, 2])


def test_every_batch_is_full_and_holds_the_images_of_its_numbers() -> None:
    batches = TrainingBatches(split(23), 5, 0, CPU)
    assert batches.size == 5 and batches.count == 4
    seen = []
    for number in range(4):
        batch = batches.at(0, number)
        assert batch.numbers.shape == (5,) and torch.equal(batch.images.flatten().long(), batch.numbers)
        assert torch.equal(batch.labels, batch.numbers % 3)
        seen += batch.numbers.tolist()
    assert seen == epoch_order(0, 0, 23)[:20].tolist()


def test_a_split_smaller_than_a_batch_is_one_batch() -> None:
    batches = TrainingBatches(split(3), 8, 0, CPU)
    assert (batches.size, batches.count) == (3, 1)
    assert sorted(batches.at(4, 0).numbers.tolist()) == [0, 1, 2]


@pytest.mark.parametrize("sample", [None, "balanced"])
@pytest.mark.parametrize("streamed", [False, True])
def test_any_batch_can_be_asked_for(tmp_path: Path, streamed: bool, sample: Literal["balanced"] | None) -> None:
    write_folder(tmp_path, each=10)
    train = read(f'folder("{tmp_path}")', memory=0 if streamed else None).train
    batches = TrainingBatches(train, 4, 7, CPU, sample)
    run = {(epoch, number): batches.at(epoch, number) for epoch in range(3) for number in range(batches.count)}
    for epoch, number in [(1, 2), (1, 3), (2, 0), (0, 1), (0, 1), (2, 3)]:
        again = batches.at(epoch, number)
        assert all(torch.equal(one, two) for one, two in zip(again, run[epoch, number], strict=True))
    assert not torch.equal(run[0, 0].numbers, run[1, 0].numbers)


def test_the_next_batches_are_read_ahead_also_across_epochs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_folder(tmp_path, each=10)
    train = read(f'folder("{tmp_path}")', memory=0).train
    assert isinstance(train, Streamed)
    seen: list[int] = []
    original = Streamed._read

    def noted(self: Streamed, number: int) -> object:
        seen.append(number)
        return original(self, number)

    monkeypatch.setattr(Streamed, "_read", noted)
    train.workers = 1  # one after the other
    batches = TrainingBatches(train, 6, 7, CPU)
    for number in range(3):
        batches.at(0, number)
    deadline = monotonic() + 10
    while len(seen) < 18 + AHEAD * 6 and monotonic() < deadline:
        sleep(0.01)
    orders = [number for epoch in (0, 1) for number in epoch_order(7, epoch, 18).tolist()]
    assert seen == orders[: len(seen)]
    assert 18 + AHEAD * 6 <= len(seen) <= 18 + (AHEAD + 1) * 6


def rare(common: int = 80, rare: int = 3) -> Resident:
    """Two classes, one of which is rare; a third has no image, and a fourth a few."""
    labels = torch.tensor([0] * common + [1] * rare + [3] * 7)
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(0))
    return Resident(torch.arange(len(labels), dtype=torch.uint8).view(-1, 1, 1, 1), labels[order])


def test_a_balanced_epoch_has_as_many_images_and_each_class_equally_often() -> None:
    batches = TrainingBatches(rare(), 8, 5, CPU, "balanced")
    for epoch in range(5):
        order = batches.order(epoch)
        assert order.shape == (90,)
        assert rare().labels[order].bincount().tolist() == [30, 30, 0, 30]
        times = order.bincount(minlength=90)
        for label, allowed in ((0, {0, 1}), (1, {10}), (3, {4, 5})):
            assert set(times[rare().labels == label].tolist()) == allowed
    assert len({tuple(batches.order(epoch).tolist()) for epoch in range(5)}) == 5


def test_a_balanced_order_is_a_function_of_the_seed_and_the_epoch() -> None:
    classes = [torch.arange(50), torch.arange(50, 52)]
    orders = {(seed, epoch): balanced_order(seed, epoch, classes) for seed in (0, 1) for epoch in (0, 1)}
    assert len({tuple(order.tolist()) for order in orders.values()}) == 4
    assert torch.equal(balanced_order(1, 1, classes), orders[1, 1])


def test_what_does_not_divide_goes_to_drawn_classes() -> None:
    classes = [*torch.arange(3).split(1), torch.arange(3, 11)]
    ends = torch.tensor([1, 2, 3, 11])
    counts = {
        tuple(torch.bucketize(balanced_order(0, epoch, classes), ends, right=True).bincount(minlength=4).tolist())
        for epoch in range(30)
    }
    assert {tuple(sorted(count)) for count in counts} == {(2, 3, 3, 3)} and len(counts) == 4


def test_an_image_that_comes_again_is_changed_in_another_way() -> None:
    """What is drawn for it follows its place in the epoch, whatever the batch."""
    for size in (8, 9, 90):
        batches = TrainingBatches(rare(), size, 5, CPU, "balanced")
        found = [batches.at(2, number) for number in range(batches.count)]
        count = batches.count * size
        assert torch.cat([batch.draws for batch in found]).tolist() == list(range(count))
        assert torch.cat([batch.numbers for batch in found]).tolist() == batches.order(2)[:count].tolist()
        assert torch.equal(batches.at(2, 1 % batches.count).draws, found[1 % batches.count].draws)


def test_an_image_that_comes_once_is_changed_by_its_number() -> None:
    batch = TrainingBatches(split(23), 5, 0, CPU).at(1, 2)
    assert torch.equal(batch.draws, batch.numbers)


@pytest.mark.parametrize("size", [1, 4, 10, 11, 100])
def test_evaluation_sees_every_image_once_in_order(size: int) -> None:
    batches = list(all_batches(split(11), size, CPU))
    assert torch.cat([batch.numbers for batch in batches]).tolist() == list(range(11))
    assert all(len(batch.images) == size for batch in batches[:-1])


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_an_accelerator_gets_the_same_batches() -> None:
    here, there = (TrainingBatches(split(23), 5, 0, torch.device(name)) for name in ("cpu", "cuda"))
    for one, two in zip(here.at(2, 1), there.at(2, 1), strict=True):
        assert two.is_cuda and torch.equal(one, two.cpu())
