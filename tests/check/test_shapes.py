"""Shapes that do not fit: where the message stands, both sides of it, and a repair that really mends it."""

import re

import pytest

from tests.helpers.checking import codes, fine, net, only, shape, spec, underlined


@pytest.mark.parametrize(
    ("body", "code", "where"),
    [
        ("add { | conv(4) | identity }", "E301", "add"),
        ("add { | max_pool | identity }", "E301", "add"),
        ("add { | flatten | identity }", "E301", "add"),
        ("multiply { | conv(4) | identity }", "E301", "multiply"),
        ("multiply { | max_pool | identity }", "E301", "multiply"),
        ("concat { | max_pool | identity }", "E301", "concat"),
        ("concat { | flatten | identity }", "E301", "concat"),
        ("residual { conv(4) }", "E301", "residual"),
        ("residual { max_pool }", "E301", "residual"),
        ("dense(4)", "E302", "dense"),
        ("flatten -> conv(4)", "E302", "conv"),
        ("flatten -> max_pool(2)", "E302", "max_pool"),
        ("flatten -> global_avg_pool", "E302", "global_avg_pool"),
        ("flatten -> instance_norm", "E302", "instance_norm"),
        ("flatten -> upsample", "E302", "upsample"),
        ("conv(4, 17x17, padding=0)", "E303", "17x17"),
        ("conv(4, kernel=17, padding=0)", "E303", "17"),
        ("conv(4, 9x9, padding=0, dilation=3)", "E303", "9x9"),
        ("max_pool(17)", "E303", "17"),
        ("max_pool(size=17)", "E303", "17"),
        ("global_avg_pool -> max_pool(2)", "E303", "2"),
        ("pad(16, mode=reflect)", "E303", "16"),
        ("conv(4, groups=3)", "E304", "3"),
        ("conv(6, groups=4)", "E304", "4"),
        ("group_norm(3)", "E304", "3"),
        ("group_norm", "E304", "group_norm"),
        ("channel_shuffle(3)", "E304", "3"),
        ("pixel_shuffle(3)", "E304", "3"),
        ("space_to_depth(3)", "E304", "3"),
        ("expect(9, 16x16)", "E305", "9"),
        ("channels(4, 9)", "E309", "9"),
        ("channels(4, 4)", "E309", "4"),
        ("conv(999999999999999)", "E310", "999999999999999"),
        ("upsample(9999999)", "E310", "9999999"),
        ("flatten -> dense(999999999999999)", "E310", "999999999999999"),
        ("global_avg_pool -> instance_norm", "E311", "instance_norm"),
    ],
)
def test_where_it_stands(body, code, where):
    checked = net(f"{body} -> relu\nconv(in.channels) -> expect(5, 77x77)")
    assert only(checked).code == code
    assert underlined(checked) == where
    assert checked.graph is None


def test_both_sides_are_shown_under_their_sources():
    problem = only(net("conv(16)\nadd {\n| conv(32, stride=2) -> batch_norm\n| identity\n}"))
    assert [(label.span.text, label.text) for label in problem.labels] == [
        ("conv(32, stride=2) -> batch_norm", "32 x 8 x 8"),
        ("identity", "16 x 16 x 16"),
    ]
    problem = only(net("conv(4, groups=3)"))
    assert "8 x 16 x 16" in problem.label


def test_an_empty_branch_has_a_place_too():
    problem = only(net("add { | if false { relu } | conv(3) }"))
    assert [label.text for label in problem.labels] == ["8 x 16 x 16", "3 x 16 x 16"]


@pytest.mark.parametrize(
    "branch",
    ["conv(32, stride=2)", "conv(32)", "conv(4, stride=2x1)", "max_pool(2) -> conv(24)", "conv(8, stride=3)"],
)
def test_the_projection_that_is_proposed_mends_it(branch):
    body = "add {{\n| {0}\n| identity\n}}"
    help = only(net(body.format(branch))).help
    first, projection = matched(r"project the (first|second) branch .*: (conv\(.*\) -> batch_norm)", help)
    mended = f"add {{\n| {branch}\n| {projection}\n}}"
    if first == "first":
        mended = f"add {{\n| {branch} -> {projection}\n| identity\n}}"
    fine(net(mended))


def matched(pattern: str, help: str | None) -> tuple[str, ...]:
    """The groups of a pattern that a whole help line has."""
    found = re.fullmatch(pattern, help or "")
    assert found is not None, help
    return found.groups()


def test_the_groups_that_are_proposed_divide():
    help = only(net("conv(12, groups=3)")).help
    for groups in matched(r".*: ([\d, ]+).*", help)[0].split(", "):
        fine(net(f"conv(12, groups={groups})"))


def test_the_padding_that_is_proposed_makes_room():
    help = only(net("max_pool(5)", input="input(8, 3x4)")).help
    padding = re.search(r"`padding=(\d+x\d+)`", help)
    if padding:
        fine(net(f"max_pool(5, padding={padding[1]})", input="input(8, 3x4)"))
    help = only(net("conv(4, 5x5, padding=0)", input="input(8, 3x4)")).help
    (room,) = matched(r".*`padding=(\d+x\d+)`.*", help)
    fine(net(f"conv(4, 5x5, padding={room})", input="input(8, 3x4)"))


def test_dense_after_a_map_names_both_ways_out():
    help = only(net("dense(10)")).help
    assert "`flatten`" in help and "2048" in help
    assert "`global_avg_pool`" in help


def test_an_error_flows_on_silently():
    body = """
    conv(4, groups=3)
    add { | max_pool | identity }
    for c in [in.channels, in.height] { conv(c) }
    if in.channels == 3 { flatten -> conv(3) }
    repeat(in.channels) { dense(3) }
    let c = in.channels * 2
    expect(1, 1x1) -> crop_to(nowhere)
    """
    assert codes(net(body)) == ["E304", "E219"]


def test_independent_mistakes_are_all_told():
    body = """
    add {
      | conv(4, groups=3) -> relu
      | con(8)
      | conv(8, strid=2)
    }
    as(a) -> from(b)
    from(a) -> leaky_relu(true)
    """
    assert codes(net(body)) == ["E304", "E201", "E203", "E219", "E207"]


def test_two_heads_and_the_network_do_not_hide_each_others_mistakes():
    body = "head(a) { dense(3) }\nhead(b) { conv(3, groups=5) }\nflatten -> conv(4)"
    assert codes(net(body)) == ["E302", "E304", "E302"]


def test_a_mistake_in_a_block_is_told_once_however_often_it_is_called():
    before = "block f(c) { conv(c, groups=3) }"
    checked = net("f(3) -> relu\nf(9) -> f(12)", before)
    assert codes(checked) == ["E304"]
    assert underlined(checked) == "3"
    assert only(checked).notes[0].startswith("in f(3)")


def test_a_mistake_of_the_second_call_only():
    before = "block f(c) { add { | conv(c) | identity } }"
    problem = only(net("f(8)\nf(9)", before))
    assert problem.code == "E301"
    assert problem.notes[0].startswith("in f(9)")


@pytest.mark.parametrize(
    ("layer", "out"),
    [
        ("conv(4)", (4, 16, 16)),
        ("conv(4, stride=2)", (4, 8, 8)),
        ("conv(4, stride=3)", (4, 6, 6)),
        ("conv(4, 2x2)", (4, 16, 16)),
        ("conv(4, 4x4, stride=2)", (4, 8, 8)),
        ("conv(4, 5x5, stride=2, padding=2)", (4, 8, 8)),
        ("conv(4, 3x3, padding=1x0)", (4, 16, 14)),
        ("conv(4, 1x7)", (4, 16, 16)),
        ("conv(4, dilation=2)", (4, 16, 16)),
        ("conv(4, dilation=2, padding=0)", (4, 12, 12)),
        ("depthwise_conv(multiplier=2)", (16, 16, 16)),
        ("conv_transpose(4)", (4, 32, 32)),
        ("conv_transpose(4, 3x3, stride=2, padding=1)", (4, 31, 31)),
        ("max_pool(3, stride=2)", (8, 7, 7)),
        ("max_pool(3, stride=2, ceil=true)", (8, 8, 8)),
        ("max_pool(3x3, stride=2, padding=1)", (8, 8, 8)),
        ("avg_pool(4, stride=2x4)", (8, 7, 4)),
        ("global_avg_pool", (8, 1, 1)),
        ("global_max_pool", (8, 1, 1)),
        ("adaptive_avg_pool(7x3)", (8, 7, 3)),
        ("blur_pool", (8, 8, 8)),
        ("channels(2, 5)", (3, 16, 16)),
        ("channel_shuffle(2)", (8, 16, 16)),
        ("pixel_shuffle(2)", (2, 32, 32)),
        ("space_to_depth(4)", (128, 4, 4)),
        ("upsample(3)", (8, 48, 48)),
        ("upsample(1x2, mode=bilinear)", (8, 16, 32)),
        ("pad(1)", (8, 18, 18)),
        ("pad(1x0)", (8, 18, 16)),
        ("pad((1, 2, 3, 4))", (8, 19, 23)),
        ("flatten", (2048,)),
        ("global_avg_pool -> dense(10)", (10,)),
        ("global_avg_pool -> flatten -> dense(10) -> batch_norm", (10,)),
        ("concat { | identity | identity }", (16, 16, 16)),
        ("flatten -> concat { | identity | dense(3) }", (2051,)),
    ],
)
def test_shapes(layer, out):
    assert shape(layer) == out


def test_a_network_that_ends_in_one_pixel_is_flattened():
    graph = fine(spec("network N { input(3, 8x8) -> conv(10) -> global_avg_pool }")).graph
    assert graph.shape == (10, 1, 1)
    assert graph.output_shape == (10,)


def test_bias_is_settled_by_what_comes_next():
    def biases(body):
        return [node.args.bias for node in fine(net(body)).graph.nodes if hasattr(node.args, "bias")]

    assert biases("conv(4) -> batch_norm") == [False]
    assert biases("conv(4) -> instance_norm") == [False]
    assert biases("depthwise_conv -> batch_norm") == [False]
    assert biases("conv_transpose(4) -> batch_norm") == [False]
    assert biases("conv(4) -> relu -> batch_norm") == [True]
    assert biases("conv(4) -> layer_norm") == [True]
    assert biases("conv(4) -> group_norm(2)") == [True]
    assert biases("conv(4)") == [True]
    assert biases("conv(4, bias=true) -> batch_norm") == [True]
    assert biases("conv(4, bias=false) -> relu") == [False]
    assert biases("conv(4) -> identity -> batch_norm") == [False]
    assert biases("conv(4) -> as(a) -> batch_norm") == [False]
    assert biases("conv(4) -> expect(4, 16x16) -> if true { batch_norm }") == [False]
    assert biases("conv(4) -> add { | batch_norm | identity }") == [True]
    assert biases("conv(4) -> add { | batch_norm | instance_norm }") == [False]


def test_receptive_fields():
    def fields(body):
        return [node.receptive_field for node in fine(net(body, input="input(3, 64x64)")).graph.nodes[1:]]

    assert fields("conv(4) -> conv(4) -> max_pool(2) -> conv(4, 1x3)") == [(3, 3), (5, 5), (6, 6), (6, 10)]
    assert fields("conv(4, dilation=4) -> relu -> batch_norm") == [(9, 9)] * 3
    assert fields("conv(4, 7x7, stride=2) -> conv(4)") == [(7, 7), (11, 11)]
    assert fields("concat { | conv(4) | conv(4, 5x5) }")[-1] == (5, 5)
    assert fields("conv(4) -> global_avg_pool -> dense(10)")[1:] == [(64, 64)] * 2
    assert fields("repeat(50) { conv(4) }")[-1] == (64, 64)


# ---- why branches parted

UNPADDED = "conv(8) -> as(x)\nconv(8, padding=0) -> relu"


@pytest.mark.parametrize(
    ("body", "help"),
    [
        (f"{UNPADDED}\nadd {{ | identity | from(x) }}", "with padding=same in `conv(8, padding=0)` on line 5"),
        ("residual { relu -> conv(8, 5x5, padding=1) }", "with padding=same in `conv(8, 5x5, padding=1)` on line 4"),
        (
            "as(x)\nconv(4, stride=2, padding=0) -> upsample(2)\nconcat { | identity | from(x) }",
            "with padding=same in `conv(4, stride=2, padding=0)` on line 5",
        ),
        (
            "residual { conv(8, padding=0) -> relu\nconv(8, 1x1, padding=0) -> conv(8, 5x5, padding=0) }",
            "and `conv(8, 5x5, padding=0)` on line 5, the branches match",
        ),
        (
            "conv(256) -> relu -> as(x) -> conv(256) -> conv(265, 1x1) -> relu\nadd { | identity | from(x) }",
            "only `conv(265, 1x1)` on line 4 has 265 channels; with 256, as elsewhere, the branches match",
        ),
        (
            "conv(256) -> relu -> as(x) -> conv(256) -> conv(265, 1x1) -> relu\nadd { | from(x) | identity }",
            "only `conv(265, 1x1)` on line 4 has 265 channels; with 256, as elsewhere, the branches match",
        ),
    ],
)
def test_the_layer_where_the_branches_parted(body, help):
    problem = only(net(body))
    assert problem.code == "E301"
    assert help in problem.help


@pytest.mark.parametrize(
    "body",
    [
        "conv(64)\nresidual { conv(16, 1x1) -> conv(16) -> conv(64 * 4, 1x1) }",
        "conv(64)\nadd { | conv(128, stride=2) -> conv(128) | identity }",
        "conv(64)\nfor c in [64, 96] { add { | conv(c) | identity } }",
    ],
)
def test_a_projection_is_still_advised_where_shapes_are_meant_to_change(body):
    problem = only(net(body))
    assert "project" in problem.help


def test_a_named_branch_points_to_where_it_was_named():
    problem = only(net(f"{UNPADDED}\nadd {{ | identity | from(x) }}"))
    assert [(label.span.text, label.text) for label in problem.labels] == [
        ("identity", "8 x 14 x 14"),
        ("from(x)", "8 x 16 x 16"),
        ("as(x)", "named here: 8 x 16 x 16"),
        ("conv(8, padding=0)", "16 x 16 becomes 14 x 14"),
    ]


# ---- several wrong numbers of groups


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ("conv(16, groups=3) -> conv(20, groups=7) -> group_norm(3)", ["3", "7", "3"]),
        ("group_norm(3) -> relu -> channel_shuffle(5) -> max_pool -> conv(16, groups=3)", ["3", "5", "3"]),
        ("group_norm(3) -> add { | group_norm(5) | conv(8, groups=7) } -> group_norm(6)", ["3", "5", "7", "6"]),
        ("group_norm(3) -> flatten -> conv(8) -> group_norm(5)", ["3"]),
        ("group_norm(3) -> con(8) -> group_norm(5)", ["3", "con"]),
    ],
)
def test_wrong_numbers_of_groups_are_reported_at_once(body, wrong):
    assert [error.span.text for error in net(body).errors] == wrong
