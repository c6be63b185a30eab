"""Networks as ONNX nodes: names that match the graph's, an open batch, nothing of training."""

from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto, numpy_helper

from specc.backend.build import Net, build
from specc.backend.initialize import initialize
from specc.backend.onnx.builder import Builder
from specc.backend.onnx.lower import Lowered, lower
from specc.backend.onnx.proof import training_left
from specc.ir.graph import Graph, Head
from specc.values import Size


@pytest.fixture
def graph(graph_of: Any) -> Graph:
    """A residual network with dropout, a head and a final softmax."""
    made: Graph = graph_of(
        (3, 8, 8),
        [
            ("stem.conv1", "conv", {"filters": 4, "kernel": Size(2, 2), "bias": False}, (0,)),
            ("stem.batch_norm1", "batch_norm", {}, (1,)),
            ("stem.relu1", "relu", {}, (2,)),
            ("as1", "as", {"name": "here"}, (3,)),
            ("early.pool1", "global_avg_pool", {}, (4,)),
            ("early.dense1", "dense", {"units": 5}, (5,)),
            ("unit1.group_norm1", "group_norm", {"groups": 2}, (4,)),
            ("unit1.dropout1", "dropout", {}, (7,)),
            ("add1", "add", {}, (8, 4)),
            ("prelu1", "prelu", {}, (9,)),
            ("pool1", "global_avg_pool", {}, (10,)),
            ("conv1", "conv", {"filters": 5, "kernel": Size(1, 1)}, (11,)),
            ("softmax1", "softmax", {}, (12,)),
        ],
        (Head("early", 0.3, 6),),
    )
    return made


def written(graph: Graph) -> tuple[Net, Lowered, onnx.ModelProto]:
    net = build(graph)
    initialize(net, 0)
    net.eval()
    g = Builder(20)
    x = g.input("x", TensorProto.FLOAT, ["N", *graph.input])
    lowered = lower(graph, {key: value.numpy() for key, value in net.state_dict().items()}, g, x)
    g.output(lowered.logits, ["N", 5])
    return net, lowered, g.model("Hand")


def test_nodes_have_the_names_of_layers(graph: Graph) -> None:
    _, lowered, model = written(graph)
    names = [node.name for node in model.graph.node]
    assert len(set(names)) == len(names)
    assert all(list(node.output) == [node.name] for node in model.graph.node)
    layers = [name for name in names if "/" not in name]
    assert layers == [
        "stem.conv1", "stem.relu1", "unit1.group_norm1", "add1", "prelu1", "pool1", "conv1",
    ]  # fmt: skip
    assert lowered.values["unit1.dropout1"] == "unit1.group_norm1"
    assert lowered.values["stem.batch_norm1"] == "stem.conv1"
    assert lowered.values.keys() == {*layers, "input", "unit1.dropout1", "stem.batch_norm1"} - {"stem.conv1"}
    assert lowered.folded == {"stem.batch_norm1": "stem.conv1"}


def test_intermediate_values_are_those_of_the_layers(graph: Graph) -> None:
    net, lowered, model = written(graph)
    names = [name for name in lowered.values if name in net.layers]
    wanted = list(dict.fromkeys(lowered.values[name] for name in names))
    inferred = {v.name: v for v in onnx.shape_inference.infer_shapes(model).graph.value_info}
    model.graph.output.extend(inferred[name] for name in wanted if name != lowered.logits)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    x = torch.randn(3, 3, 8, 8)
    found = dict(zip(wanted, session.run(wanted, {"x": x.numpy()}), strict=True))
    expected: dict[str, np.ndarray[Any, Any]] = {}
    for name in names:
        net.layers[name].register_forward_hook(lambda _m, _i, y, name=name: expected.update({name: y.numpy()}))
    with torch.no_grad():
        net(x)
    for name in names:
        assert np.allclose(found[lowered.values[name]], expected[name], atol=1e-5), name


def test_the_batch_is_open_and_training_is_gone(graph: Graph) -> None:
    _, _, model = written(graph)
    inferred = onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)
    for value in inferred.graph.value_info:
        assert value.type.tensor_type.shape.dim[0].dim_value == 0, value.name
    assert not {node.op_type for node in model.graph.node} & {"Dropout", "Softmax", "RandomNormalLike"}
    assert not any(tensor.name.startswith("early") for tensor in model.graph.initializer)
    assert training_left(model) == []


def test_weights_are_those_of_the_state(graph: Graph) -> None:
    net, _, model = written(graph)
    tensors = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    state = net.state_dict()
    kept = {key for key in state if not key.startswith(("early", "stem"))}
    assert {name for name in tensors if "/" not in name} == {*kept, "stem.conv1.weight", "stem.conv1.bias"}
    for key in kept:
        assert np.array_equal(tensors[key].ravel(), state[key].numpy().ravel()), key


def test_the_same_network_gives_the_same_bytes(graph: Graph) -> None:
    assert written(graph)[2].SerializeToString() == written(graph)[2].SerializeToString()


def test_names_that_clash_are_told_apart(graph_of: Any) -> None:
    graph = graph_of((5, 1, 1), [("x", "relu", {}, (0,)), ("x/Flatten", "relu", {}, (1,))])
    _, lowered, model = written(graph)
    assert lowered.values == {"input": "x", "x": "x2", "x/Flatten": "x/Flatten"}
    onnx.checker.check_model(model, full_check=True)


def test_an_empty_network_is_flattened(graph_of: Any) -> None:
    model = written(graph_of((5, 1, 1), []))[2]
    assert [node.op_type for node in model.graph.node] == ["Flatten"]
