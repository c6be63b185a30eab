"""The keystone: every layer is defined once, and its shape, weights, module and ONNX form agree.

For each layer and many arguments: the module gives the op's shape and has the op's weights, and the ONNX nodes run in
onnxruntime give what the module gives in evaluation, for batches of 1, 2, 7 and 16.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto

from specc.backend.build import Net, build
from specc.backend.data.split import Resident
from specc.backend.initialize import initialize
from specc.backend.onnx.builder import Builder
from specc.backend.onnx.lower import lower
from specc.backend.onnx.precision import convert
from specc.backend.onnx.session import open_session, run
from specc.backend.onnx.write import check_graph
from specc.ir.graph import Graph
from specc.ops import OPS
from specc.ops.signal import WeightedSum
from specc.values import Size
from specc.vocabulary.family import Initializer
from specc.vocabulary.registry import component
from specc.vocabulary.shape import Shape
from specc.vocabulary.weight import Drawn, Statistic, WeightSpec
from tests.helpers.networks import batch_of, made
from tests.helpers.thorough import ALL, some
from tests.helpers.together import each_of

M: Shape = (8, 7, 10)  # a map whose sides differ, one odd and one even
P: Shape = (8, 1, 1)
V: Shape = (12,)
S = Size

UPPER = {"padding": "same_upper"}
MODES = ("nearest", "bilinear", "bicubic")

OPSETS = [18, *some([19, 20, 21], 1), 22]
ACTIVATIONS = [name for name, op in OPS.items() if op.group == "activation"]

# For each layer: (input shape, or the list of them; arguments).
CASES: dict[str, list[tuple[Any, dict[str, Any]]]] = {
    "conv": [
        (M, {"filters": 5}),
        (M, {"filters": 5, "bias": False}),
        (M, {"filters": 5, "bias": True, "trainable": False}),
        (M, {"filters": 6, "kernel": S(1, 1), "stride": S(2, 2)}),
        (M, {"filters": 6, "kernel": S(2, 2)}),
        (M, {"filters": 6, "kernel": S(4, 4), "stride": S(2, 2)}),
        (M, {"filters": 6, "kernel": S(2, 3), "stride": S(2, 1)}),
        (M, {"filters": 6, "kernel": S(1, 7)}),
        (M, {"filters": 6, "kernel": S(7, 1), "stride": S(1, 3)}),
        (M, {"filters": 6, "kernel": S(3, 3), "dilation": S(2, 3)}),
        (M, {"filters": 6, "kernel": S(2, 4), "dilation": S(3, 1), "stride": S(3, 2)}),
        (M, {"filters": 6, "kernel": S(7, 7), "stride": S(2, 2)}),
        (M, {"filters": 6, "padding": S(0, 0)}),
        (M, {"filters": 6, "padding": S(1, 0), "stride": S(3, 3)}),
        (M, {"filters": 6, "kernel": S(5, 5), "padding": S(4, 6)}),
        (M, {"filters": 6, "groups": 2}),
        (M, {"filters": 16, "groups": 8, "kernel": S(2, 2), "bias": False}),
        (P, {"filters": 3, "kernel": S(1, 1)}),
        *((M, {"filters": 4, "stride": s, **UPPER}) for s in (S(1, 1), S(2, 2), S(3, 1), S(1, 4))),
        *((M, {"filters": 4, "kernel": k, "stride": S(2, 3), **UPPER}) for k in (S(1, 1), S(2, 2), S(4, 5), S(7, 1))),
        (M, {"filters": 4, "dilation": S(2, 3), "stride": S(2, 2), **UPPER}),
        (M, {"filters": 4, "kernel": S(4, 2), **UPPER}),
        ((1, 5, 5), {"filters": 1}),
    ],
    "depthwise_conv": [
        (M, {}),
        (M, {"multiplier": 3, "bias": False}),
        (M, {"kernel": S(5, 5), "stride": S(2, 2)}),
        (M, {"kernel": S(2, 2), "stride": S(2, 2), "multiplier": 2}),
        (M, {"kernel": S(5, 5), "stride": S(2, 2), "multiplier": 2, **UPPER}),
        (M, {"padding": S(0, 0), "dilation": S(2, 2)}),
    ],
    "ws_conv": [
        (M, {"filters": 5}),
        (M, {"filters": 5, "gain": True, "bias": False}),
        (M, {"filters": 6, "gain": True, "gamma": 1.7, "eps": 1e-2, "groups": 2}),
        (M, {"filters": 5, "gain": True, "init_scale": 0.2}),
        (M, {"filters": 6, "kernel": S(4, 2), "dilation": S(1, 2), "trainable": False}),
        (M, {"filters": 6, "kernel": S(1, 1), "stride": S(2, 2), "gain": True, "trainable": False}),
        (M, {"filters": 4, "stride": S(2, 3), "gain": True, **UPPER}),
        (P, {"filters": 3, "kernel": S(1, 1), "eps": 0.1}),
        (M, {"filters": 4, "stride": S(2, 3), **UPPER}),
    ],
    "channel_conv": [
        (P, {"kernel": 3}),
        (P, {"kernel": 1}),
        (P, {"kernel": 5, "trainable": False}),
        (P, {"kernel": 9}),
    ],
    "conv_transpose": [
        (M, {"filters": 5}),
        (M, {"filters": 5, "bias": False}),
        (M, {"filters": 4, "kernel": S(3, 3), "stride": S(2, 2), "padding": S(1, 1)}),
        (M, {"filters": 4, "kernel": S(4, 4), "stride": S(2, 2), "padding": S(1, 1)}),
        (M, {"filters": 4, "kernel": S(3, 5), "stride": S(1, 3), "padding": S(0, 2)}),
        (P, {"filters": 4, "kernel": S(4, 4), "stride": S(1, 1)}),
        (M, {"filters": 4, "kernel": S(2, 2), "stride": S(3, 3)}),
        (M, {"filters": 4, "kernel": S(3, 3), "padding": S(1, 1), "output_padding": S(1, 0)}),
        (M, {"filters": 4, "kernel": S(3, 2), "dilation": S(2, 3), "stride": S(3, 2)}),
        (M, {"filters": 4, "kernel": S(3, 3), "dilation": S(3, 2), "output_padding": S(1, 1), "bias": False}),
        (M, {"filters": 4, "groups": 2}),
        (M, {"filters": 8, "groups": 8, "kernel": S(4, 4), "padding": S(1, 1), "bias": False}),
    ],
    "dense": [(V, {"units": 5}), (V, {"units": 1, "bias": False}), (P, {"units": 5}), (P, {"units": 7, "bias": False})],
    "flatten": [(M, {}), (P, {}), (V, {})],
    "batch_norm": [
        *((shape, {"scale": s, "shift": b}) for shape in (M, V, P) for s in (True, False) for b in (True, False)),
        (M, {"eps": 1e-3, "momentum": 0.5}),
        (M, {"init_scale": 0.0}),
        (V, {"init_scale": -0.5, "shift": False}),
    ],
    "instance_norm": [
        *((M, {"scale": s, "shift": b}) for s in (True, False) for b in (True, False)),
        (M, {"eps": 1e-2}),
        (M, {"init_scale": 0.2}),
    ],
    "layer_norm": [
        *(
            (shape, {"over": over, "scale": s, "shift": b})
            for shape in (M, V, P)
            for over in ("channels", "image")
            for s in (True, False)
            for b in (True, False)
        ),
        (M, {"eps": 1e-2}),
        ((1, 4, 4), {"over": "image"}),
        *((shape, {"over": over, "init_scale": 0.2}) for shape in (M, V) for over in ("channels", "image")),
    ],
    "group_norm": [
        *((M, {"groups": 4, "scale": s, "shift": b}) for s in (True, False) for b in (True, False)),
        ((64, 3, 3), {}),
        (M, {"groups": 1, "eps": 1e-2}),
        (M, {"groups": 8}),
        (V, {"groups": 3}),
        (V, {"groups": 4, "scale": False}),
        (M, {"groups": 2, "init_scale": 0.2}),
    ],
    "local_response_norm": [(M, {"size": 5}), (M, {"size": 1}), (M, {"size": 3, "alpha": 1.0, "beta": 0.5, "k": 2.0})],
    "global_response_norm": [(M, {}), (P, {}), ((1, 4, 4), {"eps": 0.1})],
    "max_pool": [
        (M, {}),
        *((M, {"size": S(3, 3), "stride": S(2, 2), "ceil": ceil, **UPPER}) for ceil in (False, True)),
        *((M, {"size": k, "stride": S(2, 3), **UPPER}) for k in (S(1, 1), S(2, 2), S(4, 5))),
        (M, {"size": S(2, 4), "stride": S(1, 1), **UPPER}),
        (P, {"size": S(3, 2), **UPPER}),
        (M, {"ceil": True}),
        (M, {"size": S(3, 3), "stride": S(2, 2), "padding": S(1, 1)}),
        (M, {"size": S(3, 3), "stride": S(2, 2), "padding": S(1, 1), "ceil": True}),
        (M, {"size": S(3, 3), "stride": S(1, 1), "padding": S(1, 1), "ceil": True}),
        (M, {"size": S(2, 2), "stride": S(3, 3), "ceil": True}),
        (M, {"size": S(1, 2), "stride": S(3, 3), "ceil": True}),
        (M, {"size": S(2, 5), "stride": S(1, 4), "padding": S(1, 0), "ceil": True}),
        ((3, 224, 224), {"size": S(3, 3), "stride": S(2, 2), "ceil": True}),
        (P, {"ceil": True}),  # a window larger than the map
        ((3, 1, 2), {"size": S(3, 4), "stride": S(3, 2), "padding": S(0, 1), "ceil": True}),
    ],
    "avg_pool": [
        (M, {}),
        *(
            (M, {"size": k, "stride": s, "count_padding": counts, "ceil": ceil, **UPPER})
            for k, s in ((S(3, 3), S(2, 2)), (S(4, 5), S(2, 3)), (S(2, 4), S(1, 1)))
            for counts, ceil in ((False, True), (True, False))
        ),
        (P, {"size": S(3, 2), "count_padding": False, **UPPER}),
        (P, {"ceil": True}),
        ((3, 1, 2), {"size": S(3, 4), "stride": S(3, 2), "padding": S(0, 1), "ceil": True}),
        *(
            (M, {"size": S(3, 3), "stride": S(2, 2), "padding": p, "ceil": ceil, "count_padding": counts})
            for p in (S(0, 0), S(1, 1), S(1, 0))
            for ceil in (False, True)
            for counts in (False, True)
        ),
        (M, {"size": S(4, 4), "stride": S(3, 3), "padding": S(2, 2), "ceil": True}),
        (M, {"size": S(4, 4), "stride": S(3, 3), "padding": S(2, 2), "ceil": True, "count_padding": False}),
        (M, {"size": S(2, 2), "stride": S(5, 4), "ceil": True}),
        (M, {"size": S(7, 10)}),
    ],
    "global_avg_pool": [(M, {}), (P, {})],
    "global_max_pool": [(M, {}), (P, {})],
    "adaptive_avg_pool": [
        (M, {"size": S(7, 10)}),
        (M, {"size": S(1, 5)}),
        (M, {"size": S(3, 4)}),
        (M, {"size": S(7, 7)}),
        (M, {"size": S(9, 3)}),
        (P, {"size": S(4, 4)}),
    ],
    "adaptive_max_pool": [
        (M, {"size": S(7, 10)}),
        (M, {"size": S(7, 5)}),
        (M, {"size": S(3, 4)}),
        (M, {"size": S(9, 3)}),
        (P, {"size": S(4, 4)}),
        (M, {"size": S(1, 1)}),
    ],
    "channel_mean": [(M, {}), (P, {}), ((1, 3, 4), {})],
    "channel_max": [(M, {}), (P, {}), ((1, 3, 4), {})],
    "blur_pool": [(M, {}), (M, {"size": 2}), (M, {"size": 4}), (M, {"size": 5}), ((3, 9, 9), {"size": 7})],
    **{name: [(M, {}), (V, {}), (P, {})] for name in ACTIVATIONS},
    "dropout": [(M, {}), (V, {"p": 0.3}), (M, {"p": 0.0})],
    "spatial_dropout": [(M, {}), (M, {"p": 0.2})],
    "drop_path": [(M, {"p": 0.5}), (V, {"p": 0.1}), (M, {"p": 0.0})],
    "gaussian_noise": [(M, {"std": 0.1}), (V, {"std": 0.0})],
    "channels": [(M, {"start": 0, "stop": 8}), (M, {"start": 2, "stop": 5}), (V, {"start": 11, "stop": 12})],
    "channel_shuffle": [(M, {"groups": 1}), (M, {"groups": 2}), (M, {"groups": 4}), (M, {"groups": 8})],
    "pixel_shuffle": [(M, {"r": 2}), (M, {"r": 1}), ((27, 2, 3), {"r": 3})],
    "space_to_depth": [((3, 4, 6), {"r": 2}), ((2, 6, 9), {"r": 3}), (M, {"r": 1})],
    "upsample": [
        (M, {"scale": scale, "mode": mode}) for scale in (S(2, 2), S(3, 1), S(1, 4)) for mode in ("nearest", "bilinear")
    ]
    + [(P, {"mode": "bilinear"}), (P, {})],
    "resize_to": [
        ([M], {"size": S(13, 5), "mode": "bilinear"}),
        *(([M], {"size": size, "mode": mode}) for size in (S(14, 20), S(3, 27), S(82, 1)) for mode in MODES),
        *(([P], {"size": S(3, 5), "mode": mode}) for mode in MODES),
        *(([(3, 2, 9), (2, 82, 4)], {"like": "other", "mode": mode}) for mode in MODES),
        ([M, (3, 4, 4)], {"like": "other", "mode": "bicubic"}),
    ],
    "pad": [
        (M, {"size": size, "mode": mode})
        for size in (S(1, 1), S(2, 0), (0, 1, 2, 3), S(0, 0))
        for mode in ("zero", "reflect", "replicate")
    ],
    "crop_to": [
        ([M, (3, 7, 10)], {"name": "other"}),
        ([M, (3, 4, 4)], {"name": "other"}),
        ([M, (9, 2, 1)], {"name": "other"}),
        ([M, (3, 4, 4)], {"name": "other", "offset": S(0, 0)}),
        ([M, (3, 4, 4)], {"name": "other", "offset": S(3, 5)}),
    ],
    "add": [([M, M], {}), ([V, V, V], {}), ([M], {})],
    "multiply": [
        ([M, P], {}),
        ([P, M], {}),
        ([P, P, M], {}),
        ([M, M], {}),
        ([V, V], {}),
        ([M], {}),
        ([P, P], {}),
        *(([*shapes], {}) for shapes in ((M, (1, 7, 10)), ((1, 7, 10), P, M), (P, (1, 1, 1)))),
    ],
    "maximum": [([M, M], {}), ([V, V, V], {}), ([M], {}), ([P, P, P], {})],
    "concat": [([M, (3, 7, 10)], {}), ([V, (1,), V], {}), ([M], {}), ([P, P], {})],
    "scale": [
        (M, {"value": 0.1}),
        (V, {"value": -2.0}),
        *((shape, {"value": 0.5, "learned": True}) for shape in (V, P, M)),
    ],
    "layer_scale": [(M, {}), (V, {"init": 0.5}), (P, {"init": 0.1})],
    # What only passes its input on, or is worked out while compiling and then does so.
    "input": [(M, {"channels": 8, "size": S(7, 10)}), (V, {"channels": 12})],
    "expect": [(M, {"channels": 8, "size": S(7, 10)}), (V, {"channels": 12})],
    "identity": [(M, {}), (V, {})],
    "as": [(M, {"name": "here"})],
    "from": [(M, {"name": "here"})],
    "residual": [(M, {})],
    "repeat": [(M, {"n": 0})],
    "head": [(M, {"name": "early"})],
}


def each_case(holds: Callable[..., None]) -> Any:
    """A test for each layer, of all its cases."""

    def test(graph_of: Callable[..., Graph], name: str) -> None:
        each_of(CASES[name], lambda shape, given: holds(graph_of, name, shape, given))

    test.__doc__ = holds.__doc__
    return pytest.mark.parametrize("name", CASES)(test)


def test_every_layer_has_cases() -> None:
    assert CASES.keys() == OPS.keys()
    assert all(CASES.values())


def one_layer(graph_of: Callable[..., Graph], name: str, shape: Any, given: dict[str, Any]) -> Graph:
    """A graph of one layer. One that joins gets inputs of its shapes by slices of one input."""
    if not isinstance(shape, list):
        return graph_of(shape, [("layer1", name, given, (0,))])
    first = shape[0]
    total = sum(s[0] for s in shape)
    size = tuple(max(s[i] for s in shape) for i in range(1, len(first)))
    layers: list[Any] = []
    inputs = []
    start = 0
    for s in shape:
        layers.append((f"slice{start}", "channels", {"start": start, "stop": start + s[0]}, (0,)))
        if s[1:] != size:
            layers.append((f"small{start}", "adaptive_avg_pool", {"size": S(*s[1:])}, (len(layers),)))
        inputs.append(len(layers))
        start += s[0]
    return graph_of((total, *size), [*layers, ("layer1", name, given, tuple(inputs))])


def session(graph: Graph, net: Net, opset: int) -> onnxruntime.InferenceSession:
    g = Builder(opset)
    x = g.input("x", TensorProto.FLOAT, ["N", *graph.input])
    state = {key: value.numpy() for key, value in net.state_dict().items()}
    logits = lower(graph, state, g, x).logits
    g.output(g.node("Identity", [logits], name="y"), ["N", *net(batch_of(graph, 2)).shape[1:]])
    model = g.model("Hand")
    onnx.checker.check_model(model, full_check=True)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


@each_case
def test_module_has_shape_and_weights(graph_of: Any, name: str, shape: Any, given: dict[str, Any]) -> None:
    graph = one_layer(graph_of, name, shape, given)
    node = graph.nodes[-1]
    net = made(graph)
    logits = node.shape[:1] if node.shape[1:] == (1, 1) else node.shape
    assert net.eval()(batch_of(graph, 2)).shape == (2, *logits)
    assert net.train()(batch_of(graph, 2)).shape == (2, *logits)
    assert sum(p.numel() for p in net.parameters()) == graph.parameters


@each_case
def test_declared_weights_are_the_modules(graph_of: Any, name: str, shape: Any, given: dict[str, Any]) -> None:
    graph = one_layer(graph_of, name, shape, given)
    node, net = graph.nodes[-1], build(graph)
    module = net.layers.get(node.name, torch.nn.Identity())
    weights, statistics = graph.weights(node), graph.statistics(node)
    assert [(w.name, w.shape) for w in weights] == [(n, tuple(p.shape)) for n, p in module.named_parameters()]
    kept = [(n, tuple(value.shape)) for n, value in module.named_buffers() if n in module.state_dict()]
    assert [(s.name, s.shape) for s in statistics] == kept
    assert all(p.requires_grad == node.learns for p in module.parameters())
    assert bool(statistics) == node.op.batch_statistics
    assert isinstance(node.op.signal, WeightedSum) == (graph.kernel(node) is not None)


@each_case
def test_weights_start_as_declared(graph_of: Any, name: str, shape: Any, given: dict[str, Any]) -> None:
    """Constants are what `initialize` gives over other numbers; what is drawn has the initializer's mean square."""
    graph = one_layer(graph_of, name, shape, given)
    node, net = graph.nodes[-1], made(graph)
    initialize(net, seed=1)
    state = net.state_dict()
    declared: list[WeightSpec | Statistic] = [*graph.weights(node), *graph.statistics(node)]
    for spec in declared:
        value = state[f"{node.name}.{spec.name}"].double()
        if isinstance(spec.start, Drawn):
            variance = component(Initializer, spec.start.init).variance
            assert variance is not None
            square, n = variance(spec.start.fans, spec.start.init.args), value.numel()
            assert value.square().mean().item() == pytest.approx(square, rel=5 * (2 / n) ** 0.5)
        else:
            assert torch.equal(value, torch.full(spec.shape, spec.start, dtype=torch.float32).double())


@each_case
def test_every_weight_reaches_the_onnx_graph(graph_of: Any, name: str, shape: Any, given: dict[str, Any]) -> None:
    graph = one_layer(graph_of, name, shape, given)
    node, g = graph.nodes[-1], Builder(20)
    x = g.input("x", TensorProto.FLOAT, ["N", *graph.input])
    lower(graph, {key: value.numpy() for key, value in made(graph).state_dict().items()}, g, x)
    read = {name for one in g.nodes for name in one.input}
    for spec in graph.weights(node):
        if (name, spec.name) == ("ws_conv", "gain"):
            continue  # the kernel is multiplied by it
        key = f"{node.name}.{spec.name}"
        assert key in read and g.initializers[key].size == spec.size


@each_case
def test_onnx_gives_what_the_module_gives(graph_of: Any, name: str, shape: Any, given: dict[str, Any]) -> None:
    graph = one_layer(graph_of, name, shape, given)
    net = made(graph).eval()
    for opset in OPSETS:
        run = session(graph, net, opset)
        for count in (1, 2, 7, 16):
            x = batch_of(graph, count)
            with torch.no_grad():
                expected = net(x).numpy()
            (found,) = run.run(None, {"x": x.numpy()})
            assert found.shape == expected.shape
            assert np.abs(found - expected).max() <= 1e-5 * np.abs(expected).max(), opset


# In an exported file, before and after the layer: the first case of each layer, or the first and the last.
MAPS = {
    name: [(shape, given) for shape, given in cases if (type(shape) is list or len(shape) == 3) and shape[0] != V]
    for name, cases in CASES.items()
}
ALLOWED = {"fp16": 0.02, "int8": 0.25}  # of the output's scale, for one layer of random weights


@pytest.mark.parametrize("precision", ALLOWED)
@pytest.mark.parametrize("name", [name for name, cases in MAPS.items() if cases])
def test_onnx_in_few_bits_gives_much_the_same(graph_of: Any, name: str, precision: str) -> None:
    cases = MAPS[name][:: len(MAPS[name]) - 1 or 1] if ALL else MAPS[name][:1]
    each_of(cases, lambda shape, given: is_much_the_same(one_layer(graph_of, name, shape, given), precision))


def is_much_the_same(graph: Graph, precision: str) -> None:
    net = made(graph).eval()
    g = Builder(20)
    images = g.input("images", TensorProto.UINT8, ["N", *graph.input])
    g.scope = "preprocess"
    x = g.node("Div", [g.node("Cast", [images], to=TensorProto.FLOAT), g.floats(128.0)])
    logits = lower(graph, {key: value.numpy() for key, value in net.state_dict().items()}, g, x).logits
    g.output(g.node("Identity", [logits], name="logits"), ["N", *graph.output_shape])
    whole = g.model("Hand")
    pixels = np.random.default_rng(0).integers(0, 256, (16, *graph.input), dtype=np.uint8)
    changed = convert(whole, precision, Resident(torch.from_numpy(pixels), torch.zeros(16, dtype=torch.int64)))
    check_graph(changed)
    before, after = open_session(whole.SerializeToString()), open_session(changed.SerializeToString())
    for count in (1, 5):
        ours, theirs = run(before, pixels[:count]), run(after, pixels[:count])
        assert ours.shape == theirs.shape and theirs.dtype == np.float32
        assert np.abs(ours - theirs).max() <= ALLOWED[precision] * max(np.abs(ours).max(), 1e-6)


@each_case
def test_every_weight_gets_a_gradient(graph_of: Any, name: str, shape: Any, given: dict[str, Any]) -> None:
    graph = one_layer(graph_of, name, shape, given)
    net = made(graph).train()
    x = batch_of(graph, 4).requires_grad_()
    (net(x) * torch.linspace(-1, 1, net(x).numel()).reshape(net(x).shape)).sum().backward()
    assert x.grad is not None and torch.isfinite(x.grad).all()
    for key, parameter in net.named_parameters():
        assert not parameter.requires_grad or (parameter.grad is not None and parameter.grad.abs().sum() > 0), key


@pytest.mark.parametrize("name", sorted(OPS))
def test_layer_is_documented(name: str) -> None:
    op = OPS[name]
    assert op.doc and op.group and op.example and all(param.doc for param in op.params)
    assert (op.torch is None) == (op.onnx is None and not op.training_only)
