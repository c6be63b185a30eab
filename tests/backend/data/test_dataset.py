"""From the section `data` to a data set: validation images, statistics, hash, resizing."""

from pathlib import Path

import numpy as np
import pytest
import torch

from specc.backend.resizing import resize
from specc.tricks.resize import Resize
from specc.values import Size
from tests.helpers.tiny_data import images_of, levels, read, refused

LABELS = np.arange(60) % 5


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """60 colored images without a test part; no two are alike."""
    np.savez(tmp_path / "a.npz", images=levels(60, 3, 9, 8), labels=LABELS)
    return tmp_path / "a.npz"


def test_statistics_are_of_the_training_images_alone(path: Path) -> None:
    data = read(f'npz("{path}")', "validation = split(50%)")
    images = images_of(data.train).numpy().astype(np.float64) / 255
    assert np.allclose(data.mean, images.mean(axis=(0, 2, 3)), rtol=0, atol=1e-15)
    assert np.allclose(data.std, images.std(axis=(0, 2, 3)), rtol=0, atol=1e-14)
    assert len(data.train) == len(data.validation) == 30


def test_a_split_is_drawn_from_the_seed_and_keeps_the_order(path: Path) -> None:
    source = f'npz("{path}")'
    first, same, other = (read(source, f"validation = split(20); seed = {seed}") for seed in (1, 1, 2))
    assert torch.equal(images_of(first.train), images_of(same.train))
    assert not torch.equal(images_of(first.validation), images_of(other.validation))
    whole = levels(60, 3, 9, 8)
    place = {image.tobytes(): number for number, image in enumerate(whole)}
    parts = [[place[image.numpy().tobytes()] for image in images_of(part)] for part in (first.train, first.validation)]
    assert sorted(parts[0] + parts[1]) == list(range(60))
    assert parts[0] == sorted(parts[0]) and parts[1] == sorted(parts[1])
    assert first.train.labels.tolist() == LABELS[parts[0]].tolist()


@pytest.mark.parametrize(("part", "count"), [("", 6), ("split(10%)", 6), ("split(0.25)", 15), ("split(7)", 7)])
def test_how_many_are_split_off(path: Path, part: str, count: int) -> None:
    data = read(f'npz("{path}")', f"validation = {part}" if part else "")
    assert len(data.validation) == count and len(data.train) == 60 - count
    assert data.validated_on == f"{count} of 60 training images, drawn from data.seed 0"


@pytest.mark.parametrize("part", ["60", "1000", "0.1%"])
def test_a_split_that_leaves_nothing_is_refused(path: Path, part: str) -> None:
    assert "of 60 images" in refused("E409", f'npz("{path}")', f"validation = split({part})")


def test_a_test_part_that_is_not_there_is_refused(path: Path) -> None:
    assert "`npz` has no test part" in refused("E408", f'npz("{path}")', "validation = test")


def test_resize_is_the_one_of_images(path: Path) -> None:
    data = read(f'npz("{path}")', "resize = 6x12; validation = split(1)")
    assert data.shape == (3, 6, 12) and images_of(data.train).dtype == torch.uint8
    expected = {image.tobytes() for image in resize(levels(60, 3, 9, 8), Resize(Size(6, 12)))}
    assert {image.numpy().tobytes() for image in images_of(data.train)} <= expected
    images = images_of(data.train).numpy().astype(np.float64) / 255
    assert np.allclose(data.mean, images.mean(axis=(0, 2, 3)))


def test_the_hash_is_of_images_labels_and_classes(tmp_path: Path, path: Path) -> None:
    first = read(f'npz("{path}")').hash
    assert len(first) == 64
    assert read(f'npz("{path}")', "resize = 4x4; validation = split(3); seed = 9").hash == first

    def other(**arrays: object) -> str:
        np.savez_compressed(tmp_path / "b.npz", **{"images": levels(60, 3, 9, 8), "labels": LABELS, **arrays})  # type: ignore[arg-type]
        return read(f'npz("{tmp_path / "b.npz"}")').hash

    changed = levels(60, 3, 9, 8)
    changed[59, 2, 8, 7] ^= 1
    assert other() == first  # the wrapping does not count
    hashes = {first, other(images=changed), other(labels=LABELS[::-1]), other(classes=list("abcde"))}
    assert len(hashes) == 4


def test_a_data_set_takes_little_more_memory_than_its_bytes() -> None:
    data = read("digits")
    storage = sum(images_of(split).untyped_storage().nbytes() for split in (data.train, data.validation))
    assert storage == 1797 * 64
