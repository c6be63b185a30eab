"""Batch norms disappear into the layers before them, and only where nothing else needs those."""

from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto, numpy_helper

from specc.backend.build import build
from specc.backend.initialize import initialize
from specc.backend.onnx.builder import Builder
from specc.backend.onnx.fold import fold_norms
from specc.backend.onnx.lower import lower
from specc.ir.graph import Graph
from specc.values import Size


def compared(graph: Graph, **changes: float) -> tuple[list[str], float, dict[str, str]]:
    """The kinds of nodes, the largest difference in parts of the output's scale, and what was folded.

    changes: values that parts of the state get, by the end of their names.
    """
    net = build(graph).eval()
    initialize(net, 0)
    draw = torch.Generator().manual_seed(3)
    for key, value in net.state_dict().items():
        if value.is_floating_point():
            value.copy_(torch.rand(value.shape, generator=draw) + 0.25)
        for part, number in changes.items():
            if key.endswith(part):
                value.fill_(number)
    g = Builder(20)
    x = g.input("x", TensorProto.FLOAT, ["N", *graph.input])
    lowered = lower(graph, {key: value.numpy() for key, value in net.state_dict().items()}, g, x)
    images = torch.rand(3, *graph.input, generator=draw)
    with torch.no_grad():
        expected = net(images).numpy()
    g.output(g.node("Identity", [lowered.logits], name="y"), ["N", *expected.shape[1:]])
    model = g.model("Hand")
    onnx.checker.check_model(model, full_check=True)
    assert all(np.isfinite(numpy_helper.to_array(tensor)).all() for tensor in model.graph.initializer)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {"x": images.numpy()})
    kinds = [node.op_type for node in model.graph.node if node.op_type != "Identity"]
    return kinds, float(np.abs(found - expected).max() / np.abs(expected).max()), lowered.folded


CONV = {"filters": 4, "bias": False}
LINEAR = [
    ((3, 6, 6), "conv", CONV, ["Conv"]),
    ((3, 6, 6), "conv", CONV | {"bias": True, "stride": Size(2, 2)}, ["Conv"]),
    ((4, 6, 6), "conv", CONV | {"groups": 2}, ["Conv"]),
    ((4, 6, 6), "depthwise_conv", {"multiplier": 2}, ["Conv"]),
    ((3, 6, 6), "conv_transpose", {"filters": 5}, ["ConvTranspose"]),
    ((3, 6, 6), "conv_transpose", {"filters": 5, "bias": False}, ["ConvTranspose"]),
    ((4, 6, 6), "conv_transpose", {"filters": 6, "groups": 2, "bias": False}, ["ConvTranspose"]),
    ((4, 6, 6), "ws_conv", {"filters": 6, "gain": True}, ["Conv"]),
    ((7,), "dense", {"units": 5}, ["Gemm"]),
    ((7, 1, 1), "dense", {"units": 5, "bias": False}, ["Flatten", "Gemm"]),
]


@pytest.mark.parametrize(("shape", "op", "given", "kinds"), LINEAR)
@pytest.mark.parametrize("norm", [{}, {"scale": False}, {"shift": False}, {"scale": False, "shift": False, "eps": 0.1}])
def test_norm_after_a_linear_layer_is_folded(
    graph_of: Any, shape: Any, op: str, given: dict[str, Any], kinds: list[str], norm: dict[str, Any]
) -> None:
    graph = graph_of(shape, [("linear", op, given, (0,)), ("norm", "batch_norm", norm, (1,))])
    found, apart, folded = compared(graph)
    assert found == kinds and apart <= 1e-5
    assert folded == {"norm": "linear"}


def test_norm_of_what_others_need_too_stays(graph_of: Any) -> None:
    layers = [("conv", "conv", CONV, (0,)), ("norm", "batch_norm", {}, (1,)), ("add", "add", {}, (1, 2))]
    kinds, apart, folded = compared(graph_of((3, 6, 6), layers))
    assert kinds == ["Conv", "BatchNormalization", "Add"] and apart <= 1e-5 and folded == {}


def test_norm_after_something_else_stays(graph_of: Any) -> None:
    layers = [("conv", "conv", CONV, (0,)), ("act", "relu", {}, (1,)), ("norm", "batch_norm", {}, (2,))]
    kinds, apart, folded = compared(graph_of((3, 6, 6), layers))
    assert kinds == ["Conv", "Relu", "BatchNormalization"] and apart <= 1e-5 and folded == {}


def test_dropout_between_is_no_hindrance(graph_of: Any) -> None:
    layers = [("conv", "conv", CONV, (0,)), ("drop", "dropout", {}, (1,)), ("norm", "batch_norm", {}, (2,))]
    kinds, apart, folded = compared(graph_of((3, 6, 6), layers))
    assert kinds == ["Conv"] and apart <= 1e-5 and folded == {"norm": "conv"}


def test_second_of_two_norms_stays(graph_of: Any) -> None:
    layers = [("conv", "conv", CONV, (0,)), ("one", "batch_norm", {}, (1,)), ("two", "batch_norm", {}, (2,))]
    kinds, apart, _ = compared(graph_of((3, 6, 6), layers))
    assert kinds == ["Conv", "BatchNormalization"] and apart <= 1e-5


@pytest.mark.parametrize("changes", [{"running_var": 1e-12}, {"running_mean": 1e4}, {"norm.weight": 1e-30}])
def test_extreme_statistics_are_folded_faithfully(graph_of: Any, changes: dict[str, float]) -> None:
    layers = [("conv", "conv", CONV, (0,)), ("norm", "batch_norm", {}, (1,))]
    kinds, apart, _ = compared(graph_of((3, 6, 6), layers), **changes)
    assert kinds == ["Conv"] and apart <= 1e-5


def test_weights_that_would_overflow_are_not_folded(graph_of: Any) -> None:
    layers = [("conv", "conv", CONV, (0,)), ("norm", "batch_norm", {}, (1,))]
    changes = {"norm.weight": 3e37, "running_mean": 0.0, "running_var": 1e-12}
    kinds, _, folded = compared(graph_of((3, 6, 6), layers), **changes)
    assert kinds == ["Conv", "BatchNormalization"] and folded == {}


def test_weights_that_are_shared_or_computed_stay() -> None:
    """A kernel that a second layer takes, a kernel that is worked out, and a norm's scale that is."""
    for other in ("shared", "computed", "scale"):
        g = Builder(20)
        g.scope = "layer"
        x = g.input("x", TensorProto.FLOAT, ["N", 2, 4, 4])
        kernel = g.initializer("layer.kernel", np.full((2, 2, 1, 1), 0.5, np.float32))
        parts = [g.floats([1.0 + n, 2.0 + n]) for n in range(4)]
        if other == "computed":
            kernel = g.node("Neg", [kernel])
        if other == "scale":
            parts[0] = g.node("Neg", [parts[0]])
        g.node("BatchNormalization", [g.node("Conv", [x, kernel]), *parts], epsilon=1e-5)
        if other == "shared":
            g.node("Conv", [x, kernel])
        before = [node.op_type for node in g.nodes]
        assert fold_norms(g) == {}, other
        assert [node.op_type for node in g.nodes] == before


def test_a_folded_bias_takes_no_name_that_is_there() -> None:
    g = Builder(20)
    x = g.input("x", TensorProto.FLOAT, ["N", 2, 4, 4])
    kernel = g.initializer("layer.kernel", np.full((2, 2, 1, 1), 0.5, np.float32))
    own = g.initializer("layer.bias", np.full((2, 1, 1), 7.0, np.float32))
    summed = g.node("Conv", [x, kernel], name="layer")
    normed = g.node("BatchNormalization", [summed, *(g.floats([1.0, 1.0]) for _ in range(4))], epsilon=0.0)
    g.node("Add", [normed, own])
    assert fold_norms(g) == {normed: summed}
    assert (g.initializers[own] == 7).all() and g.nodes[0].input[2] != own
