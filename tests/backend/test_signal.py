"""What the graph predicts of a fresh network's gradients and activations, held against torch."""

import math
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from specc.backend.build import build, instantiate
from specc.backend.initialize import initialize
from specc.check import check
from specc.check.lint.lint import IMAGE_DEVIATION, IMAGE_MEAN, SHARED
from specc.ir.graph import Graph
from specc.ir.init import end_scale
from specc.ir.signal import predict
from specc.ops import OPS
from specc.ops.signal import Function, Moments
from specc.source import Source
from specc.values import Args
from specc.vocabulary.shape import Shape

IMAGES = 16
NORMALIZED = Moments(0.0, 1.0, SHARED, 0.0)
EXAMPLES = Path(__file__).parents[2] / "examples"


def pictures(shape: Shape, seed: int) -> Tensor:
    """Images of mean 0 and deviation 1, smooth as photographs are: noise of every size, partly gray."""
    source = torch.Generator().manual_seed(seed)
    channels, height, width = shape
    images, size = torch.zeros(IMAGES, *shape), 1
    while size <= max(height, width):
        gray = torch.randn(IMAGES, 1, size, size, generator=source)
        color = torch.randn(IMAGES, channels, size, size, generator=source)
        images += F.interpolate(gray + 0.5 * color, size=(height, width), mode="bilinear", align_corners=False)
        size *= 2
    return (images - images.mean()) / images.std()


def gradients(graph: Graph, images: Tensor, seed: int) -> tuple[float, float]:
    """Of a freshly drawn network: gradient at the first kernel over that at the last one, both as root mean squares,
    but for the small start of the last one; and the root mean square of what flows into the last kernel."""
    net = build(graph)
    initialize(net, seed)
    kernels = [node.name for node in graph.nodes if hasattr(node.args, "init") and node.name in net.layers]
    inputs: dict[str, Tensor] = {}
    last = net.layers[kernels[-1]]
    last.register_forward_hook(lambda module, given, out: inputs.update(last=given[0].detach()))
    logits = net.train()(images)
    F.cross_entropy(logits, torch.arange(IMAGES) % logits.shape[1]).backward()
    first, final = (net.layers[name].get_parameter("weight").grad for name in (kernels[0], kernels[-1]))
    assert first is not None and final is not None
    ratio = float((first.square().mean() / final.square().mean()).sqrt()) / end_scale(graph)
    return ratio, float(inputs["last"].square().mean().sqrt())


def measured(graph: Graph, images: Moments = NORMALIZED) -> tuple[float, float]:
    """Geometric means over three draws."""
    drawn = []
    for seed in range(3):
        shown = pictures(graph.input, seed)
        if images is not NORMALIZED:
            shown = (shown * IMAGE_DEVIATION + IMAGE_MEAN).clamp(0, 1)
        drawn.append(gradients(graph, shown, seed))
    ratio, size = (math.exp(sum(map(math.log, values)) / len(drawn)) for values in zip(*drawn, strict=True))
    return ratio, size


def off(predicted: float, found: float) -> float:
    """How many times one is larger than the other."""
    return max(predicted / found, found / predicted)


def graph_of(text: str, variant: str | None = None) -> Graph:
    graph = check(Source("net.cnn", text), variant=variant).graph
    assert graph is not None
    return graph


def network(body: str, end: str = "flatten -> dense(10, init=he_normal)") -> Graph:
    return graph_of(f"network N {{\ninput(3, 16x16)\n{body}\n{end}\n}}")


SATURATING = [
    (activation, init, depth)
    for activation in ("sigmoid", "hard_sigmoid", "tanh")
    for init in ("glorot_uniform", "he_normal", "lecun_normal", "normal(0.01)")
    for depth in (3, 9)
]


@pytest.mark.parametrize(("activation", "init", "depth"), SATURATING)
def test_stacks_of_saturating_activations(activation, init, depth):
    """Gradients from 2e+1 down to 4e-14, each predicted to a factor of 1.3."""
    graph = network(f"repeat({depth}) {{ conv(24, init={init}) -> {activation} }}")
    ratio, _ = measured(graph)
    assert off(predict(graph, NORMALIZED).gradient_ratio, ratio) < 1.5


@pytest.mark.parametrize("activation", ["relu", "gelu", "silu", "elu", "selu", "leaky_relu(0.2)", "prelu", "softplus"])
@pytest.mark.parametrize("init", ["glorot_uniform", "he_normal", "orthogonal"])
def test_how_much_of_the_signal_reaches_the_last_layer(activation, init):
    graph = network(f"repeat(6) {{ conv(24, init={init}) -> {activation} }}")
    signal = predict(graph, NORMALIZED)
    predicted = math.sqrt(signal.moments[graph.nodes[graph.output].inputs[0]].square)
    ratio, size = measured(graph)
    assert off(predicted, size) < 2  # what padding takes away is not predicted: 4% a layer here
    assert off(signal.gradient_ratio, ratio) < 2


BODIES = {
    "norm before": "repeat(6) { conv(24) -> batch_norm -> sigmoid }",
    "norm behind": "repeat(6) { conv(24) -> sigmoid -> batch_norm }",
    "skip": "conv(24)\nrepeat(6) { residual { conv(24, init=glorot_uniform) -> tanh } }",
    "instance norm": "repeat(4) { conv(24) -> instance_norm -> relu }",
    "group norm": "repeat(4) { conv(24) -> group_norm(4) -> relu }",
    "layer norm": "repeat(4) { conv(24) -> layer_norm -> relu }",
    "max pool": "for c in [16, 32] { conv(c) -> relu -> max_pool(2) }",
    "average pool": "for c in [16, 32] { conv(c, init=glorot_uniform) -> tanh -> avg_pool(2) }",
    "dense": "flatten\nrepeat(6) { dense(64, init=glorot_uniform) -> sigmoid }",
    "branches": "conv(16) -> relu\nconcat { | conv(8) -> relu | conv(8, 1x1) -> tanh }\nconv(16) -> relu",
    "gate": "conv(16)\nmultiply { | identity | global_avg_pool -> conv(16, 1x1) -> sigmoid }\nconv(16) -> relu",
    "depthwise": "conv(16) -> relu\nrepeat(2) { depthwise_conv -> relu -> conv(16, 1x1) -> relu }",
    "standardized": "repeat(4) { ws_conv(24) -> group_norm(4) -> relu }",
    "standardized with gain": "conv(24)\nrepeat(4) { ws_conv(24, gain=true, gamma=1.7) -> relu }",
    "standardized with a small gain": "conv(24)\nrepeat(3) { residual { ws_conv(24, gain=true, init_scale=0.2) } }",
    "small scale": "conv(24)\nrepeat(3) { residual { conv(24) -> batch_norm(init_scale=0.2) -> relu -> conv(24) } }",
    "maxout": "repeat(4) { maximum { | conv(24, init=lecun_normal) | conv(24, init=lecun_normal) } }",
    "spatial gate": "conv(16)\nmultiply { | identity | channel_max -> conv(1, 5x5) -> sigmoid }\nconv(16) -> relu",
    "mean gate": "conv(16)\nmultiply { | identity | channel_mean -> conv(1, 5x5) -> sigmoid }\nconv(16) -> relu",
    "channel gate": "conv(16)\nmultiply { | identity | global_avg_pool -> channel_conv(3) -> sigmoid }\nconv(16)",
    "largest of parts": "conv(16) -> relu -> adaptive_max_pool(4x4) -> conv(16) -> relu",
    "dropout": "repeat(3) { conv(24) -> relu -> dropout(30%) }",
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_other_layers(body):
    graph = network(body)
    ratio, _ = measured(graph)
    assert off(predict(graph, NORMALIZED).gradient_ratio, ratio) < 1.5


@pytest.mark.parametrize(
    "body",
    [
        "repeat(6) { conv(24) -> relu }",
        "repeat(6) { conv(24) -> batch_norm -> relu }",
        "repeat(6) { conv(24) -> tanh }",
        "flatten\nrepeat(6) { dense(64) -> sigmoid }",
    ],
)
def test_where_auto_starts_the_last_kernel_small_the_ratio_is_still_that_of_the_layers(body):
    """Within a factor of 3: nearly even answers to nearly even classes cancel out in part at the last kernel."""
    graph, before = network(body, "flatten -> dense(10)"), network(body)
    ratio, _ = measured(graph)
    assert off(predict(graph, NORMALIZED).gradient_ratio, ratio) < 3
    assert predict(graph, NORMALIZED).gradient_ratio == pytest.approx(predict(before, NORMALIZED).gradient_ratio)


def test_behind_a_global_pool_the_gradient_is_the_same_everywhere():
    graph = network("repeat(6) { conv(24, init=glorot_uniform) -> sigmoid }", "global_avg_pool -> dense(10)")
    ratio, _ = measured(graph)
    assert off(predict(graph, NORMALIZED).gradient_ratio, ratio) < 3


@pytest.mark.parametrize("variant", [None, "shallow", "standard", "he", "skip", "batchnorm"])
def test_the_deck(variant):
    """The network that does not learn, and those that do: 5e-8 where it is measured for the first of them."""
    graph = graph_of((EXAMPLES / "deck_cifar10.cnn").read_text(), variant)
    mean, variance = IMAGE_MEAN**2, IMAGE_DEVIATION**2
    unit = Moments(IMAGE_MEAN, mean + variance, mean + SHARED * variance, mean)
    images = unit if variant in (None, "shallow") else NORMALIZED
    ratio = gradients_of_deck(graph, images)
    assert off(predict(graph, images).gradient_ratio, ratio) < 3
    assert (ratio < 1e-6) == (variant is None)


def gradients_of_deck(graph: Graph, images: Moments) -> float:
    shown = pictures(graph.input, 0)
    if images is not NORMALIZED:
        shown = (shown * IMAGE_DEVIATION + IMAGE_MEAN).clamp(0, 1)
    return gradients(graph, shown, 0)[0]


POINTWISE = [op for op in OPS.values() if isinstance(op.signal, Function)]


@pytest.mark.parametrize("op", POINTWISE, ids=lambda op: op.name)
def test_each_activation_is_the_function_that_it_says(op):
    args = Args(**{param.name: param.default for param in op.params})
    module = instantiate(op.torch((1,), args))
    x = torch.linspace(-8, 8, 81, dtype=torch.float64).unsqueeze(1)
    function = op.signal.function(args)
    expected = module.double()(x).detach().squeeze(1)
    assert torch.allclose(torch.tensor([function(float(v)) for v in x]).double(), expected, atol=1e-6)


def test_every_pointwise_activation_has_its_function():
    others = [op.name for op in OPS.values() if op.group == "activation" and op not in POINTWISE]
    assert others == ["softmax"]


@pytest.mark.parametrize("op", POINTWISE, ids=lambda op: op.name)
def test_which_activations_saturate_and_which_rectify(op):
    """Flat on both sides, though not at zero; or letting less than 60% of small numbers' square through."""
    f = op.signal.function(Args(**{param.name: param.default for param in op.params}))
    flat = abs(f(40) - f(30)) < 1e-3 and abs(f(-40) - f(-30)) < 1e-3
    around_zero = (((f(1e-3) - f(0)) / 1e-3) ** 2 + ((f(0) - f(-1e-3)) / 1e-3) ** 2) / 2
    rectifies = f(0) == 0 and around_zero < 0.6
    assert (op.saturates, op.rectifies) == (flat and not rectifies, rectifies)
