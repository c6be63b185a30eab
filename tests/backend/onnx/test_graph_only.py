"""The graph of a spec that nobody trained: compared with PyTorch all the same, and no model to predict with."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper

from specc.backend.build import build
from specc.backend.initialize import initialize
from specc.backend.onnx import graph_only as module
from specc.backend.onnx.graph_only import export_graph
from specc.backend.onnx.model_file import CERTIFICATE, read_model
from specc.backend.onnx.session import open_session
from specc.check import Checked, check
from specc.errors import SpeccError
from specc.source import Source

NET = """
network Net {
  input(3, 12x12)
  conv(8) -> batch_norm -> relu -> dropout
  head(early) { global_avg_pool -> dense(4) }
  conv(8, stride=2) -> relu
  global_avg_pool -> dense(4) -> softmax
}
train { seed = 5 }
"""
FLAT = "network Flat { input(10) -> dense(20) -> batch_norm -> gelu -> dense(3) }"
MAP = "network Map { input(2, 9x7) -> conv(6, stride=2) -> relu -> conv_transpose(2, 3x3, padding=1) }"


def checked(text: str) -> Checked:
    found = check(Source("net.cnn", text))
    assert not found.errors
    return found


def metadata(path: Path) -> dict[str, str]:
    return {entry.key: entry.value for entry in onnx.load(path).metadata_props}


@pytest.mark.parametrize("text", [NET, FLAT, MAP])
def test_graph_is_the_network_with_its_initial_weights(tmp_path: Path, text: str) -> None:
    spec = checked(text)
    made = export_graph(spec, tmp_path / "net.onnx", providers=["cpu"])
    assert sorted(made.comparisons[0].batches) == [1, 2, 7, 16]
    assert max(part.largest for part in made.comparisons[0].batches.values()) <= 1e-5 * made.scale
    graph, train = spec.graph, spec.train
    assert graph is not None and train is not None
    net = build(graph).eval()
    initialize(net, train.seed)
    images = torch.randn(5, *graph.input)
    with torch.inference_mode():
        expected = (net(images).softmax(1) if text == NET else net(images)).numpy()
    (found,) = open_session(made.path).run(None, {"images": images.numpy()})
    assert np.abs(found - expected).max() <= 1e-5 * np.abs(expected).max()
    assert list(tmp_path.iterdir()) == [made.path]


@pytest.mark.parametrize(
    ("text", "output"),
    [(NET, "probabilities"), (NET + "export { output = logits }", "logits"), (FLAT, "logits"), (MAP, "logits")],
)
def test_a_softmax_at_the_end_stands_in_the_graph(tmp_path: Path, text: str, output: str) -> None:
    made = export_graph(checked(text), tmp_path / "net.onnx", providers=["cpu"])
    graph = onnx.load(made.path).graph
    assert made.output == output == graph.output[0].name
    assert [node.op_type for node in graph.node].count("Softmax") == (output == "probabilities")


def test_certificate_is_in_the_file_and_the_bytes_can_be_had_again(tmp_path: Path) -> None:
    export_graph(checked(NET), tmp_path / "one.onnx", providers=["cpu"])
    (tmp_path / "elsewhere").mkdir()
    export_graph(checked(NET), tmp_path / "elsewhere" / "two.onnx", providers=["cpu"])
    content = (tmp_path / "one.onnx").read_bytes()
    assert content == (tmp_path / "elsewhere" / "two.onnx").read_bytes()
    assert str(tmp_path).encode() not in content
    certificate = json.loads(metadata(tmp_path / "one.onnx")[CERTIFICATE])
    assert certificate["graph_only"] is True and certificate["seed"] == 5
    assert certificate["providers"]["CPUExecutionProvider"]["7"]["agreement"] == 1
    assert not any("early" in tensor.name for tensor in onnx.load(tmp_path / "one.onnx").graph.initializer)


def test_logits_are_compared_where_probabilities_are_0_and_1(tmp_path: Path) -> None:
    text = "network N { input(3, 8x8) -> conv(4) -> relu -> scale(1e6) -> flatten -> dense(5) -> softmax }"
    made = export_graph(checked(text), tmp_path / "net.onnx", providers=["cpu"])
    (found,) = made.comparisons
    assert made.output == "probabilities" and found.logits is not None
    certificate = json.loads(metadata(tmp_path / "net.onnx")[CERTIFICATE])
    assert certificate["logits_scale"] > 1e4 and 0 < found.logits.largest <= 1e-4 * certificate["logits_scale"]
    assert certificate["logits_differ_by"] == {"CPUExecutionProvider": found.logits.largest}


def test_it_is_no_model_to_predict_with(tmp_path: Path) -> None:
    export_graph(checked(NET), tmp_path / "net.onnx", providers=["cpu"])
    with pytest.raises(SpeccError, match="untrained weights") as caught:
        read_model(tmp_path / "net.onnx")
    assert (caught.value.code, caught.value.status) == ("E452", 1)


def test_fault_is_caught_and_located(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = module._write

    def faulty(*arguments: Any) -> Any:
        written = real(*arguments)
        (tensor,) = [t for t in written.model.graph.initializer if t.name == "conv2.weight"]
        tensor.CopyFrom(numpy_helper.from_array(-numpy_helper.to_array(tensor), tensor.name))
        return written

    monkeypatch.setattr(module, "_write", faulty)
    with pytest.raises(SpeccError, match=r"first layer whose values differ is `conv2`, at net\.cnn:6:3") as caught:
        export_graph(checked(NET), tmp_path / "net.onnx", providers=["cpu"])
    assert caught.value.code == "E455" and list(tmp_path.iterdir()) == []


def test_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(SpeccError) as caught:
        export_graph(checked(FLAT), tmp_path / "missing" / "net.onnx", providers=["cpu"])
    assert caught.value.code == "E481"
