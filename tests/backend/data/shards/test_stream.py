"""Reading: an order that is a function of seed and epoch, with windows or without, and bits that resume."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from specc.backend.data.batches import TrainingBatches, epoch_order, in_windows
from specc.backend.data.dataset import DataSet
from specc.backend.data.split import Streamed
from specc.backend.data.subset import subset_of
from specc.errors import SpeccError
from tests.helpers.packing import CPU, packed
from tests.helpers.tiny_data import read, write_folder

FULL, WINDOW = 'packed("sh")', 'packed("sh", window=2)'


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("stream")
    write_folder(place / "f", each=20, classes=3)
    packed('folder("f")', place / "sh", base=place)
    return place


def loaded(place: Path, source: str, memory: int | None = 0, more: str = "") -> DataSet:
    return read(source, f"validation = split(10); {more}", base=place, memory=memory)


def shard_of(data: DataSet) -> Tensor:
    assert isinstance(data.train, Streamed)
    windows = data.train.windows
    assert windows is not None
    return windows[0]


def test_every_order_has_each_image_once(place: Path) -> None:
    batches = TrainingBatches(loaded(place, WINDOW).train, 4, 3, CPU)
    for epoch in range(3):
        assert batches.order(epoch).sort().values.tolist() == list(range(50))
    assert not torch.equal(batches.order(0), batches.order(1))
    other = TrainingBatches(loaded(place, WINDOW).train, 4, 4, CPU)
    assert not torch.equal(batches.order(0), other.order(0))


def test_a_window_mixes_so_many_shards_and_no_more(place: Path) -> None:
    data = loaded(place, WINDOW)
    own = shard_of(data)
    shards = int(own.max()) + 1
    assert shards > 6
    order = own[TrainingBatches(data.train, 4, 0, CPU).order(0)].tolist()
    met: list[set[int]] = [set()]
    for shard in order:
        if shard not in met[-1] and len(met[-1]) == 2:
            met.append(set())
        met[-1].add(shard)
    assert sorted(shard for window in met for shard in window) == list(range(shards))  # none comes again later
    first = order[: sum(order.count(shard) for shard in met[0])]
    assert first != sorted(first) and first != sorted(first, reverse=True)  # within a window they are mixed


def test_a_window_as_large_as_the_set_is_a_full_shuffle() -> None:
    order, own = epoch_order(1, 2, 30), torch.arange(30) // 7
    assert torch.equal(in_windows(order, own, 5, 1, 2), order)
    assert not torch.equal(in_windows(order, own, 4, 1, 2), order)


def test_orders_are_those_without_packing(place: Path) -> None:
    with_files = loaded(place, 'folder("f")')
    for more in ("", "sample = balanced"):
        orders = [
            TrainingBatches(data.train, 4, 5, CPU, "balanced" if more else None).order(1)
            for data in (with_files, loaded(place, FULL))
        ]
        assert torch.equal(*orders)


def test_balanced_samples_keep_to_their_windows(place: Path) -> None:
    data = loaded(place, WINDOW)
    batches = TrainingBatches(data.train, 4, 0, CPU, "balanced")
    drawn = data.train.labels[batches.order(0)]
    assert (drawn.bincount() - 50 // 3).max() <= 1
    own = shard_of(data)[batches.order(0)].tolist()
    starts = [shard for place, shard in enumerate(own) if shard not in own[:place]]
    for one, two, three in zip(starts, starts[1:], starts[2:], strict=False):
        assert own.index(three) > min(max(i for i, s in enumerate(own) if s == x) for x in (one, two))


@pytest.mark.parametrize("source", [FULL, WINDOW])
def test_any_batch_can_be_asked_for(place: Path, source: str) -> None:
    data = loaded(place, source)
    through = TrainingBatches(data.train, 4, 7, CPU)
    batches = {(epoch, number): through.at(epoch, number) for epoch in range(2) for number in range(through.count)}
    for epoch, number in ((1, 5), (0, 3), (0, 4), (1, 0)):
        fresh = TrainingBatches(loaded(place, source).train, 4, 7, CPU)
        for one, two in zip(fresh.at(epoch, number), batches[epoch, number], strict=True):
            assert torch.equal(one, two)


def test_the_pixels_are_those_of_their_files(place: Path) -> None:
    files, shards = (TrainingBatches(loaded(place, source).train, 4, 7, CPU) for source in ('folder("f")', FULL))
    for number in range(files.count):
        for one, two in zip(files.at(0, number), shards.at(0, number), strict=True):
            assert torch.equal(one, two)


def test_a_subset_streams_in_windows_too(place: Path) -> None:
    data = subset_of(loaded(place, WINDOW), 12)
    batches = TrainingBatches(data.train, 4, 0, CPU)
    assert batches.order(0).sort().values.tolist() == list(range(12))
    assert isinstance(data.train, Streamed) and len(shard_of(data)) == 12


def test_a_window_is_told_and_never_held_in_memory(place: Path) -> None:
    data = loaded(place, WINDOW, memory=None)
    assert isinstance(data.train, Streamed)
    assert any("window = 2: an epoch takes the training shards in a drawn order" in note for note in data.notes)
    assert not isinstance(loaded(place, FULL, memory=None).train, Streamed)


def test_memory_is_what_the_environment_says(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPECC_MEMORY", "2 kB")
    assert isinstance(loaded(place, FULL, memory=None).train, Streamed)
    monkeypatch.setenv("SPECC_MEMORY", "2 MB")
    assert not isinstance(loaded(place, FULL, memory=None).train, Streamed)
    for text in ("much", "-1", "1XB", "0", "1e9", "1" * 20):
        monkeypatch.setenv("SPECC_MEMORY", text)
        with pytest.raises(SpeccError) as caught:
            loaded(place, FULL, memory=None)
        assert caught.value.code == "E526"


def test_folds_have_the_same_images(place: Path) -> None:
    for number in (1, 3):
        one, two = (read(s, f"validation = fold({number}, of=3)", base=place, memory=0) for s in ('folder("f")', FULL))
        assert torch.equal(one.validation.labels, two.validation.labels)
        index = torch.arange(len(one.validation))
        assert torch.equal(one.validation.gather(index, CPU), two.validation.gather(index, CPU))
