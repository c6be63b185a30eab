"""W501 to W503: initialization, activations, and what is predicted of the gradient."""

from types import SimpleNamespace
from typing import Any

import pytest

from specc.check.lint import vanishing
from tests.helpers.linting import codes, linted, net


def stack(activation: str, init: str, depth: int, norm: str = "identity") -> str:
    return net(f"repeat({depth}) {{ conv(32, init={init}) -> {norm} -> {activation} }}")


@pytest.mark.parametrize("activation", ["sigmoid", "hard_sigmoid"])
def test_a_deep_stack_of_sigmoids_vanishes(activation):
    assert codes(stack(activation, "glorot_uniform", 8)) == ["W501"]


@pytest.mark.parametrize(
    "text",
    [
        stack("sigmoid", "glorot_uniform", 2),  # not deep enough
        stack("sigmoid", "glorot_uniform", 12, norm="batch_norm"),
        stack("tanh", "glorot_uniform", 12),  # its slope at zero is 1
        stack("relu", "he_normal", 30),
        net("conv(32)\nrepeat(12) { residual { conv(32, init=glorot_uniform) -> sigmoid } }"),
    ],
)
def test_what_does_not_vanish(text):
    assert codes(text) == []


def test_the_prediction_is_said_and_depends_on_the_graph():
    [eight] = linted(stack("sigmoid", "glorot_uniform", 8))
    [ten] = linted(stack("sigmoid", "glorot_uniform", 10))
    assert "2e-05" in eight.message and "8e-07" in ten.message
    assert "8 of `sigmoid`" in eight.label and "10 of `sigmoid`" in ten.label


def test_gates_are_no_stack():
    gate = "multiply { | identity | global_avg_pool -> conv(8, 1x1) -> relu -> conv(in.channels, 1x1) -> sigmoid }"
    unit = (
        f"residual {{ conv(32) -> batch_norm -> relu -> conv(32) -> batch_norm\n{gate.replace('in.channels', '32')} }}"
    )
    assert codes(net(f"conv(32) -> batch_norm -> relu\nrepeat(8) {{ {unit}\nrelu }}")) == []


def test_a_variant_is_named_once():
    text = net("repeat(depth) { conv(32, init=glorot_uniform) -> act }").replace(
        "network Net", "network Net(act=relu, depth=8)"
    )
    variants = "variant old { network.act = sigmoid }\nvariant older extends old { network.depth = 9 }"
    [found] = linted(text + variants)
    assert (found.code, found.notes[-1]) == ("W501", "in variant old")


def test_glorot_before_relu_counts_in_a_deep_stack_only():
    assert codes(stack("relu", "glorot_uniform", 6)) == []
    [found] = linted(stack("relu", "glorot_normal", 12))
    assert found.code == "W502" and "12 layers" in found.label
    assert found.span.text == "glorot_normal"


@pytest.mark.parametrize("norm", ["batch_norm", "group_norm(8)", "layer_norm"])
def test_a_norm_restores_what_glorot_leaves(norm):
    assert codes(stack("relu", "glorot_uniform", 12, norm)) == []
    assert codes(net(f"repeat(12) {{ conv(32, init=glorot_uniform) -> relu -> {norm} }}")) == []


def test_skips_carry_the_signal_past_glorot():
    assert codes(net("conv(32)\nrepeat(12) { residual { conv(32, init=glorot_uniform) -> relu } }")) == []


def test_he_before_tanh():
    text = net("repeat(3) { conv(32, init=he_normal) -> tanh }")
    [found] = linted(text)
    assert found.code == "W503" and found.label == "3 layers are initialized this way"
    assert codes(text.replace("he_normal", "glorot_uniform")) == []
    assert codes(text.replace(", init=he_normal", "")) == []
    assert codes(text.replace("tanh", "batch_norm -> tanh")) == []


def test_he_before_a_gate_or_at_the_end_is_no_matter():
    gate = "multiply { | identity | global_avg_pool -> conv(32, 1x1, init=he_normal) -> sigmoid }"
    assert codes(net(f"conv(32) -> relu\n{gate}\nconv(32) -> relu")) == []
    assert codes(net("conv(32) -> relu", end="flatten -> dense(10, init=he_normal) -> sigmoid")) == []


def test_where_the_gradient_vanishes_nothing_is_said_of_he():
    assert codes(stack("sigmoid", "he_normal", 12)) == ["W501"]


@pytest.mark.parametrize("number", ["1e200", "1e-300"])
def test_numbers_beyond_all_bounds_are_no_defect(number):
    assert set(codes(net(f"scale({number}) -> conv(8, init=normal({number})) -> sigmoid -> conv(8) -> sigmoid"))) <= {
        "W501",
        "W503",
    }


def test_a_network_without_kernels():
    assert codes(net("sigmoid -> tanh", end="")) == []


@pytest.mark.parametrize(("ratio", "count"), [(0.000999, 1), (0.001, 0), (0.5, 0)])
def test_a_thousandth_of_the_gradient_is_enough(ratio, count):
    sigmoid = SimpleNamespace(op=SimpleNamespace(saturates=True, name="sigmoid"), index=1, span=None)
    network: Any = SimpleNamespace(
        trunk=[sigmoid], graph=SimpleNamespace(output=2), signal=SimpleNamespace(gradient_ratio=ratio)
    )
    assert len(list(vanishing.find(network))) == count


def test_six_sigmoids_are_too_many_and_five_are_not():
    assert codes(stack("sigmoid", "glorot_uniform", 5)) == []
    assert codes(stack("sigmoid", "glorot_uniform", 6)) == ["W501"]
