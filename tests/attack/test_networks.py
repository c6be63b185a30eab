"""Networks written at random: what is built, exported and emitted is what was checked.

`SPECC_FUZZ=2000` tries so many.
"""

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import pytest
import torch
from onnx import TensorProto
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from specc.backend.build import Net, build
from specc.backend.onnx.builder import Builder
from specc.backend.onnx.lower import lower
from specc.check import Checked, check
from specc.ir.graph import Graph
from specc.ops import OPS
from specc.source import Source
from tests.attack.networks import written
from tests.helpers.emitted import Emitted
from tests.helpers.networks import batch_of, made
from tests.helpers.thorough import times

COUNT = times(32, thorough=64)
PARTS = 8  # so that some may run beside each other
COUNTED = (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)
ROUNDINGS = 50  # how many times as far as float32 in PyTorch the exported file may be from float64


def checked(seed: int) -> Checked:
    found = check(Source("net.cnn", written(seed)))
    assert found.errors == [], f"seed {seed}: {found.errors[0].message}\n{found.source.text}"
    return found


def graph_of(seed: int) -> Graph:
    graph = checked(seed).graph
    assert graph is not None
    return graph


def has_the_shapes(graph: Graph, net: Net) -> None:
    """Each layer gives the shape that was worked out for its node, and so does the network."""
    given: dict[str, torch.Size] = {}
    for name, module in net.layers.items():
        module.register_forward_hook(lambda _module, _inputs, y, name=name: given.update({name: y.shape}))
    with torch.no_grad():
        training: Any = net.train()(batch_of(graph, 2))
        shape = net.eval()(batch_of(graph, 3)).shape
    assert shape == (3, *graph.output_shape)
    if graph.heads:
        assert training[1].keys() == {head.name for head in graph.heads}
    expected = {node.name: node.shape for node in graph.nodes}
    assert {name: tuple(shape[1:]) for name, shape in given.items()} == {name: expected[name] for name in given}


def has_the_counts(graph: Graph, net: Net) -> None:
    """Parameters, and the multiply-accumulates of what PyTorch counts: half the operations of its counter."""
    assert sum(weight.numel() for weight in net.parameters()) == graph.parameters
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        net.eval()(batch_of(graph, 1))
    counts = {name.removeprefix("Net."): sum(found.values()) for name, found in counter.get_flop_counts().items()}
    for node in graph.nodes:
        if isinstance(net.layers.get(node.name), COUNTED) and not node.head:
            assert counts.get(node.name, 0) == 2 * graph.macs(node), node.name


def exports_the_same(graph: Graph) -> None:
    """The exported graph gives what PyTorch gives in float64, about as well as PyTorch does in float32."""
    net, x = made(graph).eval(), batch_of(graph, 3)
    g = Builder(20)
    images = g.input("x", TensorProto.FLOAT, ["N", *graph.input])
    logits = lower(graph, {key: value.numpy() for key, value in net.state_dict().items()}, g, images).logits
    with torch.no_grad():
        single = net(x).double()
        exact: Tensor = net.double()(x.double())
    if not single.isfinite().all():
        return  # products of products are too large for float32, whoever computes them
    g.output(g.node("Identity", [logits], name="y"), ["N", *exact.shape[1:]])
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(g.model("Net").SerializeToString(), options, providers=["CPUExecutionProvider"])
    [given] = session.run(None, {"x": x.numpy()})
    assert given.shape == exact.shape
    largest = exact.abs().max().item()
    allowed = ROUNDINGS * (single - exact).abs().max().item() + 1e-4 * largest + 1e-12
    assert np.abs(given - exact.numpy()).max() <= allowed


@pytest.mark.parametrize("part", range(PARTS))
def test_what_is_built_exported_and_emitted_is_what_was_checked(part: int, tmp_path: Path) -> None:
    for seed in range(part, COUNT, PARTS):
        found = checked(seed)
        graph = graph_of(seed)
        try:
            has_the_shapes(graph, build(graph))
            has_the_counts(graph, build(graph))
            exports_the_same(graph)
            emitted = Emitted(found, tmp_path)
            emitted.has_the_same_keys()
            emitted.computes_the_same()
        except Exception as error:
            error.add_note(f"seed {seed}:\n{found.source.text}")
            raise


def test_every_layer_is_written() -> None:
    """Also those that leave no node: the words of the specs are looked at."""
    texts = " ".join(map(written, range(120)))
    assert [name for name in OPS if f"{name}(" not in texts and f"{name} " not in texts] == []


@pytest.mark.parametrize("seed", range(0, 40, 4))
def test_the_same_text_gives_the_same_network(seed: int) -> None:
    assert written(seed) == written(seed)
    first, second = graph_of(seed), graph_of(seed)
    assert list(map(repr, first.nodes)) == list(map(repr, second.nodes))
