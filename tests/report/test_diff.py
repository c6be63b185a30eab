"""What differs between two specs, as data."""

import pytest

from specc.check import check
from specc.report.diff import Change, Difference, Total, as_json, compare
from specc.source import Source


def net(body: str, rest: str = "") -> str:
    return f"network Net {{ input(3, 16x16)\n{body}\nflatten -> dense(10) }}\n{rest}"


def difference(a: str, b: str) -> Difference:
    sides = [check(Source(name, text)) for name, text in (("a.cnn", a), ("b.cnn", b))]
    assert [side.errors for side in sides] == [[], []]
    return compare(*sides)


def changes(found: Difference) -> list[tuple[str, str | None, str | None]]:
    return [(layer.kind, layer.a and layer.a.name, layer.b and layer.b.name) for layer in found.layers]


def settings(a: str, b: str) -> list[Change]:
    return list(difference(net("relu", a), net("relu", b)).settings)


# ---- parameters of the network


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ("width=32, depth=2", "width=64, depth=2", [("network.width", "32", "64")]),
        ("width=32", "width=16 * 2", []),
        ("act=relu", "act=leaky_relu(0.1)", [("network.act", "relu", "leaky_relu(0.1)")]),
        ("act=relu", "act=relu", []),
        ("widths=[8, 16]", "widths=[8, 32]", [("network.widths", "[8, 16]", "[8, 32]")]),
        ("stages=[(8, 1)]", "stages=[(8, 2)]", [("network.stages", "[(8, 1)]", "[(8, 2)]")]),
        (
            "skip=true, kernel=3x3",
            "skip=false, kernel=5x5",
            [("network.skip", "true", "false"), ("network.kernel", "3x3", "5x5")],
        ),
        ("p=50%", "p=0.5", []),
        ("width=32", "width=32, depth=3", []),  # nothing follows from the other one
    ],
)
def test_parameters_of_the_network(a, b, expected):
    found = difference(*(net("relu").replace("Net", f"Net({given})") for given in (a, b)))
    assert [tuple(change) for change in found.settings] == expected
    assert as_json(found)["settings"] == {name: [one, other] for name, one, other in expected}


def test_a_parameter_and_what_follows_from_it():
    found = difference(*(net("conv(width)").replace("Net", f"Net(width={width})") for width in (8, 16)))
    assert changes(found)[0] == ("changed", "conv1", "conv1")
    assert found.settings == (Change("network.width", "8", "16"),)


# ---- layers


@pytest.mark.parametrize(
    "body", ["conv(8) -> relu", "residual { conv(3) }\nhead(h, weight=0.3) { flatten -> dense(10) }"]
)
def test_a_spec_and_itself(body):
    found = difference(
        net(body, 'data { source = folder("x"); resize = 16x16 }'),
        "# elsewhere\n\n" + net(body, 'data { source = folder("x"); resize = 16x16 }'),
    )
    assert found.is_empty
    assert (found.layers, found.settings) == ((), ())
    assert found.same == found.totals[0].a == found.totals[0].b
    assert all(total.a == total.b for total in found.totals)
    assert as_json(found)["equal"] is True


def test_what_is_put_in_between_shifts_nothing():
    found = difference(
        net("conv(8) -> relu -> conv(8)"), net("conv(8) -> batch_norm -> relu -> dropout(30%) -> conv(8)")
    )
    assert changes(found) == [
        ("changed", "conv1", "conv1"),
        ("added", None, "batch_norm1"),
        ("added", None, "dropout1"),
    ]
    (bias,) = found.layers[0].arguments
    assert bias == Change("bias", "true", "false")
    assert found.same == 5
    assert found.totals[:2] == (
        Total("layers", 6, 8),
        Total("parameters", 10 * 2048 + 10 + 224 + 584, 10 * 2048 + 10 + 216 + 16 + 584),
    )


def test_what_is_taken_out():
    found = difference(
        net("conv(8, init=he_normal) -> relu -> max_pool(2)"), net("conv(8, init=he_normal) -> max_pool(2)")
    )
    assert changes(found) == [("removed", "relu1", None)]
    assert found.same == len(["input", "conv1", "max_pool1", "flatten1", "dense1"])


def test_what_auto_chooses_changes_with_what_follows():
    found = difference(net("conv(8) -> relu"), net("conv(8) -> leaky_relu(0.2)"))
    assert found.layers[0].arguments == (Change("init.slope", "0.0", "0.2"),)
    found = difference(net("conv(8) -> relu"), net("conv(8) -> tanh"))
    assert found.layers[0].arguments == (Change("init", "he_normal(fan=in, slope=0)", "glorot_uniform(fan=average)"),)
    assert difference(net("conv(8) -> relu"), net("conv(8, init=he_normal) -> relu")).is_empty


def test_arguments_shapes_and_counts():
    found = difference(net("conv(8, 3x3)"), net("conv(16, 5x5, stride=2, init=glorot_normal(out))"))
    conv, flatten, dense = found.layers
    assert conv.arguments == (
        Change("filters", "8", "16"),
        Change("kernel", "3x3", "5x5"),
        Change("stride", "1x1", "2x2"),
        Change("init", "lecun_normal", "glorot_normal(fan=out)"),
    )
    assert conv.a and conv.b and flatten.a and flatten.b and dense.a and dense.b
    assert (conv.a.output, conv.b.output) == ((8, 16, 16), (16, 8, 8))
    assert (conv.a.parameters, conv.b.parameters) == (8 * 28, 16 * 76)
    assert (conv.a.macs, conv.b.macs) == (8 * 27 * 256, 16 * 75 * 64)
    assert (flatten.a.output, flatten.b.output, flatten.arguments) == ((2048,), (1024,), ())
    assert (dense.a.parameters, dense.b.parameters) == (20490, 10250)
    totals = {total.name: (total.a, total.b) for total in found.totals}
    assert totals["MACs"] == (8 * 27 * 256 + 20480, 16 * 75 * 64 + 10240)
    assert totals["activation bytes"] == (4 * (768 + 2048 + 2048 + 10), 4 * (768 + 1024 + 1024 + 10))


def test_other_inputs_of_the_same_layers():
    found = difference(
        net("as(x) -> conv(3) -> as(y) -> relu -> add { | identity | from(x) }"),
        net("as(x) -> conv(3) -> as(y) -> relu -> add { | identity | from(y) }"),
    )
    (change,) = found.layers
    assert (change.a, change.arguments) == (change.b, (Change("inputs", "relu1, input", "relu1, conv1"),))


def test_shapes_of_the_whole():
    found = difference(net("relu"), net("relu").replace("16x16", "8x8").replace("dense(10)", "dense(5)"))
    assert found.shapes == (Change("input", "3 x 16 x 16", "3 x 8 x 8"), Change("output", "10", "5"))


def test_heads():
    one, other = (net(f"head(aux, weight={w}) {{ flatten -> dense(10) }}\nconv(8)") for w in (0.3, 0.5))
    found = difference(one, other)
    assert (found.layers, found.settings) == ((), (Change("head.aux.weight", "0.3", "0.5"),))
    assert Change("head.aux.weight", "0.3", None) in difference(one, net("conv(8)")).settings


# ---- settings


def test_arguments_of_settings_by_their_paths():
    assert settings("train { optimizer = adam(lr=1e-3) }", "train { optimizer = adam(lr=1e-2); epochs = 7 }") == [
        ("train.epochs", "20.0", "7.0"),
        ("train.optimizer.lr", "0.001", "0.01"),
    ]


def test_texts_are_in_quotes_and_names_are_not():
    a, b = (f'data {{ source = folder("{path}"); resize = 16x16 }}' for path in ("x", "y"))
    assert [tuple(one) for one in settings(a, b)] == [("data.source.path", '"x"', '"y"')]
    (change,) = settings("", 'train { start = weights("w.safetensors") }')
    assert change.b is not None and change.b.startswith('weights(path="w.safetensors", ')
    assert settings("", "train { best = loss }") == [("train.best", "auto", "loss")]


def test_another_call_is_shown_whole():
    (change,) = settings("", "train { optimizer = sgd(lr=0.1) }")
    path, before, after = change
    assert path == "train.optimizer"
    assert before is not None and before.startswith("adam(")
    assert after is not None and after.startswith("sgd(lr=0.1")


def test_stages_of_pipelines():
    one = 'data { source = folder("x"); resize = 16x16; augment = shift(1) -> noise(0.1) }'
    other = one.replace("0.1", "0.2")
    assert settings(one, other) == [("data.augment.noise.std", "0.1", "0.2")]
    longer = one.replace("shift", "rotate(10) -> shift")
    ((path, a, b),) = settings(one, longer)
    assert path == "data.augment" and a is not None and b is not None and a in b
    twice = one.replace("noise(0.1)", "shift(2)")
    assert [path for path, _, _ in settings(twice, twice.replace("(2)", "(3)"))] == ["data.augment"]
    chosen = one.replace("shift(1)", "choose { | shift(1) | rotate(5) }")
    assert settings(chosen, "\n\n" + chosen) == []
    assert [path for path, _, _ in settings(chosen, chosen.replace("(5)", "(6)"))] == ["data.augment.choose"]


def test_a_section_on_one_side_only():
    found = settings("", 'data { source = folder("x"); resize = 16x16 }')
    assert ("data.resize", None, "stretch(size=16x16, by=bilinear)") in found
    assert {(path.split(".")[0], a) for path, a, _ in found} == {("data", None)}
    assert settings("", "train { }") == []


def test_close_numbers_are_told_apart():
    assert settings("train { ema = 0.99999999 }", "train { ema = 0.99999998 }") == [
        ("train.ema", "0.99999999", "0.99999998")
    ]


def test_a_percentage_is_a_number_but_for_lengths_of_schedules():
    assert settings("train { target = 50% }", "train { target = 0.5 }") == []
    assert difference(net("dropout(50%)"), net("dropout(0.5)")).is_empty
    assert settings("train { schedule = warmup(5%) }", "train { schedule = warmup(0.05) }") == [
        ("train.schedule.warmup.epochs", "5%", "0.05")
    ]


def test_networks_with_errors_are_not_compared():
    fine, wrong = check(Source("a.cnn", net("relu"))), check(Source("b.cnn", net("relo")))
    with pytest.raises(ValueError, match="without errors"):
        compare(fine, wrong)
