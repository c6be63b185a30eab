"""One seed, one machine: the same weights bit for bit, whoever reads the images and however many at a time."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from specc.backend.data.batches import TrainingBatches
from specc.backend.data.dataset import DataSet, load
from specc.backend.data.parallel import ordered, workers
from specc.backend.data.split import Resident, Streamed
from specc.backend.train.job import train
from specc.check import Checked, check
from specc.errors import SpeccError
from specc.source import Source

EVERYTHING = """
data {
  source  = digits
  augment = shift(1) -> rotate(10) -> noise(0.05, p=0.5) -> maybe(0.5) { erase(0.5) } -> choose { | mixup | cutmix }
}
network Net {
  conv(8) -> batch_norm -> relu -> spatial_dropout(10%)
  residual { conv(8) -> batch_norm -> relu -> drop_path(20%) }
  gaussian_noise(0.05) -> global_avg_pool -> dropout(20%) -> dense(10)
}
train {
  epochs = 2; batch = 200; seed = 7
  optimizer = adam(lr=1e-2); schedule = warmup(1) -> cosine
  loss = cross_entropy(smoothing=0.1); regularize = l1_l2(1e-5, 1e-4)
  ema = 0.9; clip = 1
}
"""

FROM_FILES = """
data { source = folder("images"); augment = flip -> crop(8, pad=1) -> rand_augment(1, 9); validation = split(4) }
network Net { input(3, 8x8); conv(4) -> batch_norm -> relu -> global_avg_pool -> dense(3) }
train { epochs = 2; batch = 8; optimizer = sgd(0.1, momentum=0.9) }
"""


def checked(text: str) -> Checked:
    found = check(Source("net.cnn", text))
    assert not found.errors, found.errors
    return found


def kept(run: Path) -> dict[str, bytes]:
    files = {path.name: path.read_bytes() for path in run.glob("*.safetensors")}
    assert {"best.safetensors", "last.safetensors"} <= set(files)
    return files


def test_two_trainings_with_one_seed_give_the_same_weights_in_any_process(tmp_path: Path) -> None:
    """The second in a process of its own, whose hashes of strings differ, and after other use of the generators."""
    torch.manual_seed(123)
    train(checked(EVERYTHING), out=tmp_path / "one", device="cpu", quiet=True)
    spec = tmp_path / "net.cnn"
    spec.write_text(EVERYTHING)
    command = [sys.executable, "-m", "specc", "train", str(spec), "--out", str(tmp_path / "two"), "--device", "cpu"]
    environment = {**os.environ, "PYTHONHASHSEED": "4321"}
    subprocess.run([*command, "--quiet"], env=environment, check=True, timeout=300, cwd=Path(__file__).parents[2])
    assert kept(tmp_path / "one") == kept(tmp_path / "two")
    other = check(Source("net.cnn", EVERYTHING), sets=("train.seed=8",))
    train(other, out=tmp_path / "three", device="cpu", quiet=True)
    assert kept(tmp_path / "three") != kept(tmp_path / "one")


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of three classes of images, of two forms of files, whose content is what decides."""
    place = tmp_path_factory.mktemp("folder")
    random = np.random.default_rng(0)
    for number in range(3):
        folder = place / "images" / f"class{number}"
        folder.mkdir(parents=True)
        for image in range(9):
            pixels = random.integers(0, 256, (8, 8, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / f"{image}.{'png' if image % 2 else 'jpg'}")
    return place


def read(place: Path, threads: int, memory: int | None, monkeypatch: pytest.MonkeyPatch) -> DataSet:
    monkeypatch.setenv("SPECC_WORKERS", str(threads))
    data = checked(FROM_FILES).data
    assert data is not None
    return load(data, base=place, memory=memory)


@pytest.mark.parametrize("memory", [None, 0], ids=["resident", "streamed"])
def test_the_number_of_workers_changes_neither_images_nor_order_nor_hash(
    images: Path, memory: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    device, first = torch.device("cpu"), None
    for threads in (0, 1, 2, 4):
        found = read(images, threads, memory, monkeypatch)
        assert isinstance(found.train, Resident if memory is None else Streamed)
        batches = TrainingBatches(found.train, 8, 0, device)
        seen = [batches.at(epoch, number) for epoch in range(2) for number in range(batches.count)]
        everything: Any = (
            [part.tolist() for batch in seen for part in batch],
            found.validation.gather(torch.arange(4), device).tolist(),
            (found.hash, found.mean, found.std, found.classes),
        )
        first = first or everything
        assert everything == first


def test_the_number_of_workers_changes_no_weight(images: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("specc.backend.data.dataset.free_memory", lambda: 0)  # so that files are read in the training
    weights = []
    for threads in (0, 3):
        monkeypatch.setenv("SPECC_WORKERS", str(threads))
        outcome = train(checked(FROM_FILES), out=tmp_path / str(threads), device="cpu", base=images, quiet=True)
        weights.append(kept(outcome.path))
    assert weights[0] == weights[1]


@pytest.mark.parametrize("threads", [0, 1, 3])
def test_results_come_in_order_and_an_error_where_it_is(threads: int) -> None:
    def work(item: int) -> int:
        if item == 40:
            raise ValueError("forty")
        return item * item

    assert list(ordered(work, range(40), threads=threads)) == [item * item for item in range(40)]
    coming = ordered(work, iter(range(60)), ahead=5, threads=threads)
    assert [next(coming) for _ in range(40)] == [item * item for item in range(40)]
    with pytest.raises(ValueError, match="forty"):
        next(coming)


def test_without_threads_nothing_is_done_ahead() -> None:
    done: list[int] = []
    coming = ordered(done.append, range(10), threads=0)
    next(coming)
    assert done == [0]


def test_how_many_workers_there_are_can_be_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SPECC_WORKERS", raising=False)
    assert 1 <= workers() <= 32
    monkeypatch.setenv("SPECC_WORKERS", "")
    assert 1 <= workers() <= 32
    monkeypatch.setenv("SPECC_WORKERS", "0")
    assert workers() == 0
    for wrong in ("many", "-1", "2.5", "257", "٣"):
        monkeypatch.setenv("SPECC_WORKERS", wrong)
        with pytest.raises(SpeccError, match="SPECC_WORKERS is") as caught:
            workers()
        assert caught.value.code == "E484"
