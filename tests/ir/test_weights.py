"""Weights by name, as the modules have them, and the selectors that pick them."""

from pathlib import Path

import pytest
import torch

from specc.backend.build import build
from specc.check import check
from specc.ir.weights import selected, selectors_of, weights_of
from specc.source import Source

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.cnn"))
EVERY = """
block unit(c) { conv(c) -> batch_norm(scale=false) -> prelu }
block unite { conv_transpose(4) }
network Net {
  input(3, 16x16)
  unit(4) -> unit(8)
  depthwise_conv -> instance_norm(shift=false) -> layer_scale
  group_norm(groups=2, scale=false, shift=false) -> layer_norm
  head(side, 0.3) { conv(4, trainable=false) -> global_avg_pool -> dense(10) }
  unite
  add { | conv(4, bias=false) -> local_response_norm(3) | identity }
  global_avg_pool -> dense(10) -> scale(1 / 9) -> softmax
}
"""


@pytest.mark.parametrize("text", [EVERY, *(path.read_text() for path in EXAMPLES)], ids=lambda text: text[:20])
def test_names_and_what_learns_are_those_of_the_modules(text: str) -> None:
    graph = check(Source("net.cnn", text)).graph
    assert graph is not None
    with torch.device("meta"):
        net = build(graph)
    found = {weight.name: (weight.learns, weight.spec.shape) for weight in weights_of(graph)}
    expected = {name: (weight.requires_grad, tuple(weight.shape)) for name, weight in net.named_parameters()}
    assert found == expected
    assert graph.parameters == sum(weight.numel() for weight in net.parameters())


PICKED = {
    "kernels": "unit1.conv1.weight unit2.conv1.weight depthwise_conv1.weight side.conv1.weight side.dense1.weight "
    "unite1.conv_transpose1.weight conv1.weight dense1.weight",
    "biases": "side.conv1.bias side.dense1.bias unite1.conv_transpose1.bias dense1.bias",
    "biases.bias": "side.conv1.bias side.dense1.bias unite1.conv_transpose1.bias dense1.bias",
    "biases.weight": "",
    "norms": "unit1.batch_norm1.bias unit2.batch_norm1.bias instance_norm1.weight layer_norm1.weight layer_norm1.bias",
    "norms.bias": "unit1.batch_norm1.bias unit2.batch_norm1.bias layer_norm1.bias",
    "unit": "unit1.conv1.weight unit1.batch_norm1.bias unit1.prelu1.weight "
    "unit2.conv1.weight unit2.batch_norm1.bias unit2.prelu1.weight",
    "unit2": "unit2.conv1.weight unit2.batch_norm1.bias unit2.prelu1.weight",
    "unit.conv": "unit1.conv1.weight unit2.conv1.weight",
    "unit.bias": "unit1.batch_norm1.bias unit2.batch_norm1.bias",
    "unit1.prelu1": "unit1.prelu1.weight",
    "dense1.bias": "dense1.bias",
    "dense": "dense1.weight dense1.bias",
    "side.dense1": "side.dense1.weight side.dense1.bias",
    "layer_scale1": "layer_scale1.weight",
    "uni": "",
    "unit3": "",
    "bias": "",
    "unit1.conv1.weight.weight": "",
    "": "",
}


@pytest.mark.parametrize("selector", PICKED)
def test_selectors(selector: str) -> None:
    graph = check(Source("net.cnn", EVERY)).graph
    assert graph is not None
    weights = weights_of(graph)
    assert {weight.name for weight in selected([selector], weights)} == set(PICKED[selector].split())


def test_every_selector_that_is_offered_picks_something() -> None:
    graph = check(Source("net.cnn", EVERY)).graph
    assert graph is not None
    weights = weights_of(graph)
    assert all(selected([name], weights) for name in selectors_of(weights))


def test_the_last_kernels_are_those_of_the_classifiers() -> None:
    graph = check(Source("net.cnn", EVERY)).graph
    assert graph is not None
    assert {weight.name for weight in weights_of(graph) if weight.is_last} == {"dense1.weight", "side.dense1.weight"}
