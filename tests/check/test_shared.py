"""`shared`: layers whose weights all uses share. What they become, what they count, and what cannot be shared."""

import pytest

from specc.ir.weights import frozen_norms, learning, selected, statistics_of, weights_of
from specc.source import Source
from specc.syntax.format import format_source
from tests.helpers.checking import codes, fine, layers, net, only, shape, spec

CBAM = """
block cbam(c) {
  shared mlp = conv(c // 2, 1x1) -> relu -> conv(c, 1x1)
  multiply {
    | identity
    | add { | global_avg_pool -> mlp | global_max_pool -> mlp } -> sigmoid
  }
}
"""


def owners(body: str, before: str = "") -> dict[str, str]:
    """For each layer with weights, the layer that holds them."""
    graph = fine(net(body, before)).graph
    return {node.name: node.owner.name for node in graph.nodes if graph.weights(node)}


def test_uses_share_one_set_of_weights():
    graph = fine(net("cbam(8)", CBAM)).graph
    assert owners("cbam(8)", CBAM) == {
        "cbam1.mlp1.conv1": "cbam1.mlp1.conv1",
        "cbam1.mlp1.conv2": "cbam1.mlp1.conv2",
        "cbam1.mlp2.conv1": "cbam1.mlp1.conv1",
        "cbam1.mlp2.conv2": "cbam1.mlp1.conv2",
    }
    weights = 2 * 4 * 8 + 4 + 8
    assert graph.parameters == weights
    assert graph.total_macs == 2 * 2 * 4 * 8, "each use is worked out"
    assert [weight.name for weight in weights_of(graph)] == [
        *("cbam1.mlp1.conv1.weight", "cbam1.mlp1.conv1.bias", "cbam1.mlp1.conv2.weight", "cbam1.mlp1.conv2.bias")
    ]


def test_one_set_for_each_time_the_statement_runs():
    assert len(set(owners("cbam(8) -> cbam(8)", CBAM).values())) == 4
    assert len(set(owners("f -> f", "shared m = conv(8)\nblock f { m -> m }").values())) == 1
    assert len(set(owners("repeat(2) { shared m = conv(8); m -> m }").values())) == 2
    assert len(set(owners("f(m) -> m", "shared m = conv(8)\nblock f(layer) { layer -> layer }").values())) == 1
    assert len(set(owners("a -> b", "shared m = conv(8)\nlet a = m -> relu\nshared b = m").values())) == 1
    assert len(set(owners("a -> a", "let a = conv(8)").values())) == 2


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("shared m = relu", ["relu", "relu"]),
        ("shared relu = relu -> tanh", ["relu", "tanh"] * 2),
        ("shared m = (conv(8) if in.channels == 8 else tanh)", ["conv", "conv"]),
        ("shared m = unit", ["conv", "relu"] * 2),
        ("shared m = unit -> identity", ["conv", "relu"] * 2),
        ("shared m = residual { conv(8) }", ["conv", "add"] * 2),
        ("shared m = conv(8) -> as(x) -> add { | relu | from(x) }", ["conv", "relu", "add"] * 2),
        ("shared   m\t= identity", []),
    ],
)
@pytest.mark.parametrize("place", ["file", "body", "before input"])
def test_what_may_be_shared(statement, expected, place):
    name = statement.split()[1]
    if place == "file" and ("in.channels" in statement or name == "relu"):
        return
    before = f"{statement if place == 'file' else ''}\nblock unit {{ conv(8) -> relu }}"
    if place == "before input":
        if "in.channels" in statement:
            return
        checked = spec(f"{before}\nnetwork Net {{\n{statement}\ninput(8, 16x16)\n{name} -> {name}\n}}\n")
    else:
        checked = net(f"{statement if place == 'body' else ''}\n{name} -> {name}", before)
    assert layers(checked) == expected


def test_arguments_are_worked_out_at_the_first_use():
    body = "m -> max_pool(2) -> m"
    graph = fine(net(body, "shared m = conv(8, 3x3, dilation=in.height // 8)")).graph
    assert [node.args.dilation for node in graph.nodes if node.op.name == "conv"] == [(2, 2), (2, 2)]
    assert fine(net("conv(4) -> m -> m", "shared m = conv(in.channels)")).graph.shape == (4, 16, 16)


def test_shared_is_no_reserved_word():
    assert layers(net("f(relu)", "block f(shared) { shared -> shared }")) == ["relu", "relu"]
    assert layers(net("let shared = tanh\nshared\nconv(3, 1x1) -> shared")) == ["tanh", "conv", "tanh"]
    assert shape("shared shared = conv(8) -> relu\nshared -> shared") == (8, 16, 16)
    assert codes(net("shared = conv(8)")) == ["E101"]
    assert codes(net("shared a == conv(8)")) == ["E101"]
    assert codes(net("f(shared=relu)", "block f(shared) { shared }")) == []


def test_names_inside_are_their_own():
    body = "m -> m -> from(x)"
    assert only(net(body, "shared m = conv(4) -> as(x) -> conv(8)")).code == "E219"
    assert shape("conv(3) -> as(x) -> conv(8) -> m -> from(x)", "shared m = as(x) -> conv(8) -> from(x)")[0] == 3


@pytest.mark.parametrize(
    ("body", "before", "code", "at", "labels"),
    [
        ("m -> conv(4) -> m", "shared m = conv(8)", "E320", "m", ["first use: `conv1.weight` is 8 x 8 x 3 x 3"]),
        ("m -> conv(4) -> m", "shared m = relu -> batch_norm", "E320", "m", ["first use: `batch_norm1.weight` is 8"]),
        ("m -> global_avg_pool -> flatten -> m", "shared m = batch_norm", "E321", "m",
         ["first use: its input is 8 x 16 x 16"]),
        ("m -> flatten -> m", "shared m = conv(8)", "E302", "conv(8)", None),
        ("m -> max_pool -> m", "shared m = conv(8) -> expect(8, 16x16)", "E305", "16x16", None),
        ("m -> max_pool -> m", "shared m = u\nblock u { v -> v }\nblock v { conv(8) -> expect(8, 16) }", "E305", "16",
         None),
        ("m -> m", "shared m = conv(8) -> m", "E230", "m", None),
        ("m -> m", "shared m = u\nblock u { conv(8) -> m }", "E230", "m", None),
        ("as(x) -> conv(8) -> m -> m", "shared m = add { | relu | from(x) }", "E231", "from(x)", None),
        ("as(x) -> m -> m", "shared m = add { | relu | from(x) }", "E231", "from(x)", None),
        ("as(x) -> f(from(x))", "block f(l) { shared m = conv(8) -> l\nm -> m }", "E231", "from(x)", None),
        ("as(x) -> conv(8) -> m -> m", "shared m = from(x)", "E231", "from(x)", None),
        ("m -> m", "shared m = head(a) { relu }", "E232", "m", None),
        ("m", "shared m = 3", "E215", "3", None),
        ("m", "shared m = [relu]", "E215", "[relu]", None),
        ("m -> m(3)", "shared m = conv(8)", "E205", "m(3)", None),
        ("m -> m", "shared m = conf(8)", "E201", "conf", None),
    ],
)  # fmt: skip
def test_what_cannot_be_shared(body, before, code, at, labels):
    checked = net(body, before)
    if code == "E201":
        assert set(codes(checked)) == {code}
        return
    problem = only(checked)
    assert (problem.code, problem.span.text) == (code, at)
    if labels is not None:
        assert [label.text for label in problem.labels] == labels
        assert problem.label
        assert "`let`" in problem.help


def test_a_shared_name_is_given_once():
    assert codes(net("m", "shared m = relu\nlet m = tanh")) == ["E209"]
    assert codes(net("m", "shared m = relu\nshared m = tanh")) == ["E209"]


@pytest.mark.parametrize(
    ("body", "has_bias"),
    [
        ("m -> batch_norm -> m -> batch_norm", False),
        ("m -> batch_norm -> m", True),
        ("m -> relu -> m -> batch_norm", True),
    ],
)
def test_bias_auto_looks_at_all_uses(body, has_bias):
    graph = fine(net(body, "shared m = conv(8)")).graph
    assert [node.args.bias for node in graph.nodes if node.op.name == "conv"] == [has_bias, has_bias]


def test_a_use_that_leads_nowhere_holds_no_weights():
    graph = fine(net("as(x) -> m\nfrom(x) -> relu -> m -> m", "shared m = conv(8)")).graph
    assert [node.name for node in graph.nodes if node.op.name == "conv"] == ["m2.conv1", "m3.conv1"]
    assert [weight.name for weight in weights_of(graph)] == ["m2.conv1.weight", "m2.conv1.bias"]


def test_an_auxiliary_classifier_may_use_them_first():
    body = "head(aux) { global_avg_pool -> m } -> global_avg_pool -> m"
    graph = fine(net(body, "shared m = conv(5, 1x1)")).graph
    assert graph.parameters == graph.parameters_exported == 45
    alone = fine(net("head(aux) { global_avg_pool -> m -> m } -> relu", "shared m = conv(8, 1x1)")).graph
    assert (alone.parameters, alone.parameters_exported) == (72, 0)


def test_selectors_pick_shared_weights_once():
    graph = fine(net("m -> m -> conv(4)", "shared m = conv(8) -> batch_norm")).graph
    weights = weights_of(graph)
    assert [w.name for w in selected(["m"], weights)] == [
        "m1.conv1.weight", "m1.batch_norm1.weight", "m1.batch_norm1.bias",
    ]  # fmt: skip
    assert [w.name for w in selected(["kernels"], weights)] == ["m1.conv1.weight", "conv1.weight"]
    assert [w.name for w in learning(weights, ["m"])] == ["conv1.weight", "conv1.bias"]
    assert {w.layer for w in statistics_of(graph)} == {"m1.batch_norm1"}
    assert frozen_norms(graph, ["norms"]) == ["m1.batch_norm1"]
    assert [w.is_last for w in weights if w.kind == "kernel"] == [False, True]


def test_a_last_kernel_is_one_where_any_use_is():
    graph = fine(net("m -> m", "shared m = conv(8)")).graph
    assert [w.is_last for w in weights_of(graph)] == [True, False]


def test_layout():
    text = "shared   a=conv(8)->relu\nnetwork Net { input(8, 16x16); shared b = (a if true\nelse relu); a -> b }\n"
    once = format_source(Source("net.cnn", text)).text
    assert once is not None
    assert once.startswith("shared a = conv(8) -> relu\n")
    assert "shared b = (" in once
    assert format_source(Source("net.cnn", once)).text == once
    long = f"shared a = {' -> '.join(['conv(64, 3x3, stride=1)'] * 9)}\n"
    assert max(map(len, (format_source(Source("net.cnn", long)).text or "").splitlines())) <= 120


def test_a_variant_has_its_own_set():
    text = (
        "shared m = conv(8)\nblock u(n) { repeat(n) { m } }\n"
        "network Net(n=1) { input(8, 16x16); u(n) }\nvariant deep { network.n = 3 }\n"
    )
    assert fine(spec(text)).graph.total_macs * 3 == fine(spec(text, variant="deep")).graph.total_macs
    assert fine(spec(text)).graph.parameters == fine(spec(text, variant="deep")).graph.parameters
    assert "shared m = conv(8)" in spec(text, variant="deep").resolved


def test_a_shared_name_that_is_never_used():
    text = "shared m = conv(8)\nnetwork Net { input(8, 16x16); shared n = relu; conv(8) -> relu }\n"
    found = [(d.code, d.span.text) for d in spec(text, everything=True).diagnostics if d.code == "W515"]
    assert found == [("W515", "m"), ("W515", "n")]


def test_names_in_shared_layers_that_do_not_run():
    text = "block b { shared m = conv(8); m -> relu }\nnetwork Net { input(8, 16x16); conv(8) -> relu }\n"
    assert codes(spec(text, everything=True)) == []
