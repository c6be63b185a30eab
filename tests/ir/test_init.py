"""`init=auto`: what follows a kernel decides how it starts."""

import math

import pytest

from specc.check import check
from specc.ir.graph import Graph
from specc.ir.init import choices, end_scale
from specc.ops import OPS
from specc.report.init import call_text
from specc.source import Source
from specc.syntax.format import format_source

HE, GLOROT, LECUN, SMALL = "he_normal", "glorot_uniform", "lecun_normal", "normal(0.01)"
LEAKY = "he_normal(slope=0.2)"


def graph_of(text: str) -> Graph:
    checked = check(Source("net.cnn", text))
    assert checked.graph is not None, checked.diagnostics
    return checked.graph


def network(body: str, end: str = "global_avg_pool -> dense(10)") -> Graph:
    return graph_of(f"network Net {{\ninput(8, 16x16)\n{body}\n{end}\n}}")


def inits(graph: Graph) -> dict[str, str]:
    """Of each layer with a kernel."""
    return {graph.nodes[index].name: call_text(choice.init) for index, choice in choices(graph).items()}


# What stands behind the first conv, and how that conv starts. `conv(8)` on a line of its own is one more kernel.
FIRST = {
    "relu": ("relu", HE),
    "relu6": ("relu6", HE),
    "leaky relu": ("leaky_relu(0.2)", LEAKY),
    "leaky relu of slope 0": ("leaky_relu(0)", HE),
    "prelu": ("prelu", "he_normal(slope=0.25)"),
    "gelu": ("gelu", HE),
    "silu": ("silu", HE),
    "mish": ("mish", HE),
    "hard_swish": ("hard_swish", HE),
    "elu": ("elu", HE),
    "softplus": ("softplus", HE),
    "selu": ("selu", LECUN),
    "tanh": ("tanh", GLOROT),
    "sigmoid": ("sigmoid", GLOROT),
    "hard_sigmoid": ("hard_sigmoid", GLOROT),
    "softmax in the middle": ("softmax", GLOROT),
    "another conv": ("conv(8)", LECUN),
    "another dense": ("global_avg_pool -> dense(8)", LECUN),
    "a norm": ("batch_norm -> relu", HE),
    "another norm": ("group_norm(4) -> tanh", GLOROT),
    "a norm alone": ("batch_norm -> conv(8)", LECUN),
    "a pool": ("max_pool(2) -> avg_pool(2) -> tanh", GLOROT),
    "flatten": ("flatten -> relu", HE),
    "dropout and noise": ("dropout(10%) -> gaussian_noise(0.1) -> relu", HE),
    "shapes": ("pixel_shuffle(2) -> upsample(2) -> channels(0, 2) -> selu", LECUN),
    "scales": ("scale(0.5) -> layer_scale -> relu", HE),
    "residual": ("residual { conv(8) } -> relu", HE),
    "the first activation decides": ("tanh -> relu", GLOROT),
    "an activation in a skip": ("residual { relu -> conv(8) }", HE),
    "add": ("add { | identity | tanh } -> conv(8)", GLOROT),
    "concat": ("concat { | relu | tanh }", HE),
    "saturating before linear": ("concat { | tanh | conv(4) }", GLOROT),
    "selu before saturating": ("concat { | tanh | selu }", LECUN),
    "rectifier before selu": ("concat { | selu | gelu }", HE),
    "the smaller slope": ("concat { | leaky_relu(0.2) | leaky_relu(0.5) }", LEAKY),
    "a merge of merges": ("add { | identity | batch_norm } -> concat { | identity | identity } -> relu", HE),
    "a gate beside it": ("multiply { | identity | global_avg_pool -> conv(8, 1x1) -> sigmoid } -> relu", HE),
    "a named tensor": ("as(x) -> tanh -> conv(8) -> add { | from(x) | identity } -> relu", HE),
    "a head": ("head(aux, 0.3) { relu -> global_avg_pool -> dense(10) } -> tanh", HE),
    "a head without an activation": ("head(aux, 0.3) { global_avg_pool -> dense(10) } -> tanh", GLOROT),
    "only the shape of it": ("as(x) -> tanh -> upsample(2) -> crop_to(x) -> relu", GLOROT),
}


@pytest.mark.parametrize(("behind", "expected"), FIRST.values(), ids=FIRST)
def test_what_follows_a_kernel_decides(behind: str, expected: str) -> None:
    end = "" if "dense(8)" in behind or "flatten" in behind else "global_avg_pool\n"
    assert inits(network(f"conv(8)\n{behind}", f"{end}dense(10)"))["conv1"] == expected


@pytest.mark.parametrize("layer", ["conv(8)", "depthwise_conv", "conv_transpose(8)", "dense(8)"])
def test_every_layer_with_a_kernel_has_it(layer: str) -> None:
    before = "global_avg_pool -> " if layer.startswith("dense") else ""
    end = "dense(10)" if before else "global_avg_pool -> dense(10)"
    for activation, expected in (("relu", HE), ("tanh", GLOROT), ("identity", LECUN)):
        [first, last] = inits(network(f"{before}{layer} -> {activation}", end)).values()
        assert (first, last) == (expected, SMALL)


def test_blocks_of_known_networks() -> None:
    """ResNet's, MobileNetV2's, ConvNeXt's and squeeze and excitation."""
    text = """\
block basic(c) {
  residual { conv(c) -> batch_norm -> relu -> conv(c) -> batch_norm }
  relu
}
block inverted(c) {
  residual {
    conv(4 * c, 1x1) -> batch_norm -> relu6 -> depthwise_conv -> batch_norm -> relu6
    conv(c, 1x1) -> batch_norm
  }
}
block next(c) {
  residual { depthwise_conv(7x7) -> layer_norm -> conv(4 * c, 1x1) -> gelu -> conv(c, 1x1) -> layer_scale }
}
block excite(c) {
  multiply { | identity | global_avg_pool -> conv(c // 4, 1x1) -> relu -> conv(c, 1x1) -> sigmoid }
}
network Net {
  input(8, 16x16)
  basic(8) -> inverted(8) -> inverted(8) -> next(8) -> excite(8)
  global_avg_pool -> dense(10)
}
"""
    assert list(inits(graph_of(text)).values()) == [
        *(HE, HE),
        *(HE, HE, LECUN),
        *(HE, HE, LECUN),
        *(LECUN, HE, LECUN),
        *(HE, GLOROT),
        SMALL,
    ]


# The end of a network, and how its kernels start.
ENDS = {
    "dense": ("flatten -> dense(10)", [SMALL]),
    "softmax": ("flatten -> dense(10) -> softmax", [SMALL]),
    "a conv, as in SqueezeNet": ("conv(10, 1x1) -> relu -> global_avg_pool -> softmax", [SMALL]),
    "a conv": ("conv(10, 1x1) -> global_avg_pool", [SMALL]),
    "a sum": ("add { | conv(10, 1x1) | relu -> conv(10, 1x1) }\nglobal_avg_pool", [SMALL, SMALL]),
    "a skip to the end": ("conv(10) -> residual { relu -> conv(10) }\nglobal_avg_pool", [HE, SMALL]),
    "a head": ("head(aux, 0.3) { flatten -> dense(10) } -> flatten -> dense(10)", [SMALL, SMALL]),
}


@pytest.mark.parametrize(("end", "expected"), ENDS.values(), ids=ENDS)
def test_kernels_that_give_the_logits_start_small(end: str, expected: list[str]) -> None:
    assert list(inits(network("conv(8) -> relu", end)).values()) == [HE, *expected]


@pytest.mark.parametrize("given", ["he_normal", "torch_uniform", "constant(0)", "dirac(he_normal)"])
def test_what_is_written_wins(given: str) -> None:
    graph = network(f"conv(8, init={given}) -> tanh", f"global_avg_pool -> dense(10, init={given})")
    assert list(inits(graph).values()) == [given, given]
    assert all(choice.written for choice in choices(graph).values())


def test_auto_may_be_written_and_undoes_a_default() -> None:
    graph = network("default conv(init=he_uniform)\nconv(8) -> relu\nconv(8, init=auto) -> relu")
    assert list(inits(graph).values()) == ["he_uniform", HE, SMALL]
    graph = graph_of("network Net(init=auto) { input(8, 4x4) -> conv(8, init=init) -> tanh -> flatten -> dense(2) }")
    assert list(inits(graph).values()) == [GLOROT, SMALL]


def test_who_decides_is_named() -> None:
    graph = network("conv(8) -> batch_norm\nconcat { | tanh | batch_norm -> relu | conv(8) }\nconv(8)")
    choice = choices(graph)[1]
    assert [graph.nodes[follower.node].name for follower in choice.followers] == ["relu1", "tanh1", "conv2"]
    assert not choice.written and not choice.gives_logits


def test_a_deep_dense_graph_takes_linear_work() -> None:
    body = "conv(8)\nrepeat(300) { concat { | identity | conv(1) } }"
    graph = network(body)
    assert set(list(inits(graph).values())[:-1]) == {LECUN}
    assert all(len(choice.followers) <= 1 for choice in choices(graph).values())


def test_every_activation_says_what_it_is_to_a_kernel() -> None:
    for op in OPS.values():
        args = check(Source("net.cnn", f"network Net {{ input(8, 4x4) -> {op.name} }}")).graph
        if op.group == "activation":
            assert args is not None
            assert op.activity(args.nodes[1].args) is not None, op.name
        elif args is not None and len(args.nodes) == 2:
            assert op.activity(args.nodes[1].args) is None, op.name


def test_the_scale_of_the_last_kernel() -> None:
    """0.01 over he_normal's deviation, where `auto` chose it."""
    assert end_scale(network("conv(8) -> relu")) == pytest.approx(0.01 / math.sqrt(2 / 8))
    assert end_scale(network("conv(8) -> relu", "flatten -> dense(10, init=normal(0.01))")) == 1
    assert end_scale(network("relu", "")) == 1


def test_fan_in_is_written_with_a_word_that_is_otherwise_a_keyword() -> None:
    text = """\
network Net(fan=in) {
  input(8, 4x4)
  conv(8, init=he_normal(fan=in))
  conv(8, init=glorot_uniform(fan=fan))
  conv(in.channels, init=he_uniform(out, slope=0.1))
}
"""
    assert list(inits(graph_of(text)).values()) == [HE, "glorot_uniform(in)", "he_uniform(out, slope=0.1)"]
    assert format_source(Source("net.cnn", text)).text == text


def test_all_uses_of_a_shared_kernel_count() -> None:
    """A rectifier behind one of them decides; it gives the logits only where no use leads on."""
    body = "shared c = conv(8)\nc -> tanh -> c -> relu -> c"
    assert list(inits(network(body)).values()) == [HE, SMALL]
    assert list(inits(network("shared c = conv(8)\nc -> tanh -> c", "global_avg_pool")).values()) == [GLOROT]
    both = "shared c = conv(10)\nadd { | c | relu -> c }"
    assert list(inits(network(both, "global_avg_pool")).values()) == [SMALL]
    graph = network(body)
    assert len({str(node.args.init) for node in graph.nodes if node.op.name == "conv"}) == 1
