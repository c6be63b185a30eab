"""Shared layers in `show` and `diff`: whose weights a use takes, and what sharing changes."""

from specc.report.diff import compare
from specc.report.layers import layers_json, layers_table
from tests.helpers.checking import fine, net

BODY = "m -> max_pool -> m"


def test_table_names_the_layer_whose_weights_are_used():
    checked = net(BODY, "shared m = conv(8) -> relu")
    table = layers_table(checked, fine(checked).graph)
    [first] = [line for line in table.splitlines() if line.startswith("m1.conv1 ")]
    [second] = [line for line in table.splitlines() if line.startswith("m2.conv1 = m1.conv1 ")]
    assert "584" in first and "584" not in second
    assert "m2.relu1 =" not in table
    assert "584 parameters" in table.splitlines()[-1]


def test_json():
    checked = net(BODY, "shared m = conv(8) -> relu")
    layers = {layer["name"]: layer for layer in layers_json(checked, fine(checked).graph)["layers"]}
    assert layers["m1.conv1"]["weights_of"] is layers["m2.relu1"]["weights_of"] is None
    assert layers["m2.conv1"]["weights_of"] == "m1.conv1"
    assert (layers["m1.conv1"]["parameters"], layers["m2.conv1"]["parameters"]) == (584, 0)
    assert layers["m2.conv1"]["macs"] * 4 == layers["m1.conv1"]["macs"]


def test_diff_tells_shared_weights_from_those_of_a_layer():
    shared, block = "shared m = conv(8, init=he_normal) -> relu", "block m { conv(8, init=he_normal) -> relu }"
    difference = compare(net(BODY, shared), net(BODY, block))
    [change] = difference.layers
    assert change.b is not None
    assert change.b.name == "m2.conv1"
    assert [(c.name, c.a, c.b) for c in change.arguments] == [("weights of", "m1.conv1", None)]
    assert compare(net(BODY, "shared m = conv(8)"), net(BODY, "shared m = conv(8)")).is_empty
