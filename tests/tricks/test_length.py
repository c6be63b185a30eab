"""The steps that lints count are those that the engine takes."""

import pytest
import torch

from specc.backend.data.batches import TrainingBatches
from specc.backend.data.dataset import load
from specc.backend.data.split import Resident
from specc.check import check
from specc.source import Source
from specc.tricks.length import batches, split_off, steps
from specc.tricks.source import COMPONENTS


@pytest.mark.parametrize(
    ("images", "batch", "accumulate", "epochs", "expected"),
    [
        (1442, 64, 1, 10, (22, 220)),
        (1442, 64, 3, 10, (7, 70)),
        (1442, 64, 30, 10, (1, 10)),
        (50, 64, 1, 3, (1, 3)),
        (640, 64, 1, 0.25, (10, 2)),
        (640, 64, 1, 0.01, (10, 1)),
    ],
)
def test_steps(images: int, batch: int, accumulate: int, epochs: float, expected: tuple[int, int]) -> None:
    assert steps(epochs, batches(images, batch), accumulate) == expected
    split = Resident(torch.zeros(images, 1, 1, 1, dtype=torch.uint8), torch.zeros(images, dtype=torch.int64))
    assert TrainingBatches(split, batch, 0, torch.device("cpu")).count == batches(images, batch)


def test_a_share_or_a_number_is_split_off() -> None:
    assert (split_off(1442, 0.1), split_off(1442, 100)) == (144, 100)


@pytest.mark.parametrize("validation", ["test", "split(10%)", "split(33)"])
def test_the_images_of_digits_are_known_before_they_are_read(validation: str) -> None:
    text = f"data {{ source = digits; validation = {validation} }}\nnetwork N {{ flatten -> dense(10) }}"
    data = check(Source("net.cnn", text)).data
    assert data is not None
    images = next(source.images for source in COMPONENTS if source.name == "digits")
    taken = {"test": 0, "split(10%)": 144, "split(33)": 33}[validation]
    assert images is not None and len(load(data).train) == images - taken
