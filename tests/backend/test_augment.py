"""Every augmentation against its definition: image by image, from Pillow, the standard library, or the paper."""

import colorsys
from collections import Counter
from functools import cache

import numpy as np
import pytest
import torch
from PIL import Image, ImageEnhance, ImageOps
from scipy import stats
from torch import Tensor

from specc.backend.augment import augment, colour, geometry, mixing, policy
from specc.check import check
from specc.source import Source
from specc.tricks.augment import TRICKS
from specc.values import Bound

torch.set_num_threads(1)
SPEC = """data {{ source = npz("x.npz"); augment = {} }}
network N {{ input(3, 16x16); flatten -> dense(10) }}"""


@cache
def pipeline(text: str) -> tuple[Bound, ...]:
    checked = check(Source("net.cnn", SPEC.format(text)))
    assert {error.code for error in checked.errors} <= {"E307"}  # the images of a test need not fit this network
    tricks: tuple[Bound, ...] = checked.data.augment
    return tricks


def run(
    text: str, x: Tensor, images: Tensor | None = None, labels: Tensor | None = None, seed: int = 0, epoch: int = 0
) -> tuple[Tensor, Tensor]:
    numbers = torch.arange(len(x)) if images is None else images
    given = numbers % 10 if labels is None else labels
    return augment(x, given, numbers, seed=seed, epoch=epoch, tricks=pipeline(text), classes=10)


def changed(text: str, x: Tensor, **other: int) -> Tensor:
    return run(text, x, **other)[0]


def random_images(count: int, channels: int = 3, height: int = 16, width: int = 16, seed: int = 0) -> Tensor:
    """Images whose levels are whole, so that Pillow can hold them."""
    levels = np.random.default_rng(seed).integers(0, 256, (count, channels, height, width))
    return torch.from_numpy(levels).float() / 255


def smooth_images(count: int, size: int = 32) -> Tensor:
    """Images without hard edges: a pixel's neighbours are like it."""
    rows, columns = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    phase = torch.arange(count).view(-1, 1, 1, 1) + torch.tensor([0.0, 1.0, 2.0]).view(1, 3, 1, 1)
    waves = (rows / 5 + phase).sin() * (columns / 7 - phase).cos()
    return ((waves + 1) * 127.5).round() / 255


def numbered(count: int, height: int, width: int) -> Tensor:
    """Every pixel of an image has another value, all above 0, so that a moved image tells where it came from."""
    return (torch.arange(1, height * width + 1) / (height * width)).view(1, 1, height, width).repeat(count, 1, 1, 1)


def to_pillow(x: Tensor) -> Image.Image:
    levels = (x * 255).round().to(torch.uint8).permute(1, 2, 0).numpy()
    return Image.fromarray(levels[..., 0] if levels.shape[2] == 1 else levels)


def from_pillow(image: Image.Image) -> Tensor:
    levels = torch.from_numpy(np.array(image)).float() / 255
    return levels[None] if levels.ndim == 2 else levels.permute(2, 0, 1)


def same(x: Tensor, y: Tensor, levels: float = 1e-3) -> bool:
    """Equal up to so many levels of 255."""
    return (x - y).abs().max().item() <= levels / 255


def follows(values: list[float], law: object) -> bool:
    """Whether the values look drawn from a law (Kolmogorov and Smirnov)."""
    return bool(stats.kstest(values, law, method="asymp").pvalue > 1e-3)


def binomial(hits: int, count: int, p: float) -> bool:
    """Whether so many hits are what to expect."""
    return abs(hits - count * p) <= 4 * (count * p * (1 - p)) ** 0.5


EVERY = [
    "flip", "flip(vertical)", "flip(alternating)", "crop(16, pad=3)", "crop(12)", "crop_and_resize(scale=(0.3, 1))",
    "shift(2)", "shift(2, fill=reflect)", "rotate(30)", "noise(0.1, p=0.5)", "cutout(5)", "erase(0.7)",
    "brightness(0.4)", "contrast(0.4)", "saturation(0.4)", "hue(0.2)", "grayscale(0.4)", "rand_augment(2, 20)",
    "trivial_augment", "maybe(0.5) { shift(3) -> noise(0.2) }", "maybe { choose { | flip | hue(0.5) } }",
    "choose { | rotate(90) | cutout(9) -> flip | crop(16) }", "flip -> crop(16, pad=2) -> noise(0.05)",
]  # fmt: skip


@pytest.mark.parametrize("text", EVERY)
def test_an_image_is_changed_alike_in_every_batch(text: str) -> None:
    x = random_images(60)
    whole = changed(text, x)
    some = torch.tensor([59, 3, 17, 4])
    assert same(run(text, x[some], some)[0], whole[some], 1e-2)


@pytest.mark.parametrize("text", [text for text in EVERY if text != "flip(alternating)"])
def test_epochs_and_seeds_differ_and_repeat(text: str) -> None:
    x = random_images(40)
    first = changed(text, x, seed=1, epoch=1)
    assert torch.equal(first, changed(text, x, seed=1, epoch=1))
    assert not torch.equal(first, changed(text, x, seed=1, epoch=2))
    assert not torch.equal(first, changed(text, x, seed=2, epoch=1))


@pytest.mark.parametrize("text", EVERY)
def test_images_are_not_changed_in_place(text: str) -> None:
    x = random_images(20)
    before = x.clone()
    changed(text, x)
    assert torch.equal(x, before)


def test_every_augmentation_of_the_vocabulary_is_tried() -> None:
    tried = " ".join([*EVERY, "mixup", "cutmix"])
    assert all(trick.name in tried for trick in TRICKS)


@pytest.mark.parametrize("trick", TRICKS, ids=lambda trick: trick.name)
def test_examples_run(trick: object) -> None:
    x, targets = run(trick.example, random_images(8))  # type: ignore[attr-defined]
    assert x.isfinite().all() and len(targets) == 8


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
    assert geometry.centred(ratio, 100, 100) == box


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
    x[:, :, 16, 28] = 1  # a point right of the centre, 12 pixels away
    result = changed("rotate(40)", x)[:, 0]
    rows, columns = torch.meshgrid(torch.arange(33.0) - 16, torch.arange(33.0) - 16, indexing="ij")
    weight = result / result.sum((1, 2), keepdim=True)
    angles = torch.atan2(-(weight * rows).sum((1, 2)), (weight * columns).sum((1, 2))).rad2deg()
    assert angles.abs().max() < 42
    assert follows(angles.tolist(), stats.uniform(-40, 80).cdf)


def test_noise_has_its_deviation_and_its_share() -> None:
    x = torch.full((1000, 3, 8, 8), 0.5)
    added = changed("noise(0.02, p=0.3)", x) - x
    hit = added.flatten(1).abs().amax(1) > 0
    assert binomial(int(hit.sum()), 1000, 0.3)
    assert follows(added[hit].flatten()[::7].double().tolist(), stats.norm(0, 0.02).cdf)


def test_cutout_blackens_a_square_around_every_pixel_alike() -> None:
    x = torch.ones(4000, 1, 9, 7)
    black = 1 - changed("cutout(4x3)", x)[:, 0]
    rows, columns = black.amax(2), black.amax(1)
    assert torch.equal(black, rows[:, :, None] * columns[:, None, :])
    expected = {  # for each row (column) of the centre: which rows (columns) are black
        tuple(top <= place < top + span for place in range(length))
        for length, span in ((9, 4), (7, 3))
        for top in range(-(span // 2), length - span // 2)
    }
    seen = Counter(tuple(bool(value) for value in line) for line in rows.tolist())
    assert set(seen) <= expected and len(seen) == 9
    assert stats.chisquare(list(seen.values())).pvalue > 1e-3
    assert len({tuple(line) for line in columns.tolist()}) == 7


def test_erase_fills_a_rectangle_within_the_image_with_random_pixels() -> None:
    x = torch.full((2000, 1, 40, 40), 2.0)
    result = changed("erase(0.4, scale=(0.1, 0.3), ratio=(0.5, 2))", x)[:, 0]
    hit = result != 2
    some = hit.flatten(1).any(1)
    assert binomial(int(some.sum()), 2000, 0.4)
    height, width = hit.any(2).sum(1), hit.any(1).sum(1)
    assert torch.equal(hit.sum((1, 2)), height * width)  # a full rectangle
    share, shape = (height * width)[some] / 1600, (width / height)[some]
    assert share.min() > 0.09 and share.max() < 0.32
    assert shape.min() > 0.45 and shape.max() < 2.2
    assert follows(result[hit][::50].double().tolist(), "uniform")


@pytest.mark.parametrize(
    ("mine", "enhancer"),
    [
        (colour.brightened, ImageEnhance.Brightness),
        (colour.contrasted, ImageEnhance.Contrast),
        (colour.saturated, ImageEnhance.Color),
        (policy.sharpened, ImageEnhance.Sharpness),
    ],
    ids=["brightness", "contrast", "saturation", "sharpness"],
)
@pytest.mark.parametrize("channels", [3, 1])
def test_enhancements_are_pillow_s(mine: object, enhancer: object, channels: int) -> None:
    x = random_images(5, channels)
    factor = torch.tensor([0.0, 0.4, 1.0, 1.3, 1.9])
    result = mine(x, factor)  # type: ignore[operator]
    for image, by, one in zip(x, factor.tolist(), result, strict=True):
        assert same(one, from_pillow(enhancer(to_pillow(image)).enhance(by)), 2.01)  # type: ignore[operator]


@pytest.mark.parametrize("name", ["brightness", "contrast", "saturation"])
def test_factors_are_drawn_around_one(name: str) -> None:
    x = torch.tensor([0.4, 0.5, 0.3]).view(1, 3, 1, 1).repeat(2000, 1, 2, 1)
    x[:, :, 1] = 0.1  # so that there is contrast
    centre = {
        "brightness": 0 * x,
        "contrast": colour.luma(x).mean((1, 2, 3), keepdim=True),
        "saturation": colour.luma(x),
    }
    base = centre[name].expand_as(x)[:, 0, 0, 0]
    factors = (changed(f"{name}(0.25)", x)[:, 0, 0, 0] - base) / (x[:, 0, 0, 0] - base)
    assert follows(factors.double().tolist(), stats.uniform(0.75, 0.5).cdf)


def test_hue_is_turned_as_the_standard_library_does() -> None:
    x = random_images(4, 3, 5, 5)
    x[0, :, 0] = 0.5  # greys have no hue
    x[1] = x[1].round()  # pure colours, black and white
    turn = torch.tensor([0.1, -0.3, 0.5, 0.0])
    result = colour.hued(x, turn)
    for image, by, mine in zip(x, turn.tolist(), result, strict=True):
        for pixel, now in zip(image.flatten(1).T.tolist(), mine.flatten(1).T.tolist(), strict=True):
            h, s, v = colorsys.rgb_to_hsv(*pixel)
            assert np.allclose(now, colorsys.hsv_to_rgb((h + by) % 1, s, v), atol=1e-5)


def test_grayscale_is_pillow_s_luma_in_three_channels() -> None:
    x = random_images(1000, 3, 4, 4)
    result = changed("grayscale(0.3)", x)
    grey = (result[:, :1] == result).flatten(1).all(1)
    assert binomial(int(grey.sum()), 1000, 0.3)
    assert torch.equal(result[~grey], x[~grey])
    for image, mine in zip(x[grey][:20], result[grey][:20], strict=True):
        assert same(mine, from_pillow(to_pillow(image).convert("L").convert("RGB")), 1.01)


@pytest.mark.parametrize("bits", [1, 2, 4, 7, 8])
def test_posterize_is_pillow_s(bits: int) -> None:
    x = random_images(2)
    for image, mine in zip(x, policy.posterized(x, torch.full((2,), float(bits))), strict=True):
        assert same(mine, from_pillow(ImageOps.posterize(to_pillow(image), bits)))


@pytest.mark.parametrize("threshold", [0, 1, 100, 255])
def test_solarize_is_pillow_s(threshold: int) -> None:
    x = random_images(2)
    for image, mine in zip(x, policy.solarized(x, torch.full((2,), threshold / 255)), strict=True):
        assert same(mine, from_pillow(ImageOps.solarize(to_pillow(image), threshold)))


@pytest.mark.parametrize("mine", [policy.autocontrasted, policy.equalized])
@pytest.mark.parametrize("channels", [3, 1])
def test_histogram_changes_are_pillow_s(mine: object, channels: int) -> None:
    theirs = ImageOps.autocontrast if mine is policy.autocontrasted else ImageOps.equalize
    x = torch.cat([random_images(2, channels, 32, 32) * 0.4 + 0.2, torch.full((1, channels, 32, 32), 0.6)])
    x = (x * 255).round() / 255
    for image, one in zip(x, mine(x), strict=True):  # type: ignore[operator]
        assert same(one, from_pillow(theirs(to_pillow(image))), 1.01)


@pytest.mark.parametrize("which", [policy.SHEAR_X, policy.SHEAR_Y, policy.SHIFT_X, policy.SHIFT_Y])
@pytest.mark.parametrize("amount", [-0.71, 0.37])
def test_changes_of_shape_are_pillow_s(which: int, amount: float) -> None:
    x = random_images(1, 3, 20, 24)
    ranges = policy.Ranges(0.3, (11.3, 9.0), 30, 0.9, 4)
    matrix = policy.matrices(torch.tensor([which]), torch.tensor([amount]), ranges, x)
    result = geometry.affine(x, matrix, "nearest")[0]
    data = matrix[0].flatten().tolist()
    pillow = from_pillow(to_pillow(x[0]).transform((24, 20), Image.Transform.AFFINE, data, Image.Resampling.NEAREST))
    assert (result != pillow).any(
        0
    ).float().mean() < 0.02  # what lies on the border between two pixels may go either way
    assert (result != x[0]).any()


def test_rand_augment_at_strength_0_changes_shape_and_factors_not_at_all() -> None:
    x = random_images(300)
    result = changed("rand_augment(1, 0)", x)
    kept = ((result - x).abs() < 1e-6).flatten(1).all(1)
    stretched = 2 / 14  # autocontrast and equalize know no strength; solarize at 0 turns pure white only
    assert kept.float().mean() > 1 - stretched - 0.1


@pytest.mark.parametrize("text", ["rand_augment(1, 30)", "trivial_augment"])
def test_policies_draw_every_change_alike(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Tensor] = []

    def note(x: Tensor, which: Tensor, strength: Tensor, sign: Tensor, ranges: object) -> Tensor:
        seen.append(torch.stack([which, strength, sign]))
        return x

    monkeypatch.setattr(policy, "change", note)
    changed(text, torch.zeros(4000, 1, 2, 2))
    which, strength, sign = torch.cat(seen, 1).tolist()
    counts = Counter(which)
    assert set(counts) == set(range(14)) and stats.chisquare(list(counts.values())).pvalue > 1e-3
    assert set(strength) == ({30} if text.startswith("rand") else set(range(31)))
    assert binomial(sign.count(1.0), 4000, 0.5)


@pytest.mark.parametrize("which", range(14))
def test_every_change_of_a_policy_does_what_it_is_called(which: int) -> None:
    x = smooth_images(2) * 0.6 + 0.2
    strength, sign = torch.tensor([15.0, 30.0]), torch.tensor([1.0, -1.0])
    ranges = policy.Ranges(0.3, (14.5, 14.5), 30, 0.9, 4)
    result = policy.change(x, torch.tensor([which, policy.IDENTITY]), strength, sign, ranges)
    assert torch.equal(result[1], x[1])
    assert torch.equal(result[0], x[0]) == (which == policy.IDENTITY)
    expected = {
        policy.BRIGHTNESS: colour.brightened(x, torch.tensor([1.45, 1])),
        policy.COLOUR: colour.saturated(x, torch.tensor([1.45, 1])),
        policy.CONTRAST: colour.contrasted(x, torch.tensor([1.45, 1])),
        policy.SHARPNESS: policy.sharpened(x, torch.tensor([1.45, 1])),
        policy.POSTERIZE: policy.posterized(x, torch.tensor([6.0, 8])),
        policy.SOLARIZE: policy.solarized(x, torch.tensor([0.5, 1])),
        policy.AUTOCONTRAST: policy.autocontrasted(x),
        policy.EQUALIZE: policy.equalized(x),
        policy.TURN: geometry.affine(x, geometry.turned(torch.tensor([15.0, 0]), 32, 32), "nearest"),
        policy.SHIFT_X: torch.nn.functional.pad(x, (0, 7))[..., 7:],
        policy.SHIFT_Y: torch.nn.functional.pad(x, (0, 0, 0, 7))[..., 7:, :],
    }
    if which in expected:
        assert same(result[0], expected[which][0])


@pytest.mark.parametrize("alpha", [0.05, 0.2, 1.0, 4.0])
def test_shares_are_beta_distributed(alpha: float) -> None:
    numbers = torch.rand(20_000, 2, generator=torch.Generator().manual_seed(1))
    share = mixing.beta(numbers, alpha)
    assert share.isfinite().all() and share.min() >= 0 and share.max() <= 1
    inner = share[(share > 1e-4) & (share < 1 - 1e-4)].double()  # float32 rounds the extremes to 0 and 1
    law = stats.beta(alpha, alpha)
    low, high = law.cdf([1e-4, 1 - 1e-4])
    assert follows(inner.tolist(), lambda value: (law.cdf(value) - low) / (high - low))
    assert binomial(len(inner), 20_000, high - low)


def test_shares_are_finite_at_the_ends_of_the_draw() -> None:
    ends = torch.tensor([[0.0, 0.0], [1 - 2.0**-24, 0.0], [1 - 2.0**-24, 0.25], [0.0, 0.5], [0.5, 0.75]])
    assert mixing.beta(ends, 0.01).isfinite().all()


def test_mixup_mixes_images_and_labels_by_the_same_share() -> None:
    x, labels = random_images(30), torch.arange(30) % 10
    result, targets = run("mixup(1)", x, labels=labels)
    assert targets.shape == (30, 10) and torch.allclose(targets.sum(1), torch.ones(30))
    share = targets.gather(1, labels[:, None])[:, 0].view(-1, 1, 1, 1)
    assert share.std() > 0.1
    assert torch.allclose(result, share * x + (1 - share) * x.roll(1, 0), atol=1e-5)
    partner = targets.gather(1, labels.roll(1)[:, None])[:, 0]
    assert torch.allclose(partner, 1 - share.flatten(), atol=1e-6)


def test_mixup_of_two_images_of_a_class_keeps_the_label_whole() -> None:
    _, targets = run("mixup(1)", random_images(4), labels=torch.full((4,), 7))
    assert torch.allclose(targets[:, 7], torch.ones(4))


def test_cutmix_pastes_a_rectangle_and_mixes_labels_by_its_area() -> None:
    x = torch.arange(1.0, 401).view(-1, 1, 1, 1).repeat(1, 1, 12, 10)
    labels = torch.arange(400) % 10
    result, targets = run("cutmix(1)", x, labels=labels)
    own = (result == x)[:, 0]
    assert ((result == x.roll(1, 0))[:, 0] | own).all()
    foreign = ~own
    height, width = foreign.any(2).sum(1), foreign.any(1).sum(1)
    assert torch.equal(foreign.sum((1, 2)), height * width)
    share = own.float().mean((1, 2))
    assert torch.allclose(targets.gather(1, labels[:, None])[:, 0], share, atol=1e-6)
    assert torch.allclose(targets.sum(1), torch.ones(400), atol=1e-6)
    # alpha = 1: the box, before the border cuts it, has a uniform area; the border cuts a third or so of it away
    assert 0.55 < share.mean() < 0.8


def test_targets_stay_labels_where_nothing_mixes() -> None:
    _, targets = run("flip -> maybe { noise(0.1) }", random_images(10))
    assert targets.dtype == torch.int64 and torch.equal(targets, torch.arange(10))


def test_maybe_changes_its_share_of_the_images() -> None:
    x = torch.full((2000, 1, 3, 3), 0.4)
    hit = (changed("maybe(0.2) { brightness(0.5) }", x) != x).flatten(1).any(1)
    assert binomial(int(hit.sum()), 2000, 0.2)
    assert torch.equal(changed("maybe(0) { brightness(0.5) }", x), x)


def test_choose_takes_every_branch_alike() -> None:
    x = torch.ones(3000, 1, 6, 6)
    result = changed("choose { | cutout(1) | noise(0.1) | maybe(0) { flip } }", x)
    spoiled = (result != 1).flatten(1).sum(1)
    counts = [int((spoiled == 1).sum()), int((spoiled > 1).sum()), int((spoiled == 0).sum())]
    assert all(binomial(count, 3000, 1 / 3) for count in counts)


def test_branches_may_mix_images() -> None:
    x = random_images(300)
    labels = torch.arange(300) % 10
    result, targets = run("choose { | mixup(1) | noise(0.1) } -> maybe(0.5) { cutmix(1) }", x, labels=labels)
    assert targets.shape == (300, 10) and torch.allclose(targets.sum(1), torch.ones(300), atol=1e-5)
    whole = (targets.gather(1, labels[:, None])[:, 0] > 1 - 1e-6).float().mean()
    assert 0.2 < whole < 0.35  # a quarter is neither mixed nor cut
    assert result.isfinite().all()


def test_two_uses_of_one_trick_draw_for_themselves() -> None:
    x = torch.zeros(500, 1, 4, 4)
    once, twice = changed("noise(0.1)", x), changed("noise(0.1) -> noise(0.1)", x)
    assert 1.35 < (twice.std() / once.std()).item() < 1.48  # the root of 2, not 2


def test_branches_that_crop_give_one_size() -> None:
    assert changed("choose { | crop(8) | crop(8, pad=2) -> flip }", random_images(30)).shape == (30, 3, 8, 8)


@pytest.mark.parametrize("text", EVERY)
def test_working_on_all_images_and_picking_gives_the_same(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    x = random_images(60)
    by_part = changed(text, x)
    monkeypatch.setattr("specc.backend.augment.by_part", lambda x: False)
    monkeypatch.setattr("specc.backend.augment.draw.by_part", lambda x: False)
    assert same(changed(text, x), by_part)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("text", [*EVERY, "mixup", "cutmix", "choose { | mixup | crop(16) }"])
def test_an_accelerator_draws_and_computes_alike(text: str) -> None:
    x, labels, images = random_images(40), torch.arange(40) % 10, torch.arange(40) * 31
    here = augment(x, labels, images, seed=3, epoch=2, tricks=pipeline(text), classes=10)
    there = augment(x.cuda(), labels.cuda(), images.cuda(), seed=3, epoch=2, tricks=pipeline(text), classes=10)
    if not text.startswith(("rand", "trivial")):  # a pixel between two others may go either way
        assert same(there[0].cpu(), here[0], 0.02)
    assert torch.allclose(there[1].cpu().float(), here[1].float(), atol=1e-5)
