"""Normalization against its formula."""

import pytest
import torch

from specc.backend.data.normalize import Normalize, normalizer
from specc.check import check
from specc.errors import SpeccError
from specc.source import Source

IMAGES = torch.randint(0, 256, (5, 3, 6, 4), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
MEAN, STD = (0.5, 0.25, 0.75), (0.1, 0.2, 0.4)


SPEC = """data {{ source = npz("x.npz"); normalize = {} }}
network N {{ input(3, 6x4); flatten -> dense(2) }}"""


def made(setting: str, shape: tuple[int, int, int] = (3, 6, 4), std: tuple[float, ...] = STD) -> Normalize:
    checked = check(Source("net.cnn", SPEC.format(setting)))
    assert checked.data is not None
    return normalizer(checked.data.normalize, shape, MEAN, std)


def test_unit_and_none() -> None:
    assert torch.allclose(made("unit")(IMAGES), IMAGES / 255.0)
    assert torch.allclose(made("none")(IMAGES), IMAGES.float())


def test_standard_uses_the_statistics_of_the_training_set() -> None:
    expected = torch.stack([(IMAGES[:, c] / 255.0 - MEAN[c]) / STD[c] for c in range(3)], 1)
    assert torch.allclose(made("standard")(IMAGES), expected)


def test_a_channel_that_never_varies_is_centered() -> None:
    result = made("standard", std=(0.0, 0.2, 0.4))(IMAGES)
    assert torch.allclose(result[:, 0], IMAGES[:, 0] / 255.0 - 0.5)


def test_standard_per_image_gives_each_image_mean_0_and_deviation_1() -> None:
    result = made("standard(per=image)")(IMAGES)
    assert torch.allclose(result.mean((1, 2, 3)), torch.zeros(5), atol=1e-6)
    assert torch.allclose(result.std((1, 2, 3), correction=0), torch.ones(5), atol=1e-6)
    scaled = 0.5 * (IMAGES / 255.0) + 0.2  # invariant to a * x + b
    assert torch.allclose(made("standard(per=image)")(scaled), result, atol=1e-5)


def test_an_image_of_one_color_becomes_zeros() -> None:
    assert (made("standard(per=image)")(torch.full((2, 3, 6, 4), 0.5)) == 0).all()


def test_fixed_values_for_each_channel_or_for_all() -> None:
    each = made("fixed(mean=[0.5, 0.25, 0.75], std=[0.1, 0.2, 0.4])")
    assert torch.equal(each(IMAGES), made("standard")(IMAGES))
    assert torch.allclose(made("fixed(mean=[0.5], std=[0.25])")(IMAGES), (IMAGES / 255.0 - 0.5) / 0.25)


def test_fixed_values_for_another_number_of_channels_are_refused() -> None:
    with pytest.raises(SpeccError, match="has 3 means and deviations, but the images have 1 channels") as caught:
        made("fixed(mean=[0.5, 0.25, 0.75], std=[0.1, 0.2, 0.4])", (1, 6, 4))
    assert caught.value.code == "E313"


def test_bytes_and_floats_are_normalized_alike() -> None:
    module = made("standard")
    assert torch.equal(module(IMAGES), module(IMAGES.float() / 255))


def test_it_moves_and_is_saved_with_a_model() -> None:
    module = made("standard")
    assert set(module.state_dict()) == {"mean", "std"} and module.mean.shape == (1, 3, 1, 1)
    assert module.double()(IMAGES.double() / 255).dtype == torch.float64
