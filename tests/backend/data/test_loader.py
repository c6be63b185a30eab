"""From a data set to what the network sees."""

from typing import Any

import pytest
import torch

from specc.backend.data.dataset import DataSet, load
from specc.backend.data.loader import DataLoader, check_fit, validation_batches
from specc.check import Trainable, check
from specc.errors import SpeccError
from specc.source import Source

CPU = torch.device("cpu")


def checked(data: str, network: str = "global_avg_pool -> dense(10)") -> Any:
    found = check(Source("net.cnn", f"data {{ source = digits; {data} }}\nnetwork Net {{ {network} }}\n"))
    assert not found.errors, found.errors
    return found


@pytest.fixture(scope="module")
def digits() -> DataSet:
    return load(checked("").data)


def test_a_batch_is_a_function_of_its_number(digits: DataSet) -> None:
    data = checked("augment = shift(1) -> noise(0.1)").data
    one, two = (DataLoader(digits, data, 64, seed=1, device=CPU) for _ in range(2))
    first = one.training(3, 5)
    two.training(0, 0)
    again = two.training(3, 5)
    assert torch.equal(first[0], again[0]) and torch.equal(first[1], again[1])
    assert not torch.equal(first[0], one.training(4, 5)[0])
    assert (one.batch, one.batches) == (64, 22)
    assert first[0].is_contiguous(memory_format=torch.channels_last)


def test_training_is_normalized_after_augmentation_and_validation_never_augmented(digits: DataSet) -> None:
    plain, loud = checked("").data, checked("augment = noise(1)").data
    images, labels = DataLoader(digits, loud, 64, seed=0, device=CPU).training(0, 0)
    quiet, same = DataLoader(digits, plain, 64, seed=0, device=CPU).training(0, 0)
    assert torch.equal(labels, same)
    spread = (images - quiet).std() * digits.std[0]  # back to units of the image from 0 to 1
    assert float(spread) == pytest.approx(1.0, rel=0.05)
    both = [list(validation_batches(digits, data, 64, CPU)) for data in (plain, loud)]
    assert all(torch.equal(a, b) for one, two in zip(*both, strict=True) for a, b in zip(one, two, strict=True))
    assert sum(len(labels) for _, labels in both[0]) == len(digits.validation)


def test_standard_normalization_is_that_of_the_training_images(digits: DataSet) -> None:
    loader = DataLoader(digits, checked("normalize = standard").data, len(digits.train), seed=0, device=CPU)
    images, _ = loader.training(0, 0)
    assert float(images.mean()) == pytest.approx(0, abs=1e-5)
    assert float(images.std(correction=0)) == pytest.approx(1, rel=1e-5)


def test_mixing_gives_soft_targets(digits: DataSet) -> None:
    _, target = DataLoader(digits, checked("augment = mixup(1)").data, 32, seed=0, device=CPU).training(0, 0)
    assert target.shape == (32, 10) and target.is_floating_point()
    torch.testing.assert_close(target.sum(1), torch.ones(32))


def spec_of(text: str) -> Trainable:
    """A spec of which only reading tells what its data are."""
    return check(Source("net.cnn", f'data {{ source = npz("x.npz") }}\nnetwork Net {{ {text} }}\n')).trainable()


def test_a_network_for_other_images_or_classes_is_refused(digits: DataSet) -> None:
    """An archive's images and classes are known only once it is read, so the checker cannot say it."""
    check_fit(spec_of("input(1, 8x8); global_avg_pool -> dense(10)"), digits)
    check_fit(spec_of("input(1, 8x8); conv(10, 1x1) -> global_avg_pool"), digits)
    for text, code in [
        ("input(3, 8x8); global_avg_pool -> dense(10)", "E307"),
        ("input(1, 9x8); global_avg_pool -> dense(10)", "E307"),
        ("input(1, 8x8); global_avg_pool -> dense(11)", "E306"),
        ("input(1, 8x8); conv(10)", "E306"),
    ]:
        with pytest.raises(SpeccError) as error:
            check_fit(spec_of(text), digits)
        assert error.value.code == code and error.value.status == 1
