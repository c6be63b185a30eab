"""Faults between the trained network and the exported file: each is caught, named, and nothing is written."""

import re
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from specc.backend.onnx import export as module
from specc.backend.onnx.export import export_run
from specc.backend.onnx.model_file import CLASSES
from specc.backend.onnx.proof import training_left
from specc.backend.onnx.write import write_model
from specc.errors import SpeccError
from tests.helpers.tiny_run import trained


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that every test may export but none may change."""
    return trained(tmp_path_factory.mktemp("tiny"))


def _change(model: onnx.ModelProto, name: str, change: Callable[[np.ndarray], np.ndarray]) -> None:
    (tensor,) = [t for t in model.graph.initializer if t.name == name]
    values = change(numpy_helper.to_array(tensor).copy())
    tensor.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(values, np.float32), name))


def _initializers(model: onnx.ModelProto, part: str) -> list[str]:
    return [tensor.name for tensor in model.graph.initializer if part in tensor.name]


def _before_second_conv(model: onnx.ModelProto, *nodes: onnx.NodeProto) -> None:
    """Put nodes before `conv2`: the first takes its input, `relu1`; the last gives `changed`, which it gets instead."""
    at = next(i for i, node in enumerate(model.graph.node) if node.name == "conv2")
    model.graph.node[at].input[0] = "changed"
    for node in reversed(nodes):
        model.graph.node.insert(at, node)


def _constant(model: onnx.ModelProto, name: str, value: Any) -> None:
    model.graph.initializer.append(numpy_helper.from_array(np.array(value), name))


def weight_flipped(model: onnx.ModelProto) -> None:
    def change(values: np.ndarray) -> np.ndarray:
        values.reshape(-1)[5] *= -1
        return values

    _change(model, "conv2.weight", change)


def mean_wrong(model: onnx.ModelProto) -> None:
    _change(model, _initializers(model, "preprocess/floats")[1], lambda values: values + 0.1)


def channels_swapped(model: onnx.ModelProto) -> None:
    _change(model, "conv1.weight", lambda values: values[:, ::-1])


def labels_permuted(model: onnx.ModelProto) -> None:
    for name in _initializers(model, "dense1"):
        _change(model, name, lambda values: np.roll(values, 1, 0))


def class_names_permuted(model: onnx.ModelProto) -> None:
    (entry,) = [entry for entry in model.metadata_props if entry.key == CLASSES]
    entry.value = '["green", "red", "blue"]'


def random_mask(model: onnx.ModelProto) -> None:
    _constant(model, "share", np.float32(0.5))
    _constant(model, "zero", np.float32(0))
    _before_second_conv(
        model,
        helper.make_node("RandomUniformLike", ["relu1"], ["random"], name="mask"),
        helper.make_node("Greater", ["random", "share"], ["kept"], name="kept"),
        helper.make_node("Where", ["kept", "relu1", "zero"], ["changed"], name="where"),
    )


def dropout_left_on(model: onnx.ModelProto) -> None:
    _constant(model, "share", np.float32(0.5))
    _constant(model, "on", True)
    _before_second_conv(model, helper.make_node("Dropout", ["relu1", "share", "on"], ["changed"], name="dropout1"))


def dropout_scaled_but_not_random(model: onnx.ModelProto) -> None:
    """The mistake that no node gives away: the factor 1 / (1 - p) of the training stays."""
    _constant(model, "factor", np.float32(1.25))
    _before_second_conv(model, helper.make_node("Mul", ["relu1", "factor"], ["changed"], name="factor"))


def norm_in_training_mode(model: onnx.ModelProto) -> None:
    for name in ("scale", "shift", "mean", "variance"):
        _constant(model, name, np.full(8, float(name in ("scale", "variance")), np.float32))
    inputs = ["relu1", "scale", "shift", "mean", "variance"]
    outputs = ["changed", "new_mean", "new_variance"]
    _before_second_conv(model, helper.make_node("BatchNormalization", inputs, outputs, name="norm", training_mode=1))


def head_left(model: onnx.ModelProto) -> None:
    model.graph.output.append(helper.make_tensor_value_info("relu1", TensorProto.FLOAT, ["N", 8, 16, 16]))


def softmax_lost(model: onnx.ModelProto) -> None:
    model.graph.node[-1].op_type = "Identity"
    del model.graph.node[-1].attribute[:]


def node_of_another_library(model: onnx.ModelProto) -> None:
    model.graph.node[-1].domain = "com.microsoft"
    model.opset_import.append(helper.make_opsetid("com.microsoft", 1))


FAULTS = [
    (weight_flipped, "E455", "first layer whose values differ is `conv2`, at .*spec.cnn:11:3, with `batch_norm2` fol"),
    (mean_wrong, "E455", "the images already differ at the network's input"),
    (channels_swapped, "E455", "`conv1`"),
    (labels_permuted, "E455", "`dense1`"),
    (class_names_permuted, "E455", r"names the classes .'green', 'red', 'blue'"),
    (random_mask, "E459", "`mask`, a RandomUniformLike, is random"),
    (dropout_left_on, "E459", "`dropout1`, a Dropout, is random"),
    (dropout_scaled_but_not_random, "E455", "`conv2`"),
    (norm_in_training_mode, "E459", "`norm`, a BatchNormalization, normalizes by the batch"),
    (head_left, "E459", "2 outputs, `probabilities`, `relu1`: an auxiliary classifier is left"),
    (softmax_lost, "E455", "comes after the last one"),
    (node_of_another_library, "E457|E459", "com.microsoft"),
]


@pytest.mark.parametrize(("fault", "code", "where"), FAULTS)
def test_fault_is_caught_and_located(
    tiny: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    fault: Callable[[onnx.ModelProto], None],
    code: str,
    where: str,
) -> None:
    real = write_model

    def faulty(*arguments: Any) -> Any:
        written = real(*arguments)
        fault(written.model)
        return written

    monkeypatch.setattr(module, "write_model", faulty)
    _refused(tiny, tmp_path, code, where)


def _refused(run_path: Path, folder: Path, code: str, where: str) -> None:
    with pytest.raises(SpeccError) as caught:
        export_run(run_path, out=folder / "model.onnx", device="cpu")
    error = caught.value
    assert re.fullmatch(code, error.code) and error.status == 1
    assert re.search(where, error.message), error.message
    assert list(folder.iterdir()) == []


def test_running_statistics_that_were_reset_are_caught(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = write_model

    def faulty(checked: Any, net: Any, *arguments: Any) -> Any:
        fresh = deepcopy(net)
        fresh.layers = dict(zip(net.layers, [fresh.get_submodule(name) for name in net.layers], strict=True))
        fresh.layers["batch_norm1"].reset_running_stats()
        return real(checked, fresh, *arguments)

    monkeypatch.setattr(module, "write_model", faulty)
    _refused(tiny, tmp_path, "E455", "`conv1`, at .*spec.cnn:10:3, with `batch_norm1` folded into it")


def test_baked_in_batch_is_caught(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = write_model

    def baked(*arguments: Any) -> Any:
        written = real(*arguments)
        written.model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 36
        return written

    monkeypatch.setattr(module, "write_model", baked)
    _refused(tiny, tmp_path, "E457", "does not run on a batch of 1 x 3 x 16 x 16")


def test_batch_baked_into_a_reshape_is_caught(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = write_model

    def baked(*arguments: Any) -> Any:
        written = real(*arguments)
        _constant(written.model, "shape", [36, 8, 16, 16])
        _before_second_conv(written.model, helper.make_node("Reshape", ["relu1", "shape"], ["changed"], name="bake"))
        return written

    monkeypatch.setattr(module, "write_model", baked)
    _refused(tiny, tmp_path, "E457", "does not run on a batch of 1 x 3 x 16 x 16|is invalid")


def test_dropout_inside_an_inner_graph_is_found() -> None:
    value = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])
    inner = helper.make_graph(
        [helper.make_node("RandomNormal", [], ["y"], name="deep", shape=[1])], "inner", [], [value]
    )
    choice = helper.make_node("If", ["c"], ["z"], name="choice", then_branch=inner, else_branch=inner)
    wanted = helper.make_tensor_value_info("z", TensorProto.FLOAT, [1])
    graph = helper.make_graph([choice], "outer", [helper.make_tensor_value_info("c", TensorProto.BOOL, [])], [wanted])
    assert training_left(helper.make_model(graph)) == ["`deep`, a RandomNormal, is random"] * 2
