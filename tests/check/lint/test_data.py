"""W521 to W523: what is done to the images."""

import pytest

from tests.helpers.linting import codes, linted, net, trained

COLOR = "source = cifar10; normalize = "


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (COLOR + "unit", ["W521"]),
        (COLOR + "none", ["W521"]),
        (COLOR + "standard", []),
        (COLOR + "standard(per=image)", []),
        (COLOR + "fixed(mean=[0.49, 0.48, 0.45], std=[0.25, 0.24, 0.26])", []),
        ("source = cifar10", []),
        ("source = digits; normalize = unit", []),  # a gray image is mostly 0
        ("source = fashion_mnist; normalize = unit", []),
        ("source = mnist; normalize = none", ["W521"]),
        ('source = folder("x"); resize = 32x32; normalize = unit', ["W521"]),
    ],
)
def test_inputs_that_are_not_normalized(data, expected):
    assert codes(trained("conv(32) -> relu", data)) == expected


@pytest.mark.parametrize("body", ["batch_norm -> conv(32) -> relu", "conv(32) -> batch_norm -> relu"])
@pytest.mark.parametrize("normalize", ["unit", "none"])
def test_a_norm_at_the_start_does_the_same(body, normalize):
    assert codes(trained(body, COLOR + normalize)) == []


def test_a_norm_that_comes_too_late():
    assert codes(trained("conv(32) -> relu -> batch_norm", COLOR + "unit")) == ["W521"]
    assert codes(trained("concat { | conv(8) -> batch_norm | conv(8) }\nrelu", COLOR + "unit")) == ["W521"]


def test_values_of_other_units_are_mended_in_the_help():
    [found] = linted(trained(data=COLOR + "fixed(mean=[125.3, 123, 113.9], std=[63, 62.1, 66.7])"))
    assert found.code == "W521"
    assert found.help == "fixed(mean=[0.491, 0.482, 0.447], std=[0.247, 0.244, 0.262])"


@pytest.mark.parametrize(
    ("mean", "std", "expected"),
    [
        ("0.5, 0.5, 0.5", "63, 62.1, 66.7", ["W521"]),
        ("0.5, 0.5, 0.5", "0.2, 0.2, 1.5", ["W521"]),
        ("125.3, 123, 113.9", "1, 1, 1", ["W521"]),
        ("0.5, 0.5, 0.5", "1, 1, 1", []),
        ("1, 1, 1", "0.2, 0.2, 0.2", []),
    ],
)
def test_mean_and_deviation_are_each_held_against_the_range_of_pixels(mean, std, expected):
    assert codes(trained(data=COLOR + f"fixed(mean=[{mean}], std=[{std}])")) == expected


def test_a_file_without_data_says_nothing():
    assert codes(net("conv(32) -> relu")) == []


@pytest.mark.parametrize("source", ["digits", "mnist"])
@pytest.mark.parametrize(
    "augment", ["flip(horizontal)", "flip(vertical)", "flip(alternating)", "rotate(180)", "maybe(0.5) { flip }"]
)
def test_digits_are_not_to_be_turned(source, augment):
    assert codes(trained(data=f"source = {source}; augment = {augment}")) == ["W522"]


def test_digits_are_not_to_be_evaluated_in_a_mirror():
    assert codes(trained(train="evaluate = tta(flip, shift=1)")) == ["W522"]
    assert codes(trained(train="evaluate = tta(shift=1)")) == []
    assert codes(trained(data="source = fashion_mnist", train="evaluate = tta(flip)")) == []


@pytest.mark.parametrize("augment", ["rotate(15)", "shift(1)", "crop_and_resize(scale=(0.8, 1))", "rand_augment"])
def test_digits_may_be_moved(augment):
    assert codes(trained(data=f"source = digits; augment = {augment}")) == []


def test_clothes_may_be_mirrored():
    assert codes(trained(data="source = fashion_mnist; augment = flip(horizontal)")) == []


@pytest.mark.parametrize(
    "augment",
    [
        "shift(16)",
        "crop(32, pad=16)",
        "cutout(32)",
        "cutout(40)",
        "erase(0.5, scale=(0.5, 0.9))",
        "noise(0.5)",
        "noise(25)",
        "choose { | shift(1) | shift(20) }",
    ],
)
def test_augmentation_that_hides_the_image(augment):
    assert codes(trained(data=f"source = cifar10; augment = {augment}")) == ["W523"]


@pytest.mark.parametrize(("cutout", "lints"), [("cutout(32)", []), ("cutout(60)", ["W523"])])
def test_augmentation_of_the_whole_image_is_measured_by_it_and_not_by_the_view(cutout, lints):
    data = f"source = cifar10; resize = 64; view = 32; augment = {cutout} -> crop(32)"
    assert codes(trained(data=data)) == lints


@pytest.mark.parametrize(
    "augment",
    [
        "shift(4)",
        "crop(32, pad=4)",
        "crop(32, pad=4, fill=reflect)",
        "shift(16, fill=reflect)",  # mirrored, the image fills the window
        "cutout(16)",
        "erase",
        "noise(0.05)",
        "noise(9, p=0)",
        "crop_and_resize(scale=(0.08, 1))",
    ],
)
def test_augmentation_as_it_is_common(augment):
    assert codes(trained(data=f"source = cifar10; augment = {augment}")) == []
