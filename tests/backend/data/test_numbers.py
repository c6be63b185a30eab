"""Numbers that no network learns or no file gives are refused; a split takes the share that is asked for."""

from pathlib import Path

import numpy as np
import pytest

from specc.backend.data.dataset import load
from specc.check import check
from specc.errors import SpeccError
from specc.source import Source

NETWORK = "network N { input(1, 4x4); flatten -> dense(1) }"


def read(folder: Path, numbers: np.ndarray, settings: str = "") -> list[int]:
    """How many images each side gets."""
    images = np.random.default_rng(0).integers(0, 256, (len(numbers), 4, 4), dtype=np.uint8)
    np.savez(folder / "a.npz", images=images, labels=numbers)
    text = f'data {{ source = npz("a.npz"); {settings} }}\n{NETWORK}'
    dataset = load(check(Source("net.cnn", text)).trainable().data, base=folder)
    return [len(dataset.train), len(dataset.validation)]


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        (np.full(40, 5.0), "is 5 for every training image"),
        (np.arange(40) * 1e300, "which float32 cannot compute with"),
        (1.7e9 + np.arange(40), "neighboring float32 numbers of that size differ by 2e+02"),
    ],
)
@pytest.mark.parametrize("targets", ["", "targets = none"])
def test_numbers_that_cannot_be_learned(tmp_path: Path, numbers: np.ndarray, message: str, targets: str) -> None:
    with pytest.raises(SpeccError) as caught:
        read(tmp_path, numbers, targets)
    assert caught.value.code == "E418" and message in caught.value.message and caught.value.status == 1


@pytest.mark.parametrize("count", [24, 40, 60, 200])
def test_a_split_of_numbers_takes_the_share_that_was_asked_for(tmp_path: Path, count: int) -> None:
    wanted = round(0.1 * count)
    assert read(tmp_path, np.linspace(0.0, 7.3, count), "validation = split(10%)") == [count - wanted, wanted]
    assert read(tmp_path, 2000 + np.arange(count) / 3.0, "validation = fold(2, of=4)") == [count * 3 // 4, count // 4]


def test_more_folds_than_images(tmp_path: Path) -> None:
    with pytest.raises(SpeccError, match="makes 50 folds of 24 images"):
        read(tmp_path, np.linspace(0.0, 7.3, 24), "validation = fold(1, of=50)")
