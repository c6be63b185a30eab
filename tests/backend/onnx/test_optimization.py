"""onnxruntime's optimizer fuses neighboring nodes: at each of its levels a pair of layers gives what PyTorch gives.

The pairs of a test run in one session, each on an input of its own, so that none keeps another from being fused.
"""

import re
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import pytest
import torch
from onnx import TensorProto, helper

from specc.backend.onnx.builder import Builder
from specc.backend.onnx.lower import lower
from specc.check import check
from specc.ir.graph import Graph
from specc.ops import OPS
from specc.source import Source
from tests.helpers.networks import batch_of, made

LEVELS = [
    ort.GraphOptimizationLevel.ORT_DISABLE_ALL,
    ort.GraphOptimizationLevel.ORT_ENABLE_BASIC,
    ort.GraphOptimizationLevel.ORT_ENABLE_EXTENDED,
    ort.GraphOptimizationLevel.ORT_ENABLE_ALL,
]
TOLERANCE = 2e-5  # of the largest output

PADS = ["pad(1)", "pad(3)", "pad((0, 1, 2, 0))", "pad(1, mode=reflect)", "pad(1, mode=replicate)"]
# What some fusion of onnxruntime is about.
FUSED = [
    "pad(1)", "conv(8)", "conv(8, 1x1, bias=false)", "depthwise_conv(3x3, stride=2)",
    "conv_transpose(8, 2x2, stride=2)", "batch_norm", "group_norm(4)", "instance_norm", "layer_norm", "relu", "relu6",
    "leaky_relu", "prelu", "gelu", "silu", "hard_swish", "hard_sigmoid", "sigmoid", "softplus -> tanh",
    "softmax -> scale(2)", "scale(3)", "scale(1)", "layer_scale(0.5)", "residual { conv(in.channels) }",
    "multiply { | identity | global_avg_pool -> sigmoid }", "max_pool", "avg_pool(3, stride=2, padding=1)",
    "global_avg_pool", "flatten", "flatten -> dense(5)",
]  # fmt: skip
# Besides those, what can stand beside a `pad`.
OTHERS = [
    "max_pool(3, stride=2)", "max_pool(3, stride=2, padding=1)", "max_pool(3, stride=2, ceil=true)",
    "max_pool(2, stride=3, padding=1, ceil=true)", "avg_pool(3)", "avg_pool(2)", "avg_pool(3, stride=2, ceil=true)",
    "avg_pool(3, stride=2, padding=1, count_padding=false)", "avg_pool(3, stride=2, padding=1, ceil=true)",
    "conv(8, 2x2, stride=2)", "conv(8, 3x3, dilation=2, groups=2)", "conv(8, 3x3, padding=0)",
    "global_avg_pool -> dense(5)", "local_response_norm(3)", "global_max_pool", "adaptive_avg_pool(3x2)",
    "adaptive_avg_pool(1x1)", "blur_pool", "elu", "selu", "mish", "softplus", "tanh", "softmax -> relu",
    "dropout -> max_pool", "spatial_dropout", "drop_path(10%)", "gaussian_noise(0.1)", "channels(0, 4)",
    "channel_shuffle(4)", "pixel_shuffle(2)", "space_to_depth(1)", "upsample(2)", "upsample(2, mode=bilinear)",
    "crop_to(start)", "add { | identity | conv(8, 1x1) }", "concat { | identity | conv(4) }", "identity -> max_pool(3)",
    "scale(1) -> max_pool(3, stride=2)", "expect(8, 9x12)", "as(a) -> max_pool(3) -> as(b) -> from(a) -> crop_to(b)",
    "repeat(2) { avg_pool(2, stride=1) }", "layer_norm(over=image)",
    "head(h) { global_avg_pool -> dense(2) } -> max_pool(3)",
    "multiply { | identity | global_avg_pool -> conv(8, 1x1) -> sigmoid }", "relu -> max_pool(3, stride=2)",
    "pad(2) -> pad(1) -> avg_pool(5)", "conv(8, stride=2, padding=same_upper)", "ws_conv(8, gain=true)",
    "max_pool(3, stride=2, padding=same_upper)", "avg_pool(3, stride=2, padding=same_upper)",
    "avg_pool(3, stride=2, padding=same_upper, count_padding=false)", "conv_transpose(8, 3x3, output_padding=1)",
    "resize_to(9x13)", "resize_to(5x12, mode=nearest)", "resize_to(like=start, mode=bicubic)", "adaptive_max_pool(3x2)",
    "global_response_norm", "channel_mean", "channel_max", "global_avg_pool -> channel_conv(3)",
    "maximum { | identity | conv(8) }", "scale(1, learned=true)",
    "resize_to(2x3) -> as(c) -> from(start) -> crop_to(c, offset=1)",
]  # fmt: skip


def pair(first: str, second: str) -> Graph | None:
    """A network of two layers; None where the one cannot follow the other."""
    text = f"network Pair {{\n  input(8, 7x10) -> as(start)\n  {first} -> {second}\n}}\n"
    checked = check(Source("pair.cnn", text))
    return None if checked.errors else checked.graph


def written(graph: Graph, prefix: str) -> tuple[onnx.GraphProto, np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """A network as ONNX, all names with the prefix, a batch for it, and PyTorch's answer."""
    net, x = made(graph).eval(), batch_of(graph, 3)
    g = Builder(20)
    images = g.input("x", TensorProto.FLOAT, ["N", *graph.input])
    logits = lower(graph, {key: value.numpy() for key, value in net.state_dict().items()}, g, images).logits
    with torch.no_grad():
        expected = net(x).numpy()
    g.output(g.node("Identity", [logits], name="y"), ["N", *expected.shape[1:]])
    one = onnx.compose.add_prefix(g.model("Pair"), prefix).graph
    return one, x.numpy(), expected


def differing(pairs: list[tuple[str, str]]) -> tuple[int, list[str]]:
    """How many of the pairs there are, and which differ from PyTorch at which level."""
    joined, images, expected = onnx.GraphProto(name="Pairs"), {}, {}
    for first, second in dict.fromkeys(pairs):
        graph = pair(first, second)
        if graph is not None:
            prefix = f"{first} -> {second} "
            one, images[f"{prefix}x"], expected[f"{prefix}y"] = written(graph, prefix)
            joined.MergeFrom(one)
    joined.name = "Pairs"
    model = helper.make_model(joined, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    wrong = []
    for level in LEVELS:
        options = ort.SessionOptions()
        options.intra_op_num_threads, options.graph_optimization_level = 1, level
        session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        for name, given in zip(expected, session.run(list(expected), images), strict=True):
            apart = np.abs(given - expected[name]).max() if given.shape == expected[name].shape else np.inf
            if not apart <= TOLERANCE * np.abs(expected[name]).max():
                wrong.append(f"{name[:-2]}: {apart:.3g} at {level.name}")
    return len(expected), wrong


@pytest.mark.parametrize("pad", PADS)
def test_a_pad_before_and_after_every_layer(pad: str) -> None:
    others = [*PADS, *FUSED, *OTHERS]
    count, wrong = differing([*((pad, other) for other in others), *((other, pad) for other in others)])
    assert not wrong
    assert count > len(others)


@pytest.mark.parametrize("first", FUSED)
def test_every_two_layers_that_a_fusion_concerns(first: str) -> None:
    count, wrong = differing([(first, second) for second in FUSED])
    assert not wrong
    assert count > 5


def test_every_layer_that_takes_a_map_stands_beside_a_pad() -> None:
    words = set(re.findall(r"\w+", " ".join([*FUSED, *OTHERS])))
    assert set(OPS) - {"input"} <= words
    assert [name for name in [*FUSED, *OTHERS] if pair("pad(1)", name) is None] == []
