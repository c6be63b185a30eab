"""Every example as an ONNX graph: the batch is open, and at four batch sizes it answers as the network does."""

import re
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto

from specc.backend.build import build
from specc.backend.onnx.builder import Builder
from specc.backend.onnx.lower import lower
from specc.backend.onnx.proof import training_left
from specc.backend.onnx.session import open_session
from specc.check import check
from specc.source import Source

EXAMPLES = sorted((Path(__file__).parents[3] / "examples").glob("*.cnn"))
BATCHES = (1, 2, 3, 4)
EXPECT = re.compile(r"expect\(.*?\)")
WIDE = re.compile(r"\bdense\(4096\)")
LARGE = re.compile(r"input\(3, 2\d\dx2\d\d\)")  # images that would take minutes


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example_in_onnx_is_the_network(path: Path) -> None:
    text = WIDE.sub("dense(64)", LARGE.sub("input(3, 64x64)", EXPECT.sub("identity", path.read_text())))
    checked = check(Source(str(path), text), sets=["data.resize=64x64"] if "resize" in text else ())
    graph = checked.graph
    assert graph is not None and not checked.errors
    torch.manual_seed(0)
    net = build(graph)  # with torch's own initial weights
    draw = torch.Generator().manual_seed(1)
    for name, value in net.state_dict().items():  # as if it had been trained
        if name.endswith(("running_mean", "running_var")):
            value.copy_(torch.rand(value.shape, generator=draw) + (0.5 if name.endswith("var") else -0.5))
    net.eval()
    g = Builder(20)
    x = g.input("x", TensorProto.FLOAT, ["N", *graph.input])
    logits = lower(graph, {key: value.numpy() for key, value in net.state_dict().items()}, g, x).logits
    g.output(logits, ["N", *graph.output_shape])
    model = g.model(graph.name)
    onnx.checker.check_model(model, full_check=True)
    assert training_left(model) == []
    session = open_session(model.SerializeToString())
    for count in BATCHES:
        images = torch.randn(count, *graph.input, generator=draw)
        with torch.inference_mode():
            expected = net(images).numpy()
        (found,) = session.run(None, {"x": images.numpy()})
        assert found.shape == expected.shape
        assert np.abs(found - expected).max() <= 1e-4 * np.abs(expected).max(), count
