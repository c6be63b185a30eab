"""Arguments: which parameter gets which, of what kind, and what is said when it cannot."""

import re
from typing import Any

import pytest

from specc.check.calls.elsewhere import ARGUMENTS, LAYERS
from specc.ops import OPS
from specc.tricks import COMPONENTS
from tests.helpers.checking import codes, fine, layers, net, only, shape, spec, underlined

BLOCK = "block f(c, stride=1, k=3x3) { conv(c, k, stride=stride) }"


def last(body: str, before: str = "") -> dict[str, Any]:
    """The arguments of the last layer."""
    return fine(net(body, before)).graph.nodes[-1].args.as_dict()


@pytest.mark.parametrize(
    "call",
    [
        "conv(4, 5x5, 2)",
        "conv(4, 5x5, stride=2)",
        "conv(4, kernel=5x5, stride=2)",
        "conv(filters=4, kernel=5x5, stride=2)",
        "conv(stride=2, filters=4, kernel=5)",
        "conv(4, 5, 2x2)",
        "conv(4, size(5, 5), stride=size(2, 2),)",
        "conv(\n4,\n5x5,\nstride=2\n)",
        "conv(4.0, 5x5, 2.0)",
    ],
)
def test_by_position_and_by_name(call):
    args = last(call)
    assert (args["filters"], args["kernel"], args["stride"]) == (4, (5, 5), (2, 2))


@pytest.mark.parametrize("call", ["f(4)", "f(c=4)", "f(4, 1)", "f(4, 1, 3x3)", "f(k=3x3, c=4, stride=1)", "f(4, k=3)"])
def test_blocks_take_arguments_like_layers(call):
    args = last(call, BLOCK)
    assert (args["filters"], args["kernel"], args["stride"]) == (4, (3, 3), (1, 1))


def test_parentheses_may_be_left_out():
    assert layers(net("relu -> relu() -> max_pool -> batch_norm()")) == ["relu", "relu", "max_pool", "batch_norm"]
    assert layers(net("f -> f()", "block f { tanh }")) == ["tanh", "tanh"]


def test_defaults():
    assert shape("max_pool(4)") == (8, 4, 4)  # the stride is the size
    assert shape("max_pool") == (8, 8, 8)
    assert last("dropout")["p"] == 0.5
    assert last("leaky_relu")["slope"] == 0.01
    assert last("batch_norm") == {"eps": 1e-5, "momentum": 0.1, "scale": True, "shift": True, "init_scale": 1.0}


def test_defaults_of_blocks_may_use_what_flows_and_earlier_parameters():
    before = "block f(c=in.channels, d=2 * c) { conv(d) }"
    assert shape("f", before) == (16, 16, 16)
    assert shape("conv(5) -> f", before) == (10, 16, 16)
    assert shape("f(3)", before) == (6, 16, 16)
    assert shape("f(d=3)", before) == (3, 16, 16)


@pytest.mark.parametrize(
    ("call", "code", "where"),
    [
        ("conv()", "E206", "conv()"),
        ("conv", "E206", "conv"),
        ("conv(kernel=3x3)", "E206", "conv(kernel=3x3)"),
        ("f", "E206", "f"),
        ("f(stride=2)", "E206", "f(stride=2)"),
        ("conv(4, filters=4)", "E204", "filters=4"),
        ("conv(filters=4, filters=5)", "E204", "filters=5"),
        ("f(4, c=5)", "E204", "c=5"),
        ("conv(filters=4, 3x3)", "E220", "3x3"),
        ("f(stride=2, 4)", "E220", "4"),
        ("conv(4, kernal=3x3)", "E203", "kernal"),
        ("conv(4, size=3x3)", "E203", "size"),
        ("conv(filtres=4)", "E203", "filtres"),
        ("f(4, sride=2)", "E203", "sride"),
        ("f(d=4)", "E203", "d"),
        ("relu(slope=3)", "E203", "slope"),
        ("relu(3)", "E205", "3"),
        ("f(4, 1, 3x3, 5)", "E205", "5"),
        ("f(4, 1, 3x3, 5, 6, 7)", "E205", "5"),
        ("max_pool(2, 2, 0, false, 5)", "E205", "5"),
        ("conv { relu }", "E208", "{ relu }"),
        ("conv(4) { relu }", "E208", "{ relu }"),
        ("f(4) { relu }", "E208", "{ relu }"),
        ("residual", "E208", "residual"),
        ("repeat(3)", "E208", "repeat(3)"),
        ("add { relu }", "E208", "add"),
        ("residual { | relu | relu }", "E208", "{ | relu | relu }"),
        ("repeat(2) { | relu | relu }", "E208", "{ | relu | relu }"),
        ("residual(3) { relu }", "E205", "3"),
        ("conv(4, same)", "E201", "same"),
        ("con(4)", "E201", "con"),
        ("g(4)", "E201", "g"),
        ("rulu", "E201", "rulu"),
        ("min(3, 4)", "E215", "min(3, 4)"),
        ("(3)", "E215", "(3)"),
        ('("text")', "E215", '("text")'),
        ("([1])", "E215", "([1])"),
    ],
)
def test_calls_that_go_wrong(call, code, where):
    checked = net(call, BLOCK)
    assert only(checked).code == code
    assert underlined(checked) == where


@pytest.mark.parametrize(
    ("call", "near"),
    [
        ("conv(4, kernal=3x3)", "kernel"),
        ("conv(filtres=4)", "filters"),
        ("conv(4, strides=2)", "stride"),
        ("batch_norm(epsilon=1e-3)", "eps"),
        ("f(4, sride=2)", "stride"),
        ("con(4)", "conv"),
        ("batchnorm", "batch_norm"),
        ("maxpool(2)", "max_pool"),
        ("global_average_pool", "global_avg_pool"),
        ("reul", "relu"),
        ("conv(4, padding=sme)", "same"),
        ("conv(4, init=he_norml)", "he_normal"),
        ("conv(4, bias=atuo)", "auto"),
        ("upsample(2, mode=neerest)", "nearest"),
        ("unti(3)", "unit"),
        ("conv(3, bias=False)", "false"),
        ("batch_norm(scale=True)", "true"),
    ],
)
def test_the_nearest_name_is_named(call, near):
    problem = only(net(call, f"{BLOCK}\nblock unit(c) {{ conv(c) }}"))
    assert f"`{near}`" in problem.help


def test_where_nothing_is_near_the_choices_are_listed():
    assert "filters" in only(net("conv(4, zzz=1)")).help
    assert "c, stride, k" in only(net("f(4, zzz=1)", BLOCK)).help


@pytest.mark.parametrize(
    ("call", "needs"),
    [
        ("conv(0)", "at least 1"),
        ("conv(-3)", "at least 1"),
        ("conv(2.5)", "integer"),
        ("conv(true)", "integer"),
        ('conv("4")', "integer"),
        ("conv(3x3)", "integer"),
        ("conv([4])", "integer"),
        ("conv(relu)", "integer"),
        ("conv(conv(3))", "integer"),
        ("conv(1e300)", "integer"),
        ("conv(4, 0)", "size"),
        ("conv(4, 0x1)", "size"),
        ("conv(4, 2.5)", "size"),
        ("conv(4, (3, 3))", "size"),
        ("conv(4, padding=-1)", "size"),
        ("conv(4, padding=valid)", "`same`"),
        ("conv(4, bias=1)", "`true` or `false`"),
        ("conv(4, bias=yes)", "`true` or `false`"),
        ("conv(4, trainable=1)", "`true` or `false`"),
        ("dropout(1.5)", "below 1"),
        ("dropout(-0.1)", "at least 0"),
        ("dropout(relu)", "number"),
        ("batch_norm(eps=0)", "above 0"),
        ("batch_norm(momentum=2)", "at most 1"),
        ("batch_norm(scale=0.5)", "`true` or `false`"),
        ("group_norm(0)", "at least 1"),
        ("layer_norm(over=height)", "`channels` or `image`"),
        ("upsample(2, mode=3)", "`nearest`"),
        ("upsample(0)", "size"),
        ("as(3)", "name"),
        ('as("x")', "name"),
        ("repeat(-1) { relu }", "at least 0"),
        ("repeat(2.5) { relu }", "integer"),
        ("head(x, weight=-1) { relu }", "at least 0"),
        ("pad((1, 2, 3))", "4"),
        ("pad([1, 2, 3, -1])", "4"),
        ("scale(true)", "number"),
        ("max_pool(ceil=1)", "`true` or `false`"),
        ("space_to_depth(0)", "at least 1"),
    ],
)
def test_kinds_and_ranges(call, needs):
    problem = only(net(call))
    assert problem.code == "E207"
    assert needs in problem.message
    assert ", found " in problem.message


def test_a_percentage_that_was_meant():
    assert "50%" in only(net("dropout(50)")).help
    assert only(net("dropout(500)")).help == ""


def test_several_mistakes_in_one_call_are_all_told():
    assert codes(net("conv(0, 0x0, stride=0)")) == ["E207", "E207", "E207"]
    assert codes(net("conv(0, strid=0, padding=sme)")) == ["E207", "E203", "E207"]


def test_a_wrong_call_is_not_held_against_what_follows():
    body = "conv(64, strid=2) -> expect(64, 8x8) -> flatten -> dense(in.height) -> conv(4)"
    assert codes(net(body)) == ["E203"]
    assert codes(net("con(64) -> expect(64, 8x8) -> flatten -> dense(in.height)")) == ["E201"]
    assert codes(net("add { | con(64) | conv(3, stride=2) }\nconv(9) -> expect(8, 1x1)")) == ["E201"]


def test_too_few_arguments_name_what_is_missing():
    problem = only(net("f", "block f(a, b, c=3) { relu }"))
    assert "`a`, `b`" in problem.message
    assert [label.span.text for label in problem.labels] == ["f"]
    assert "filters" in only(net("conv")).message


def test_a_network_may_require_parameters():
    text = "network N(width) { input(3, 8x8)\nconv(width) }"
    problem = only(spec(text))
    assert problem.code == "E206"
    assert "network.width" in problem.help
    assert fine(spec(text, sets=["network.width=5"])).graph.shape == (5, 8, 8)


def test_two_parameters_of_one_name():
    assert codes(net("f(1, 2)", "block f(a, a) { relu }")) == ["E209"]


def test_a_block_is_found_wherever_it_stands():
    assert spec("network N { input(1, 8x8)\nf }\nblock f { g }\nblock g { relu }").diagnostics == []


def test_a_block_may_take_a_layers_name():
    before = "block relu { tanh }"
    assert layers(net("relu", before)) == ["tanh"]


def test_a_layer_of_another_vocabulary():
    problem = only(net("flip -> relu"))
    assert problem.code == "E201"
    assert "augment" in problem.help


def test_an_argument_by_a_word_of_the_language():
    text = "network N { input(3, 8x8) }\ntrain { schedule = warmup(5, from=0.2) -> cosine }"
    warmup = fine(spec(text)).train.schedule[0]
    assert warmup.args.as_dict() == {"epochs": 5.0, "from": 0.2}


# ---- the words of other frameworks


@pytest.mark.parametrize(
    ("call", "help"),
    [
        ("Conv2d(8)", "specc calls this layer `conv`"),
        ("bn", "specc calls this layer `batch_norm`"),
        ("BatchNorm2d", "specc calls this layer `batch_norm`"),
        ("MaxPooling2D(2)", "specc calls this layer `max_pool`"),
        ("reorg(2)", "specc calls this layer `space_to_depth`"),
        ("dilated_conv(8)", "in specc, write conv(…, dilation=2)"),
        ("InnerProduct(8)", "specc calls this layer `dense`"),
        ("shortcut", "specc calls this layer `residual`"),
        ("swish", "specc calls this layer `silu`"),
        ("conv(8, kernel_size=3)", "specc calls it `kernel`"),
        ("max_pool(kernel_size=2)", "specc calls it `size`"),
        ("conv(8, use_bias=false)", "specc calls it `bias`"),
        ("conv(out_channels=8)", "specc calls it `filters`"),
        ("flatten -> dense(out_features=8)", "specc calls it `units`"),
        ("avg_pool(count_include_pad=false)", "specc calls it `count_padding`"),
        ("conv(8, in_channels=3)", "leave it out: it is inferred from the input"),
        ("dropout(rate=0.5)", "specc calls it `p`"),
        ("StdConv2d(8)", "specc calls this layer `ws_conv`"),
        ("interpolate", "in specc, write resize_to(65x65), or upsample(2)"),
        ("conv_transpose(8, outputpadding=1)", "specc calls it `output_padding`"),
        ("leaky_relu(negative_slope=0.1)", "specc calls it `slope`"),
        ("batch_norm(affine=false)", "use the two arguments `scale` and `shift`"),
    ],
)
def test_words_of_other_frameworks(call, help):
    assert help in [error.help for error in net(call).errors]


def test_a_blocks_own_parameter_is_nearer_than_what_other_frameworks_mean():
    assert only(net("f(4, activatio=relu)", "block f(c, activation=relu) { conv(c) -> activation }")).help == (
        "did you mean `activation`?"
    )


def test_the_words_lead_to_words_that_are_there():
    names = {name.replace("_", "") for name in OPS}
    for word, ours in LAYERS.items():
        assert word not in names or OPS.get(ours, OPS["relu"]).name.replace("_", "") == word
        assert set(re.findall(r"[a-z_]\w+(?=\(| \{|$| ->)", ours)) & set(OPS), ours
    params = {param.name for op in OPS.values() for param in op.params}
    params |= {param.name for components in COMPONENTS.values() for c in components.values() for param in c.params}
    assert {ours for choices in ARGUMENTS.values() for ours in choices} <= params
