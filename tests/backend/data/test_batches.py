"""Batches: an order for each epoch, from any position, the same however they are asked for."""

from pathlib import Path
from time import monotonic, sleep

import pytest
import torch

from specc.backend.data.batches import TrainingBatches, all_batches, epoch_order
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


@pytest.mark.parametrize("streamed", [False, True])
def test_any_batch_can_be_asked_for(tmp_path: Path, streamed: bool) -> None:
    write_folder(tmp_path, each=10)
    train = read(f'folder("{tmp_path}")', memory=0 if streamed else None).train
    batches = TrainingBatches(train, 4, 7, CPU)
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
