"""A part of a data set: balanced, drawn from the seed, in memory or in files."""

from pathlib import Path

import pytest
import torch

from specc.backend import rng
from specc.backend.data.dataset import DataSet
from specc.backend.data.raw import Files
from specc.backend.data.reading import Reading
from specc.backend.data.split import Resident, Streamed
from specc.backend.data.subset import balanced, subset_of
from tests.helpers.tiny_data import read


@pytest.fixture(scope="module")
def digits() -> DataSet:
    return read("digits")


def generator(seed: int = 0) -> torch.Generator:
    return rng.generator(seed, 0, rng.SUBSET)


def test_every_class_gets_the_same_share() -> None:
    labels = torch.tensor([0] * 50 + [1] * 20 + [2] * 3)
    assert labels[balanced(labels, 9, generator())].bincount().tolist() == [3, 3, 3]
    assert labels[balanced(labels, 23, generator())].bincount().tolist() == [10, 10, 3]
    shares = labels[balanced(labels, 10, generator())].bincount().tolist()
    assert sorted(shares) == [3, 3, 4] and shares[2] == 3
    assert balanced(labels, 73, generator()).tolist() == list(range(73))


def test_the_seed_draws_it() -> None:
    labels = torch.arange(1000) % 10
    first, again, other = (balanced(labels, 100, generator(seed)) for seed in (3, 3, 4))
    assert torch.equal(first, again) and not torch.equal(first, other)
    assert (first.diff() > 0).all()


def test_a_part_of_a_data_set(digits: DataSet) -> None:
    part = subset_of(digits._replace(seed=1), 100)
    assert len(part.train) == len(part.validation) == 100
    assert part.train.labels.bincount().tolist() == [10] * 10
    assert (part.hash, part.mean, part.std, part.classes) == (digits.hash, digits.mean, digits.std, digits.classes)
    assert part.validated_on == f"100 images out of {digits.validated_on}"
    assert isinstance(part.train, Resident) and isinstance(digits.train, Resident)
    whole = {image.numpy().tobytes() for image in digits.train.images}
    assert all(image.numpy().tobytes() in whole for image in part.train.images)


def test_more_than_there_are_is_all(digits: DataSet) -> None:
    part = subset_of(digits._replace(seed=1), 500)
    assert len(part.train) == 500 and part.validation is digits.validation
    assert part.validated_on == digits.validated_on


def test_of_files_the_same_images_are_taken(digits: DataSet) -> None:
    names = [f"{number}.png" for number in range(len(digits.train))]
    files = Streamed(Files(Path("there"), names), digits.train.labels, Reading(1), digits.shape)
    part = subset_of(digits._replace(train=files, seed=2), 50).train
    resident = subset_of(digits._replace(seed=2), 50).train
    assert isinstance(part, Streamed) and isinstance(resident, Resident) and isinstance(digits.train, Resident)
    numbers = [int(name.removesuffix(".png")) for name in part.files.names]
    assert torch.equal(digits.train.images[numbers], resident.images)
    assert torch.equal(part.labels, resident.labels)
