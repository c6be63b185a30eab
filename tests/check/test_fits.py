"""The network held against the data: input, augmentation, normalization, output, heads, weights of classes."""

import pytest

from specc.check import check
from specc.source import Source
from tests.helpers.checking import codes, fine, only, spec, underlined

END = "global_avg_pool -> dense(10)"


def both(data: str, body: str = f"conv(8) -> {END}", train: str = "", **options):
    return spec(f"data {{\n{data}\n}}\nnetwork N {{\n{body}\n}}\ntrain {{ {train} }}", **options)


@pytest.mark.parametrize(
    ("data", "shape"),
    [
        ("source = digits", (1, 8, 8)),
        ("source = mnist", (1, 28, 28)),
        ("source = fashion_mnist", (1, 28, 28)),
        ("source = cifar10", (3, 32, 32)),
        ("source = digits; resize = 16x24", (1, 16, 24)),
        ("source = cifar10; resize = 64", (3, 64, 64)),
        ('source = folder("x"); resize = 64x48', (3, 64, 48)),
        ('source = folder("x"); resize = cover(64); view = 56x48', (3, 56, 48)),
        ('source = folder("x"); resize = contain(64x48); channels = gray', (1, 64, 48)),
    ],
)
def test_the_data_say_what_flows_in(data, shape):
    assert fine(both(data)).graph.input == shape


def test_an_input_that_agrees_is_fine():
    fine(both("source = digits", f"input(1, 8x8) -> {END}"))
    fine(both("source = digits; resize = 12", f"input(1, 12x12) -> {END}"))
    fine(both('source = folder("x")', f"input(3, 12x12) -> {END}"))
    fine(both('source = folder("x"); resize = 12', f"input(3, 12x12) -> {END}"))
    fine(both('source = npz("x")', f"input(5, 12x12) -> {END}"))
    fine(both('source = npz("x"); resize = 12', f"input(5, 12x12) -> {END}"))


@pytest.mark.parametrize(
    ("data", "body", "words"),
    [
        ("source = digits", "input(3, 8x8)", ("3 x 8 x 8", "1 x 8 x 8", "digits")),
        ("source = digits", "input(1, 28x28)", ("1 x 28 x 28", "1 x 8 x 8", "digits")),
        ("source = digits", "input(64) -> dense(10)\nrelu", ("64", "1 x 8 x 8")),
        ("source = digits", "input(1) -> dense(10)\nrelu", ("1", "1 x 8 x 8")),
        ("source = cifar10; resize = 64", "input(3, 32x32)", ("3 x 32 x 32", "3 x 64 x 64")),
        ('source = folder("x"); resize = 64', "input(3, 32x32)", ("3 x 32 x 32", "3 x 64 x 64")),
        ('source = folder("x")', "input(1, 32x32)", ("1 x 32 x 32", "3 channels")),
    ],
)
def test_an_input_that_does_not_agree(data, body, words):
    end = "" if "dense" in body else f" -> {END}"
    checked = both(data, body + end)
    problem = only(checked)
    assert problem.code == "E307"
    assert underlined(checked).startswith("input(")
    assert all(word in problem.message for word in words)
    assert problem.help


def test_the_help_names_the_resize_that_mends_it():
    assert "resize = 28x28" in only(both("source = digits", f"input(1, 28x28) -> {END}")).help


def test_what_only_reading_tells_needs_an_input():
    assert codes(both('source = folder("x")')) == ["E308"]
    assert codes(both('source = npz("x")')) == ["E308"]
    assert codes(both('source = npz("x"); resize = 12')) == ["E308"]
    assert "no file is opened here" in only(both('source = npz("x")')).help


@pytest.mark.parametrize("source", ['folder("x")', 'csv("x", image=i, label=l)', 'masks("x", "y")', 'webdataset("x")'])
@pytest.mark.parametrize(("channels", "count"), [("rgb", 3), ("gray", 1)])
def test_the_size_of_image_files_comes_from_resize(source, channels, count):
    problem = only(both(f"source = {source}; channels = {channels}", "conv(3, 1x1)"))
    assert problem.code == "E308"
    assert "resize = 224x224" in problem.help and f"input({count}, 224x224)" in problem.help
    checked = both(f"source = {source}; channels = {channels}; resize = 32", "conv(3, 1x1)")
    assert checked.graph.input == (count, 32, 32)


NPZ = f'data {{ source = npz("x") RESIZE }}\nnetwork Net {{ {END} }}'


@pytest.mark.parametrize(
    ("resize", "shape"), [("", (3, 9, 7)), ("; resize = 12", (3, 12, 12)), ("; resize = 12; view = 10", (3, 10, 10))]
)
def test_a_file_may_tell_the_shape_and_the_run_needs_it_no_more(resize, shape):
    asked = []

    def shape_of(source):
        asked.append(source.args.path)
        return (3, 9, 7)

    checked = fine(spec(NPZ.replace("RESIZE", resize), shape_of=shape_of))
    assert checked.graph.input == shape and set(asked) == {"x"}
    again = fine(spec(checked.resolved))
    assert again.graph.input == shape and "input(" in checked.resolved
    assert again.graph.nodes[0].args == checked.graph.nodes[0].args
    assert fine(spec(checked.resolved, shape_of=shape_of)).resolved == checked.resolved


def test_what_the_file_tells_holds_for_variants_and_against_what_is_written():
    text = NPZ.replace("RESIZE", "") + "\nvariant small { data.resize = 6 }"
    assert fine(spec(text, shape_of=lambda source: (3, 9, 7), variant="small")).graph.input == (3, 6, 6)
    assert codes(spec(text, shape_of=lambda source: (3, 9, 7), everything=True)) == []
    written = text.replace("network Net {", "network Net { input(1, 9x7) ->")
    assert only(spec(written, shape_of=lambda source: (3, 9, 7))).code == "E307"


def test_a_file_that_cannot_tell_says_why():
    problem = only(spec(NPZ.replace("RESIZE", "; resize = 30"), shape_of=lambda source: "x is not there"))
    assert problem.code == "E308"
    assert "x is not there" in problem.help and "input(1, 30x30)" in problem.help


@pytest.mark.parametrize(
    ("augment", "code", "where"),
    [
        ("crop(6)", "E307", "crop(6)"),
        ("flip -> crop(12, pad=4)", "E307", "crop(12, pad=4)"),
        ("crop(12)", "E303", "crop(12)"),
        ("flip -> crop(30, pad=2) -> flip", "E303", "crop(30, pad=2)"),
        ("shift(8, fill=reflect)", "E303", "shift(8, fill=reflect)"),
        ("hue(0.1)", "E318", "hue(0.1)"),
        ("maybe(0.5) { crop(6) }", "E301", "maybe(0.5) { crop(6) }"),
        ("choose { | crop(6) | flip }", "E301", "choose { | crop(6) | flip }"),
    ],
)
def test_augmentation_that_does_not_fit(augment, code, where):
    checked = both(f"source = digits; augment = {augment}")
    assert only(checked).code == code
    assert underlined(checked) == where


VIEW = 'source = folder("x"); resize = cover(64); view = 56x56; augment = '


@pytest.mark.parametrize(
    "augment", ["none", "flip -> rotate(5)", "flip -> crop(56) -> cutout(8)", "crop_and_resize(size=56)", "mixup"]
)
def test_augmentation_gives_the_view_or_leaves_it_to_the_center(augment):
    assert fine(both(VIEW + augment)).graph.input == (3, 56, 56)


@pytest.mark.parametrize(
    ("augment", "words"),
    [
        ("flip -> crop(48)", ("64x64 into 48x48", "sees 56x56", "crop to 56x56, or set view = 48x48")),
        ("crop(56, pad=2) -> crop_and_resize(size=60)", ("64x64 into 60x60", "sees 56x56")),
    ],
)
def test_augmentation_that_gives_something_else_than_the_view(augment, words):
    problem = only(both(VIEW + augment))
    assert problem.code == "E307" and all(word in f"{problem.message} {problem.help}" for word in words)


def test_a_crop_of_resized_images_needs_a_view():
    problem = only(both('source = folder("x"); resize = 64; augment = crop(56)'))
    assert problem.code == "E307" and "set view = 56x56" in problem.help
    problem = only(both('source = folder("x"); resize = 64', f"input(3, 56x56) -> {END}"))
    assert problem.code == "E307" and "view = 56x56, the center" in problem.help
    problem = only(both('source = folder("x"); resize = 64; view = 60', f"input(3, 56x56) -> {END}"))
    assert problem.code == "E307" and "set view = 56x56" in problem.help


def test_a_view_that_is_none_is_one_mistake():
    assert codes(both('source = folder("x"); resize = 64; view = 65; augment = crop(60)')) == ["E303"]
    assert codes(both('source = folder("x"); view = 65; augment = crop(60)')) == ["E228"]


def test_gray_files_have_no_color():
    gray = 'source = folder("x"); resize = 64; channels = gray; '
    assert codes(both(gray + "normalize = imagenet")) == ["E313"]
    assert codes(both(gray + "augment = hue(0.1)")) == ["E318"]
    assert codes(both(gray, f"input(3, 64x64) -> {END}")) == ["E307"]


def test_augmentation_that_fits():
    for augment in ("crop(8, pad=1)", "crop(6) -> crop(8, pad=1)", "choose { | crop(8, pad=1) | flip }", "shift(7)"):
        fine(both(f"source = digits; augment = {augment}"))
    fine(both("source = cifar10; augment = hue(0.1) -> saturation(0.5)"))


@pytest.mark.parametrize("count", [1, 3])
def test_fixed_normalization_has_a_value_for_each_channel_or_one(count):
    values = "[" + "0.5, " * count + "]"
    fine(both(f"source = cifar10; normalize = fixed(mean={values}, std={values})"))


def test_fixed_normalization_of_other_channels():
    checked = both("source = digits; normalize = fixed(mean=[0.1, 0.2, 0.3], std=[1, 1, 1])")
    assert only(checked).code == "E313"
    assert underlined(checked).startswith("fixed(")


@pytest.mark.parametrize(
    ("end", "where"),
    [
        ("global_avg_pool -> dense(9)", "dense(9)"),
        ("global_avg_pool -> dense(9) -> softmax", "softmax"),
        ("conv(11) -> global_avg_pool", "global_avg_pool"),
        ("conv(10)", "conv(10)"),
        ("flatten", "flatten"),
    ],
)
def test_an_output_that_is_not_the_classes(end, where):
    checked = both("source = digits", f"conv(8) -> {end}")
    assert only(checked).code == "E306"
    assert underlined(checked) == where
    assert only(checked).help


def test_an_output_of_one_pixel_is_fine():
    fine(both("source = digits", "conv(10) -> global_avg_pool"))
    fine(both("source = digits", "conv(10) -> global_avg_pool -> softmax"))


def test_without_known_classes_any_flat_output_is_fine():
    fine(both('source = folder("x"); resize = 8', "global_avg_pool -> dense(77)"))
    assert codes(both('source = folder("x"); resize = 8', "conv(10)")) == ["E306"]


def test_without_data_any_output_is_fine():
    fine(spec("network N { input(3, 8x8) -> conv(2) }"))


def test_heads_end_as_the_network_does():
    head = "head(aux) {{ global_avg_pool -> dense({}) }}"
    fine(both("source = digits", f"conv(4) -> {head.format(10)} -> {END}"))
    checked = both("source = digits", f"conv(4) -> {head.format(9)} -> {END}")
    assert only(checked).code == "E306"
    assert "aux" in only(checked).message


def test_class_weights_are_as_many_as_the_classes():
    fine(both("source = digits", train="loss = cross_entropy(weights=[1, 1, 1, 1, 1, 1, 1, 1, 1, 2])"))
    checked = both("source = digits", train="loss = cross_entropy(weights=[1, 2, 3])")
    assert only(checked).code == "E315"


@pytest.mark.parametrize(
    ("source", "end", "task", "help"),
    [
        (
            'csv("a.csv", image=file, labels=[beach, sunset])',
            "global_avg_pool -> dense(2)",
            "multi-label",
            "leave out `sample`; loss = binary_cross_entropy(weights=balanced) weighs rare tags",
        ),
        (
            'masks("images", "masks", classes=[sky, cat])',
            "conv(2, 1x1)",
            "segmentation",
            "leave out `sample`; loss = cross_entropy(weights=balanced) weighs rare classes",
        ),
        ('csv("a.csv", image=file, target=age)', "global_avg_pool -> dense(1)", "regression", "leave out `sample`"),
    ],
)
def test_only_images_of_one_class_each_can_be_drawn_by_class(source, end, task, help):
    checked = both(f"source = {source}; sample = balanced", f"input(3, 8x8) -> {end}")
    assert only(checked).code == "E317" and task in only(checked).message
    assert underlined(checked) == "balanced" and only(checked).help == help
    fine(both(f"source = {source}; sample = none", f"input(3, 8x8) -> {end}"))
    for source in ('csv("a.csv", image=file, label=species)', 'folder("x")'):
        fine(both(f"source = {source}; sample = balanced", f"input(3, 8x8) -> {END}"))


def test_an_input_and_an_output_that_do_not_agree_are_two_mistakes():
    assert codes(both("source = digits", "input(3, 8x8) -> global_avg_pool -> dense(7)")) == ["E307", "E306"]


def test_a_change_of_the_data_is_held_against_the_network_too():
    text = "data { source = digits }\nnetwork N { conv(8) -> max_pool(8) -> flatten -> dense(10) }\n"
    assert codes(spec(text)) == []
    assert codes(spec(text, sets=["data.resize=4"])) == ["E303"]
    assert codes(spec(text, sets=["data.source=cifar10"])) == []
    assert codes(spec(text, sets=["data.source=cifar100"])) == ["E306"]


ONE_IMAGE = """
data { source = digits }
network Net { conv(8) -> relu; global_avg_pool -> batch_norm -> dense(10) }
train { batch = 2 }
variant single { train.batch = 1 }
"""


def test_batch_norm_over_one_number_is_an_error_in_the_variant_that_has_it() -> None:
    assert not check(Source("net.cnn", ONE_IMAGE)).errors
    (error,) = check(Source("net.cnn", ONE_IMAGE), variant="single").errors
    assert error.code == "E316" and error.span.text == "1" and "8 x 1 x 1" in error.message
    (error,) = check(Source("net.cnn", ONE_IMAGE), sets=["train.batch=1"]).errors
    assert error.code == "E316"


def test_a_frozen_batch_norm_takes_one_image() -> None:
    """It uses its running statistics."""
    assert not check(Source("net.cnn", ONE_IMAGE), sets=["train.batch=1", "train.freeze=[norms]"]).errors
    (error,) = check(Source("net.cnn", ONE_IMAGE), sets=["train.batch=1", "train.freeze=[batch_norm1.bias]"]).errors
    assert error.code == "E316"


@pytest.mark.parametrize("body", ["conv(8) -> batch_norm; global_avg_pool", "global_avg_pool -> layer_norm"])
def test_a_batch_of_one_image_is_enough_for(body: str) -> None:
    text = f"data {{ source = digits }}\nnetwork Net {{ conv(4); {body} -> dense(10) }}\ntrain {{ batch = 1 }}\n"
    assert not check(Source("net.cnn", text)).errors


@pytest.mark.parametrize(
    ("data", "pointed"),
    [
        ('source = folder("x"); resize = 16x16; channels = gray', "gray"),
        ("source = digits", "digits"),
    ],
)
def test_what_normalization_is_held_against_is_labeled(data, pointed):
    one = only(both(f"{data}; normalize = imagenet"))
    assert one.code == "E313"
    assert [(label.span.text, label.text) for label in one.labels] == [(pointed, "1 channel")]
