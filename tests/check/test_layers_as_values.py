"""Layers as values: given to parameters, joined, chosen, listed, and worked out where they are used."""

import pytest

from tests.helpers.checking import codes, fine, layers, net, only, shape, spec, underlined

UNIT = "block unit(c, act=relu, norm=batch_norm) { conv(c) -> norm -> act }"


def slopes(checked) -> list[float]:
    return [node.args.slope for node in fine(checked).graph.nodes if node.op.name == "leaky_relu"]


@pytest.mark.parametrize(
    ("call", "ops"),
    [
        ("unit(4)", ["conv", "batch_norm", "relu"]),
        ("unit(4, tanh)", ["conv", "batch_norm", "tanh"]),
        ("unit(4, act=gelu, norm=instance_norm)", ["conv", "instance_norm", "gelu"]),
        ("unit(4, norm=identity)", ["conv", "relu"]),
        ("unit(4, act=leaky_relu(0.1))", ["conv", "batch_norm", "leaky_relu"]),
        ("unit(4, norm=group_norm(2))", ["conv", "group_norm", "relu"]),
        ("unit(4, act=relu -> dropout(10%))", ["conv", "batch_norm", "relu", "dropout"]),
        ("unit(4, act=(relu -> dropout(10%)))", ["conv", "batch_norm", "relu", "dropout"]),
        ("unit(4, norm=batch_norm -> noise)", ["conv", "batch_norm", "gaussian_noise", "relu"]),
        ("unit(4, act=twice)", ["conv", "batch_norm", "relu", "relu"]),
        ("unit(4, act=unit(2, act=tanh))", ["conv", "batch_norm", "conv", "batch_norm", "tanh"]),
        ("unit(4, act=residual { tanh })", ["conv", "batch_norm", "tanh", "add"]),
        ("unit(4, act=add { | relu | tanh })", ["conv", "batch_norm", "relu", "tanh", "add"]),
        ("unit(4, act=repeat(2) { relu -> tanh })", ["conv", "batch_norm", "relu", "tanh", "relu", "tanh"]),
        ("unit(4, act=relu if true else tanh)", ["conv", "batch_norm", "relu"]),
        ("unit(4, act=relu -> tanh if false else gelu -> silu)", ["conv", "batch_norm", "gelu", "silu"]),
        ("unit(4, act=[relu, tanh][1])", ["conv", "batch_norm", "tanh"]),
    ],
)
def test_given_to_a_parameter(call, ops):
    before = f"{UNIT}\nlet noise = gaussian_noise(0.1)\nblock twice {{ relu -> relu }}"
    assert layers(net(call, before)) == ops


def test_arguments_of_a_layer_are_kept():
    assert slopes(net("unit(4, act=leaky_relu(0.1)) -> unit(4, act=leaky_relu)", UNIT)) == [0.1, 0.01]


def test_in_is_the_shape_where_the_layer_is_used():
    checked = net("unit(32, norm=group_norm(in.channels // 4)) -> unit(8, norm=group_norm(in.channels // 4))", UNIT)
    assert [node.args.groups for node in fine(checked).graph.nodes if node.op.name == "group_norm"] == [8, 2]
    assert shape("let wider = conv(2 * in.channels)\nwider -> wider -> wider") == (64, 16, 16)


def test_in_of_an_initializer_is_the_shape_at_its_layer():
    checked = net(
        "conv(32) -> conv(4, init=normal(1 / in.channels)) -> g", "block g { conv(2, init=normal(1 / in.channels)) }"
    )
    assert [n.args.init.args.std for n in fine(checked).graph.nodes[2:]] == [1 / 32, 1 / 4]
    before = "block f(init) { conv(4, init=init) }"
    nodes = fine(net("f(normal(1 / in.channels)) -> f(normal(1 / in.channels))", before)).graph.nodes
    assert [n.args.init.args.std for n in nodes[1:]] == [1 / 8, 1 / 4]


def test_names_are_those_of_the_place_where_the_layer_was_written():
    before = "let c = 5\nblock f(inner, c=3) { inner -> conv(c) }"
    nodes = fine(net("let c = 7\nf(conv(c)) -> f(conv(c), c=9)", before)).graph.nodes
    assert [n.args.filters for n in nodes[1:]] == [7, 3, 7, 9]


def test_a_parameter_handed_on_through_blocks():
    before = (
        UNIT
        + """
    block outer(act, n=2) { repeat(n) { unit(4, act=act) } }
    block most(act) { outer(act -> tanh) }"""
    )
    assert layers(net("outer(gelu, 1)", before)) == ["conv", "batch_norm", "gelu"]
    assert layers(net("most(gelu)", before)) == 2 * ["conv", "batch_norm", "gelu", "tanh"]


def test_a_block_given_by_its_name():
    before = "block bottleneck(c) { conv(c, 1x1) -> conv(c) }\nblock stage(kind, c) { kind(c) -> kind(2 * c) }"
    assert shape("stage(bottleneck, 4)", before) == (8, 16, 16)
    assert layers(net("stage(bottleneck, 4)", before)) == ["conv"] * 4
    assert layers(net("stage(conv, 4)", before)) == ["conv"] * 2
    assert layers(net("stage(kind=bottleneck, c=4)", before)) == ["conv"] * 4


def test_a_layer_given_by_its_name_is_called_with_arguments_and_a_body():
    before = "block f(down, join=add) { down(2)\njoin { | identity | relu } }"
    assert shape("f(max_pool)", before) == (8, 8, 8)
    assert shape("f(avg_pool, join=concat)", before) == (16, 8, 8)
    assert layers(net("f(avg_pool, multiply)", before)) == ["avg_pool", "relu", "multiply"]


def test_a_layer_with_arguments_takes_no_more():
    checked = net("f(conv(4))", "block f(layer) { layer(3) }")
    assert only(checked).code == "E205"
    assert "conv(4)" in only(checked).message
    assert underlined(checked) == "layer(3)"
    assert codes(net("f(relu -> tanh)", "block f(layer) { layer { relu } }")) == ["E205"]


def test_a_parameter_with_a_layers_name():
    before = "block f(relu=gelu, conv=depthwise_conv) { conv(3x3) -> relu }\nblock g(relu=relu) { relu }"
    assert layers(net("f", before)) == ["depthwise_conv", "gelu"]
    assert layers(net("f(tanh)", before)) == ["depthwise_conv", "tanh"]
    assert layers(net("g -> g(silu)", before)) == ["relu", "silu"]
    assert layers(net("let relu = tanh\nrelu")) == ["tanh"]


def test_a_parameter_that_is_no_layer_where_one_is_used():
    checked = net("f(3)", "block f(layer) { relu -> layer -> relu }")
    assert only(checked).code == "E215"
    assert "3" in only(checked).message
    assert codes(net("f(3)", "block f(layer) { layer(4) }")) == ["E215"]
    assert codes(net("f(3x3)", "block f(layer) { layer }")) == ["E215"]
    assert codes(net("f([relu])", "block f(layer) { layer }")) == ["E215"]


def test_an_unknown_name_is_told_where_it_was_written():
    checked = net("unit(4, act=rleu) -> unit(4)", UNIT)
    assert only(checked).code == "E201"
    assert underlined(checked) == "rleu"
    assert "`relu`" in only(checked).help


def test_conditional_stages():
    before = "block f(e) { (identity if e == 1 else conv(e * in.channels, 1x1) -> relu) -> tanh }"
    assert layers(net("f(1)", before)) == ["tanh"]
    assert layers(net("f(2)", before)) == ["conv", "relu", "tanh"]
    assert layers(net("let expand = conv(4)\n(identity if in.channels == 8 else expand) -> relu")) == ["relu"]
    assert layers(net("(relu) -> (tanh -> gelu)")) == ["relu", "tanh", "gelu"]


def test_lists_of_layers():
    assert layers(net("for act in [relu, leaky_relu(0.1), tanh -> dropout] { act }")) == [
        "relu",
        "leaky_relu",
        "tanh",
        "dropout",
    ]
    body = "for (c, layer) in zip([4, 6], [conv, dense]) { layer(c) -> global_avg_pool }"
    assert layers(net("for (c, layer) in zip([4, 6], [conv, conv]) { layer(c) }")) == ["conv", "conv"]
    assert codes(net(body)) == ["E302"]


def test_an_index_of_a_list_of_layers_is_a_stage():
    before = "block f(acts, i) { relu -> (acts[i]) -> acts[0] }"
    assert layers(net("f([gelu, tanh], 1)", before)) == ["relu", "tanh", "gelu"]
    assert layers(net("[relu, tanh][1] -> [relu][0]")) == ["tanh", "relu"]


def test_layers_compare_by_what_was_written():
    before = "block f(norm) { if norm != identity { norm } else { relu } }"
    assert layers(net("f(identity)", before)) == ["relu"]
    assert layers(net("f(batch_norm)", before)) == ["batch_norm"]
    assert layers(net("f(group_norm(4))", before)) == ["group_norm"]
    same = "block f(a) { if a == leaky_relu(0.1) { relu } }"
    assert layers(net("f(leaky_relu(0.1)) -> f(leaky_relu( 0.1 )) -> f(leaky_relu(0.2)) -> f(relu)", same)) == ["relu"]


def test_a_let_sees_what_its_name_meant_before():
    assert layers(net("let act = relu\nlet act = act -> dropout\nact")) == ["relu", "dropout"]
    assert layers(net("let act = relu\nlet act = act -> tanh\nlet act = act -> gelu\nact")) == ["relu", "tanh", "gelu"]


def test_a_layer_keeps_the_names_that_it_was_written_with():
    nodes = fine(net("let c = 3\nlet layer = conv(c)\nlet c = 5\nlayer -> conv(c)")).graph.nodes
    assert [n.args.filters for n in nodes[1:]] == [3, 5]
    nodes = fine(net("f(4)", "block f(c) { let layer = conv(c)\nlet c = 2 * c\nlayer -> conv(c) }")).graph.nodes
    assert [n.args.filters for n in nodes[1:]] == [4, 8]


def test_a_layer_that_is_made_of_itself():
    checked = net("f", "let f = relu -> f")
    assert codes(checked) in (["E214"], ["E102"])


def test_layers_made_of_layers_without_end():
    lets = ["let a0 = relu", *(f"let a{i + 1} = a{i} -> a{i}" for i in range(60))]
    checked = net("a60", "\n".join(lets))
    assert codes(checked) == ["E214"]


def test_network_parameters_are_layers_too():
    text = "network N(act=relu, norm=batch_norm -> dropout) { input(3, 8x8)\nconv(4) -> norm -> act }"
    assert layers(spec(text)) == ["conv", "batch_norm", "dropout", "relu"]
    sets = ["network.act=leaky_relu(0.3) -> dropout", "network.norm=identity"]
    assert layers(spec(text, sets=sets)) == ["conv", "leaky_relu", "dropout"]


# ---- tensors that a layer given as an argument looks up

MERGE = "block merge(skip) { conv(8) -> as(x); concat { | identity | skip } }"


@pytest.mark.parametrize(
    ("body", "before"),
    [
        ("conv(32) -> as(x) -> merge(from(x))", MERGE),
        ("conv(32) -> as(x) -> merge(from(x) -> relu)", MERGE),
        ("conv(32) -> as(x) -> merge(skip=from(x) if true else identity)", MERGE),
        ("conv(32) -> as(x); let old = from(x); merge(old)", MERGE),
        ("conv(32) -> as(x) -> outer(from(x))", MERGE + "\nblock outer(skip) { conv(4) -> as(x) -> merge(skip) }"),
        ("conv(32) -> as(x) -> up", MERGE + "\nlet up = merge(from(x))"),
        ("default merge(skip=from(x))\nconv(32) -> as(x) -> merge", MERGE),
        ("as(x) -> conv(32) -> as(y) -> merge(repeat(1) { from(y) })", MERGE),
        ("conv(32) -> as(x) -> head(h) { merge(from(x)) -> flatten -> dense(3) }\nmerge(from(x))", MERGE),
    ],
)
def test_a_tensor_is_looked_up_where_the_layer_was_written(body, before):
    assert shape(body, before) == (40, 16, 16)


def test_a_layer_given_as_an_argument_crops_to_the_callers_tensor():
    before = "block cut(crop) { conv(8, padding=0) -> as(x); from(big) -> crop }"
    body = "as(big) -> conv(4, 5x5, padding=0) -> as(x) -> cut(crop_to(x))"
    assert shape(body, before) == (8, 12, 12)


def test_a_default_of_a_block_looks_into_the_block_itself():
    assert shape("as(x) -> f", "block f(skip=from(x)) { conv(5) -> as(x) -> conv(3) -> skip }") == (5, 16, 16)


def test_a_tensor_named_in_an_argument_is_named_where_that_was_written():
    before = "block f(inner) { inner -> conv(3) }"
    assert shape("f(conv(5) -> as(a)) -> from(a)", before) == (5, 16, 16)


def test_each_level_of_a_recursion_has_its_own_names():
    before = "block down(n) { if n > 0 { conv(n) -> as(x) -> down(n - 1) -> concat { | identity | from(x) } } }"
    assert shape("down(3)", before) == (1 + 1 + 2 + 3, 16, 16)
