"""W531 to W538: optimizers, penalties, schedules and averages that do not do what they say."""

import pytest

from tests.helpers.linting import codes, linted, net, trained


@pytest.mark.parametrize(
    ("train", "expected"),
    [
        ("optimizer = adamw; regularize = l2(1e-4)", ["W531"]),
        ("optimizer = sgd(0.1, weight_decay=5e-4); regularize = l1_l2(1e-5, 1e-4)", ["W531"]),
        ("optimizer = adamw(weight_decay=0); regularize = l2(1e-4)", []),
        ("optimizer = adamw; regularize = l1(1e-5)", []),
        ("optimizer = adam; regularize = l2(1e-4)", []),
        ("optimizer = adamw", []),
        ("optimizer = adam(weight_decay=1e-4)", ["W532"]),
        ("optimizer = rmsprop(1e-3, weight_decay=1e-4)", ["W532"]),
        ("optimizer = sgd(0.1, weight_decay=5e-4)", []),
    ],
)
def test_decay(train, expected):
    assert codes(trained(train=train)) == expected


@pytest.mark.parametrize(
    ("body", "train", "expected"),
    [
        ("conv(8)", "regularize = l2(0)", ["W533"]),
        ("conv(8, trainable=false)", "regularize = l2(1e-4)", []),  # dense learns
        ("conv(8, regularize=l1(0), trainable=false)", "", []),
        ("conv(8, regularize=l2(1e-4))", "freeze = [conv1]", ["W533"]),
        ("conv(8, regularize=l2(1e-4))", "freeze = [conv.weight]", ["W533"]),
        ("conv(8, regularize=l2(1e-4))", "freeze = [biases]", []),
        ("conv(8, regularize=l2(1e-4))", "", []),
    ],
)
def test_a_penalty_that_reaches_nothing(body, train, expected):
    assert codes(trained(body, train=train)) == expected


def test_a_network_in_which_only_a_norm_learns():
    body = "default conv(trainable=false)\ndefault dense(trainable=false)\nconv(8) -> batch_norm"
    assert codes(trained(body, train="regularize = l2(1e-4)")) == ["W533"]


@pytest.mark.parametrize(
    ("train", "says"),
    [
        ("epochs = 3; schedule = warmup(5) -> cosine", "`warmup` would end after 5 epochs"),
        ("epochs = 3; schedule = warmup(3) -> cosine", "`cosine` never starts"),
        ("epochs = 9; schedule = warmup(100%) -> constant", "`constant` never starts"),
        ("epochs = 9; schedule = warmup(1) -> linear(to=0, epochs=20)", "`linear` would end after 21 epochs"),
        ("epochs = 20; schedule = step(30)", "`step` would drop after 30 epochs"),
        ("epochs = 90; schedule = multistep([30, 60, 90, 120])", "the drops at 90, 120 come after the end"),
        ("epochs = 9; schedule = plateau(patience=10)", "it never drops"),
        ("epochs = 9; early_stop = 10", "it never stops"),
        ("epochs = 9; schedule = cosine(epochs=9) -> restart", "`restart` never starts"),
        ("epochs = 9; schedule = cosine(epochs=4) -> restart", "takes 4 epochs, but is cut off after 1"),
        ("epochs = 9; schedule = cosine(epochs=3) -> restart(factor=3)", "takes 9 epochs, but is cut off after 6"),
        ("epochs = 9; schedule = cosine(epochs=2) -> restart(epochs=3) -> constant", "is cut off after 1"),
        ("epochs = 3; groups = group(kernels, schedule=warmup(5) -> cosine)", "warmup"),
        ("epochs = 3; lookahead = lookahead(start=3)", "lookahead"),
        ("epochs = 3; average = swa(start=4)", "swa"),
        ("epochs = 3; average = swa(start=3)", "no second epoch to average"),
        ("epochs = 3; freeze = freeze(backbone, until=3)", "`freeze` lasts 3 epochs"),
        ("epochs = 3; freeze = freeze(backbone, until=150%)", "what is frozen never learns"),
    ],
)
def test_what_comes_after_the_end(train, says):
    [found] = linted(trained(train=train))
    assert found.code == "W534" and says in found.message


@pytest.mark.parametrize(
    "train",
    [
        "epochs = 3; schedule = warmup(1) -> cosine",
        "epochs = 0.5; schedule = warmup(10%) -> linear",
        "epochs = 5; schedule = warmup(5)",
        "epochs = 9; schedule = cosine(epochs=3) -> restart",
        "epochs = 9; schedule = cosine(epochs=3) -> restart(epochs=6, factor=2)",
        "epochs = 9; schedule = warmup(2) -> cosine(epochs=1) -> restart(factor=2)",
        "epochs = 5; schedule = cosine(epochs=10%) -> restart",
        "epochs = 7; schedule = cosine(epochs=4) -> restart(factor=50%)",
        "epochs = 9; schedule = cosine -> restart",
        "epochs = 90; schedule = step(30)",
        "epochs = 9; schedule = step(25%)",
        "epochs = 160; schedule = multistep([80, 120])",
        "epochs = 9; schedule = multistep([50%, 75%])",
        "epochs = 20; schedule = plateau(patience=5)",
        "epochs = 20; early_stop = 5",
        "epochs = 20; groups = group(kernels, schedule=warmup(5) -> cosine); lookahead = lookahead(start=50%)",
        "epochs = 10; schedule = one_cycle",
    ],
)
def test_schedules_that_fit(train):
    assert codes(trained(train=train)) == []


def test_images_that_grow_too_slowly():
    text = """
    data { source = digits; progressive = progressive(from=4x4, until=4) }
    network Net { conv(4, 5x5) -> relu -> conv(4, 5x5) -> relu -> global_avg_pool -> dense(10) }
    train { epochs = 3 }
    """
    [found] = linted(text)
    assert found.code == "W534" and "before they have full size" in found.message
    assert codes(text.replace("until=4", "until=3")) == []


def test_a_variant_that_is_too_short():
    text = trained(train="epochs = 90; schedule = warmup(5) -> cosine") + "variant quick { train.epochs = 2 }"
    [found] = linted(text)
    assert (found.code, found.notes) == ("W534", ("in variant quick",))


@pytest.mark.parametrize(
    ("train", "expected"),
    [
        ("epochs = 5; batch = 64; ema = 0.9999", ["W535"]),
        ("epochs = 5; batch = 64; ema = 0.9", []),
        ("epochs = 5; batch = 64; ema = 0.9; accumulate = 16", ["W535"]),  # 10 steps
        ("epochs = 100; batch = 16; ema = 0.999", []),
    ],
)
def test_an_average_that_is_too_slow(train, expected):
    assert codes(trained(train=train)) == expected


def test_of_unknown_data_no_steps_are_counted():
    text = trained(data='source = folder("x"); resize = 32x32', train="epochs = 1; ema = 0.9999")
    assert codes(text) == []


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("pad(1, mode=reflect) -> conv(8)", ["W536"]),
        ("conv(8) -> blur_pool", ["W536"]),
        ("conv(8) -> adaptive_avg_pool(3x3)", ["W536"]),  # windows of an 8 x 8 map overlap
        ("conv(8) -> adaptive_avg_pool(4x4)", []),
        ("conv(8) -> max_pool(2) -> upsample(2, mode=bilinear)", []),
        ("pad(1) -> conv(8)", []),
    ],
)
def test_what_cannot_be_repeated(body, expected):
    assert codes(trained(body, train="seed = 1")) == expected
    assert codes(trained(body)) == []


def test_training_is_not_judged_without_data():
    text = net("conv(8)") + "train { epochs = 3; schedule = warmup(5) -> cosine; optimizer = adam(weight_decay=1) }"
    assert codes(text) == []


@pytest.mark.parametrize(
    ("data", "loss", "expected"),
    [
        ("source = digits", "binary_cross_entropy", ["W537"]),
        ('source = folder("x"); resize = 8x8', "binary_cross_entropy(weights=[1, 2])", ["W537"]),
        ("source = digits", "cross_entropy", []),
        ("source = digits", "focal", []),
        ("source = digits; augment = mixup(0.2)", "binary_cross_entropy", []),
        ("source = digits; augment = shift(1) -> choose { | mixup | cutmix }", "binary_cross_entropy", []),
        ("source = digits; augment = shift(1)", "binary_cross_entropy", ["W537"]),
    ],
)
def test_a_question_for_each_class(data, loss, expected):
    end = "flatten -> dense(2)" if "weights" in loss else "flatten -> dense(10)"
    found = codes(trained("batch_norm -> conv(8)", data=data, train=f"loss = {loss}", end=end))
    assert [code for code in found if code == "W537"] == expected


@pytest.mark.parametrize(
    ("train", "says"),
    [
        ("groups = [group(norms, weight_decay=1e-4)]", "scales and shifts of norms"),
        ("groups = [group(biases, weight_decay=1e-4)]", "biases"),
        ("groups = [group(conv, dense, norms, weight_decay=1e-4)]", "scales and shifts of norms and biases"),
        ("groups = [group(batch_norm1.weight, lr=0.1), group(norms, weight_decay=1e-4)]", "norms"),
    ],
)
def test_decay_of_what_is_no_kernel(train, says):
    [found] = linted(trained("conv(8) -> batch_norm -> relu", train=train))
    assert found.code == "W538" and found.message.endswith(says)


@pytest.mark.parametrize(
    "train",
    [
        "groups = [group(kernels, weight_decay=1e-4)]",
        "groups = [group(norms, biases, weight_decay=0)]",
        "groups = [group(norms, biases, lr=0.1)]",
        "groups = [group(norms, biases, weight_decay=0), group(conv1, dense1, weight_decay=1e-4)]",
        "freeze = [biases]; groups = [group(conv1, dense1, weight_decay=1e-4)]",
    ],
)
def test_decay_of_kernels_alone(train):
    assert "W538" not in codes(trained("conv(8) -> batch_norm -> relu", train=train))


@pytest.mark.parametrize(
    ("settings", "data", "steps"),
    [
        ("epochs = 10; batch = 64; ema = 0.97", "", 220),  # 1,442 images are 22 full batches
        ("epochs = 10; batch = 64; ema = 0.97", "; validation = test", 220),
        ("epochs = 10; batch = 64; ema = 0.97", "; validation = split(50%)", 110),
        ("epochs = 10; batch = 64; ema = 0.97", "; validation = split(1000)", 60),
        ("epochs = 10; batch = 64; ema = 0.97; accumulate = 4", "", 50),
        ("epochs = 9; batch = 5000; ema = 0.97", "", 9),
    ],
)
def test_steps_are_those_that_training_takes(settings, data, steps):
    [found] = linted(trained(data=f"source = digits{data}", train=settings))
    assert found.code == "W535" and f"after all {steps:,} steps" in found.message


def test_an_average_that_is_just_fast_enough():
    reached = "epochs = 10; batch = 64; ema = {}".format  # (1 + 220) / (10 + 220) = 0.9609
    assert codes(trained(train=reached(0.9608))) == []
    assert codes(trained(train=reached(0.961))) == ["W535"]


@pytest.mark.parametrize(
    ("train", "says"),
    [
        ("epochs = 8; schedule = cosine(epochs=4) -> cosine", "50% of the steps, from epoch 4 on"),
        ("epochs = 8; schedule = cosine(epochs=6)", "25% of the steps, from epoch 6 on"),
        ("epochs = 10; schedule = warmup(10%) -> linear(epochs=80%) -> constant", "10% of the steps, from epoch 9 on"),
        ("epochs = 8; groups = group(kernels, schedule=linear(epochs=2))", "75% of the steps, from epoch 2 on"),
        ("epochs = 1; schedule = constant -> linear(epochs=2%) -> constant(epochs=5%)", "5% of the steps"),
    ],
)
def test_a_rate_of_zero(train, says):
    for data in ("source = mnist", 'source = folder("x"); resize = 28x28'):
        [found] = linted(trained(data=data, train=train))
        assert found.code == "W539" and says in found.message


@pytest.mark.parametrize(
    "train",
    [
        "epochs = 8; schedule = cosine",
        "epochs = 8; schedule = linear",
        "epochs = 1; batch = 500; schedule = warmup(50%) -> cosine",  # the first of two steps is at 0
        "epochs = 8; schedule = cosine(to=0.1, epochs=4) -> cosine",
        "epochs = 1000; batch = 4; schedule = warmup(5) -> cosine(epochs=99%)",  # half of a percent is left
    ],
)
def test_rates_that_are_zero_in_passing_or_never(train):
    assert "W539" not in codes(trained(train=train))


@pytest.mark.parametrize(
    ("until", "is_lost"),
    [("until=2", True), ("until=3", True), ("until=4", False), ("until=25%", True), ("lr=1", False)],
)
def test_a_group_that_ends_before_it_thaws(until, is_lost):
    """Also where it has other weights, and where one is a percentage and the other a number of epochs."""
    train = f"epochs = 8; freeze = freeze(backbone, until=3); groups = [group(kernels, {until})]"
    found = [one for one in linted(trained(train=train)) if one.code == "W544"]
    assert [("conv1.weight" in one.message, one.span.text) for one in found] == [
        (True, f"group(kernels, {until})")
    ] * is_lost
