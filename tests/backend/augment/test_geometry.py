"""What moves pixels, against Pillow and by counting."""

from collections import Counter

import numpy as np
import pytest
import torch
from PIL import Image
from scipy import stats
from torch import Tensor
from torch.nn.functional import interpolate

from specc.backend.augment import geometry
from specc.values import Size
from tests.helpers.tiny_images import (
    binomial,
    changed,
    follows,
    from_pillow,
    numbered,
    random_images,
    same,
    smooth_images,
    to_pillow,
)


@pytest.mark.parametrize(("text", "axis"), [("flip", 3), ("flip(vertical)", 2)])
def test_flip(text: str, axis: int) -> None:
    x = random_images(2000, 1, 4, 5)
    result = changed(text, x)
    flipped = (result == x.flip(axis)).flatten(1).all(1)
    kept = (result == x).flatten(1).all(1)
    assert (flipped ^ kept).all()
    assert binomial(int(flipped.sum()), 2000, 0.5)


def test_alternating_flip_shows_both_forms_in_two_epochs() -> None:
    x = random_images(200, 1, 4, 5)
    epochs = [changed("flip(alternating)", x, epoch=epoch) for epoch in range(4)]
    flipped = (epochs[0] == x.flip(3)).flatten(1).all(1)
    assert binomial(int(flipped.sum()), 200, 0.5)
    assert torch.equal(epochs[1], epochs[0].flip(3))
    assert torch.equal(epochs[2], epochs[0]) and torch.equal(epochs[3], epochs[1])


def offsets(result: Tensor, padded: np.ndarray, size: tuple[int, int]) -> list[tuple[int, int]]:
    """Where in the padded image each window was cut."""
    height, width = size
    places = {}
    for top in range(padded.shape[0] - height + 1):
        for left in range(padded.shape[1] - width + 1):
            places[padded[top : top + height, left : left + width].tobytes()] = (top, left)
    return [places[image[0].numpy().tobytes()] for image in result]


@pytest.mark.parametrize(("fill", "mode"), [("zero", "constant"), ("reflect", "reflect")])
def test_crop_cuts_every_window_of_the_padded_image_alike(fill: str, mode: str) -> None:
    x = numbered(3000, 6, 7)
    result = changed(f"crop(5x6, pad=2, fill={fill})", x)
    assert result.shape == (3000, 1, 5, 6)
    padded = np.pad(x[0, 0].numpy(), 2, mode=mode)  # type: ignore[call-overload]
    counts = Counter(offsets(result, padded, (5, 6)))
    assert len(counts) == 6 * 6
    assert stats.chisquare(list(counts.values())).pvalue > 1e-3


def test_crop_of_the_whole_image_changes_nothing() -> None:
    x = random_images(5)
    assert torch.equal(changed("crop(16)", x), x)


def test_shift_moves_by_every_distance_alike() -> None:
    x = numbered(3000, 5, 6)
    counts = Counter(offsets(changed("shift(2)", x), np.pad(x[0, 0].numpy(), 2), (5, 6)))
    assert len(counts) == 25
    assert stats.chisquare(list(counts.values())).pvalue > 1e-3


def test_all_channels_of_an_image_move_together() -> None:
    x = numbered(50, 6, 6).repeat(1, 3, 1, 1)
    result = changed("crop(6, pad=2) -> flip -> rotate(40)", x)
    assert torch.equal(result[:, 0], result[:, 1]) and torch.equal(result[:, 0], result[:, 2])


def test_channels_last_images_are_cropped_alike() -> None:
    x = random_images(10)
    assert torch.equal(
        changed("crop(16, pad=4)", x.contiguous(memory_format=torch.channels_last)), changed("crop(16, pad=4)", x)
    )


def test_resample_is_pytorch_s_antialiased_resizing_of_the_box() -> None:
    x = random_images(5, 3, 40, 33)
    corner = torch.tensor([[0, 0], [7, 3], [39, 32], [1, 0], [10, 20]])
    box = torch.tensor([[40, 33], [21, 30], [1, 1], [39, 5], [9, 9]])
    result = geometry.resample(x, corner.float(), box.float(), Size(16, 20))
    for image, (top, left), (tall, wide), seen in zip(x, corner.tolist(), box.tolist(), result, strict=True):
        part = image[None, :, top : top + tall, left : left + wide]
        expected = interpolate(part, size=(16, 20), mode="bilinear", antialias=True)[0]
        torch.testing.assert_close(seen, expected, rtol=0, atol=1e-6)


def test_crop_and_resize_gives_the_size_that_it_is_told() -> None:
    x = random_images(3, 3, 16, 16)
    assert changed("crop_and_resize(size=8x10)", x).shape == (3, 3, 8, 10)
    whole = changed("crop_and_resize(scale=(1, 1), ratio=(1, 1), size=16)", x)
    torch.testing.assert_close(whole, x, rtol=0, atol=1e-6)


def test_enlarge_is_pillow_s_crop_and_resize() -> None:
    x = smooth_images(6)
    corner = torch.tensor([[0, 0], [3, 5], [10, 0], [0, 31], [31, 31], [7, 7]]).float()
    box = torch.tensor([[32, 32], [20, 11], [22, 32], [32, 1], [1, 1], [9, 25]]).float()
    result = geometry.enlarge(x, corner, box)
    for image, (top, left), (height, width), mine in zip(x, corner.tolist(), box.tolist(), result, strict=True):
        part = to_pillow(image).crop((int(left), int(top), int(left + width), int(top + height)))
        assert same(mine, from_pillow(part.resize((32, 32), Image.Resampling.BILINEAR)), 1.01)


def test_boxes_have_the_area_and_shape_that_was_asked_for() -> None:
    numbers = torch.rand(4000, 20, generator=torch.Generator().manual_seed(0))
    tall, wide, fits = geometry.boxes(numbers, (0.2, 0.6), (0.5, 2.0), 200, 300)
    assert fits.float().mean() > 0.99
    area, aspect = (tall * wide)[fits] / (200 * 300), (wide / tall)[fits]
    assert 0.19 < area.min() < 0.22 and 0.57 < area.max() < 0.61
    assert 0.49 < aspect.min() < 0.52 and 1.9 < aspect.max() < 2.05
    assert (tall <= 200).all() and (wide[fits] <= 300).all()
    # Every shape in range fits here, so that the first try counts: area uniform, shape uniform on a logarithmic scale.
    tall, wide, fits = geometry.boxes(numbers, (0.05, 0.2), (0.5, 2.0), 1000, 1000)
    assert fits.all()
    assert follows((tall * wide / 1e6).tolist(), stats.uniform(0.05, 0.15).cdf)
    assert follows((wide / tall).log2().tolist(), stats.uniform(-1, 2).cdf)


def test_a_box_that_fits_is_taken_even_if_it_is_not_the_first() -> None:
    numbers = torch.tensor([[0.999, 0.0, 0.999, 0.5]])  # the first is a tall strip of the whole area
    tall, wide, fits = geometry.boxes(numbers, (0.5, 1.0), (0.1, 10.0), 100, 100)
    assert fits.all() and tall.item() == wide.item() == 100
    assert not geometry.boxes(numbers[:, :2], (0.5, 1.0), (0.1, 10.0), 100, 100)[2].any()


@pytest.mark.parametrize(("ratio", "box"), [((1.0, 1.5), (100, 100)), ((0.2, 0.5), (100, 50)), ((2.0, 4.0), (50, 100))])
def test_the_fallback_is_the_largest_box_of_an_allowed_shape(ratio: tuple[float, float], box: tuple[int, int]) -> None:
    assert geometry.centered(ratio, 100, 100) == box


def test_crop_and_resize_of_the_whole_image_changes_nothing() -> None:
    x = random_images(10)
    assert same(changed("crop_and_resize(scale=(1, 1), ratio=(1, 1))", x), x, 0.01)


def test_crop_and_resize_shows_a_part_of_the_image() -> None:
    x = smooth_images(40)
    result = changed("crop_and_resize(scale=(0.3, 0.5))", x)
    assert (result.amax((2, 3)) <= x.amax((2, 3)) + 1e-5).all() and (result.amin((2, 3)) >= x.amin((2, 3)) - 1e-5).all()
    assert not same(result, x, 5)


@pytest.mark.parametrize("degrees", [-120.0, -30.0, 0.0, 12.5, 90.0])
@pytest.mark.parametrize(("size", "width"), [(32, 32), (32, 20)])
def test_rotation_is_pillow_s(degrees: float, size: int, width: int) -> None:
    x = smooth_images(3)[..., :width]
    result = geometry.affine(x, geometry.turned(torch.full((3,), degrees), size, width), "bilinear")
    for image, mine in zip(x, result, strict=True):
        picture = to_pillow(image)
        turned = from_pillow(picture.rotate(degrees, Image.Resampling.BILINEAR))
        # Pillow and grid_sample treat the outermost half pixel differently: compare what lies within.
        whole = Image.new("L", picture.size, 255).rotate(degrees)
        within = from_pillow(whole)[0] > 0
        core = within.clone()
        for axis in (0, 1):
            for step in (-2, -1, 1, 2):
                core &= within.roll(step, axis)
        core[:2], core[-2:], core[:, :2], core[:, -2:] = False, False, False, False
        assert core.sum() > 50
        assert same(mine[:, core], turned[:, core], 1.51)


def test_rotate_draws_angles_between_the_bounds() -> None:
    x = torch.zeros(3000, 1, 33, 33)
    x[:, :, 16, 28] = 1  # a point right of the center, 12 pixels away
    result = changed("rotate(40)", x)[:, 0]
    rows, columns = torch.meshgrid(torch.arange(33.0) - 16, torch.arange(33.0) - 16, indexing="ij")
    weight = result / result.sum((1, 2), keepdim=True)
    angles = torch.atan2(-(weight * rows).sum((1, 2)), (weight * columns).sum((1, 2))).rad2deg()
    assert angles.abs().max() < 42
    assert follows(angles.tolist(), stats.uniform(-40, 80).cdf)
