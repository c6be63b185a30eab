"""Figures and limits in what is said of an exported file, at their bounds."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from onnx import TensorProto, numpy_helper
from torch import nn

from specc.backend.build import build
from specc.backend.onnx.builder import Builder
from specc.backend.onnx.first_divergence import find_parting
from specc.backend.onnx.lower import lower
from specc.backend.onnx.model_file import CERTIFICATE, CLASSES, INPUT, LONGEST, read_model
from specc.backend.onnx.not_finite import first_not_finite
from specc.backend.onnx.write import Written, check_graph
from specc.errors import SpeccError
from tests.helpers.graphs import make_chain
from tests.helpers.tiny_model import KERNEL, sealed, tiny_body


@pytest.mark.parametrize(
    ("size", "is_one"),
    [([1, 1], True), ([1, LONGEST], True), ([0, 4], False), ([4, -1], False), ([4, LONGEST + 1], False)],
)
def test_a_side_has_one_pixel_or_more_and_an_end(tmp_path: Path, size: list[int], is_one: bool) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(sealed(tiny_body({INPUT: json.dumps({"channels": 3, "size": size})})))
    if is_one:
        assert read_model(path).size == tuple(size)
    else:
        with pytest.raises(SpeccError) as caught:
            read_model(path)
        assert caught.value.code == "E451"


@pytest.mark.parametrize(
    "metadata", [{CLASSES: "[1]"}, {CLASSES: '"cat"'}, {CLASSES: "{}"}, {CERTIFICATE: "[]"}, {CERTIFICATE: '"x"'}]
)
def test_classes_are_texts_and_a_certificate_is_a_table(tmp_path: Path, metadata: dict[str, str]) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(tiny_body())
    assert read_model(path).certificate is None
    path.write_bytes(tiny_body(metadata))
    with pytest.raises(SpeccError) as caught:
        read_model(path)
    assert caught.value.code == "E451"


def test_where_numbers_are_not_finite_first_and_how_large_they_were(tmp_path: Path) -> None:
    kernel = KERNEL.copy()
    kernel[0, 0] = np.nan
    path = tmp_path / "model.onnx"
    path.write_bytes(sealed(tiny_body(kernel=kernel)))
    images = np.zeros((2, 3, 4, 4), np.uint8)
    images[1, 2, 0, 1] = 255
    text = first_not_finite(read_model(path), images)
    assert text == "in the output of the node `logits` (MatMul), its input up to 1"
    path.write_bytes(sealed(tiny_body()))
    assert first_not_finite(read_model(path), images) == ""


@pytest.mark.parametrize(("apart", "parts"), [(1.0, False), (1.5, True)])
def test_a_layer_of_zeros_is_held_against_the_tolerance_itself(apart: float, parts: bool) -> None:
    """It has no scale of its own."""
    graph = make_chain((2, 1, 1), ("scale", {"value": 0.0}), ("dense", {"units": 2}))
    net = build(graph).eval()
    g = Builder(20)
    images = g.input("images", TensorProto.FLOAT, ["N", *graph.input])
    lowered = lower(graph, {key: value.numpy() for key, value in net.state_dict().items()}, g, images)
    g.output(g.node("Identity", [lowered.logits], name="logits"), ["N", 2])
    model = g.model("Net")
    [first] = [node for node in model.graph.node if node.name == "scale1"]
    del first.input[:]
    first.input.extend(["images", "apart"])
    tolerance = 2.0**-10
    model.graph.initializer.append(numpy_helper.from_array(np.array(apart * tolerance, np.float32), "apart"))
    written = Written(model, lowered.values, lowered.folded, {})
    with torch.no_grad():
        found = find_parting(written, net, nn.Identity(), np.ones((1, 2, 1, 1), np.float32), tolerance)
    assert (found is not None and found.node is not None and found.node.name == "scale1") == parts
    assert not any(module._forward_hooks for module in net.modules()), "the network is left as it was"


def test_a_graph_that_is_not_sound_is_an_error() -> None:
    g = Builder(20)
    g.output(g.node("Relu", [g.input("x", TensorProto.FLOAT, ["N", 2])], name="y"), ["N", 2])
    check_graph(g.model("Net"))
    unsound = g.model("Net")
    unsound.graph.node[0].input[0] = "nowhere"
    with pytest.raises(SpeccError, match="the exported graph is invalid") as caught:
        check_graph(unsound)
    assert (caught.value.code, caught.value.status) == ("E457", 1)
