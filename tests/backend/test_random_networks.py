"""Networks written at random: what is built gives the shape, and has the parameters, that the checker worked out.

`SPECC_FUZZ=20000` tries so many.
"""

import os
from random import Random

import pytest
import torch

from specc.backend.build import build
from specc.check import check
from specc.ir.graph import Graph
from specc.source import Source

TRIED = int(os.environ.get("SPECC_FUZZ", "300"))
LARGEST = 200_000  # numbers of an activation, and parameters: more takes time and shows nothing new

FILTERS = ("4", "c", "in.channels", "2 * in.channels", "max(1, in.channels // 2)")
KERNELS = ("1x1", "3x3", "5x5", "1x3", "2x2", "4")
HOWS = ("", ", stride=2", ", stride=2x1", ", dilation=2", ", padding=0", ", padding=1x0", ", bias=false")
LAYERS = (
    *("relu", "leaky_relu(0.1)", "prelu", "gelu", "hard_swish", "softplus", "dropout(10%)", "identity", "scale(0.5)"),
    *(
        "batch_norm",
        "batch_norm(scale=false)",
        "group_norm(1)",
        "instance_norm",
        "layer_norm",
        "layer_norm(over=image)",
    ),
    *("max_pool", "max_pool(3, stride=2, ceil=true)", "avg_pool(3, stride=2, padding=1, ceil=true)", "blur_pool"),
    *("adaptive_avg_pool(3x2)", "conv_transpose(3, 3x3, stride=2, padding=1)", "depthwise_conv(multiplier=2)"),
    *("upsample(2, mode=bilinear)", "pad((0, 1, 2, 0))", "pixel_shuffle(2)", "space_to_depth(2)", "layer_scale"),
    *("channels(0, in.channels // 2 + 1)", "channel_shuffle(2)", "local_response_norm(3)", "from(early)", "u(4)"),
    *("u(3, act=relu -> tanh, norm=group_norm(in.channels))", "as(early)", "if in.channels > 20 { conv(4, 1x1) }"),
)


def stage(random: Random, depth: int) -> str:
    if random.random() < 0.3:
        return f"conv({random.choice(FILTERS)}, {random.choice(KERNELS)}{random.choice(HOWS)})"
    if depth == 0 or random.random() < 0.7:
        return random.choice(LAYERS)
    first, second = body(random, depth - 1), body(random, depth - 1)
    return random.choice(
        (
            f"residual {{ {first} }}",
            f"add {{ | {first} | conv(in.channels) }}",
            f"concat {{ | identity | {first} | {second} }}",
            "multiply { | identity | global_avg_pool -> conv(in.channels, 1x1) -> sigmoid }",
            f"repeat({random.randrange(3)}) {{ {first} }}",
            f"if in.channels == {random.randrange(9)} {{ {first} }} else {{ {second} }}",
            f"for x in [1, {random.randrange(1, 5)}] {{ conv(x) -> {first} }}",
            f"head(h{random.randrange(99)}) {{ global_avg_pool -> dense(3) }}",
        )
    )


def body(random: Random, depth: int) -> str:
    return " -> ".join(stage(random, depth) for _ in range(random.randrange(1, 4)))


def written(seed: int) -> str:
    random = Random(seed)  # noqa: S311
    lines = "\n".join(f"  {body(random, 2)}" for _ in range(random.randrange(1, 4)))
    end = random.choice(("", "global_avg_pool -> dense(5)", "flatten -> dense(7) -> relu -> dense(3) -> softmax"))
    return (
        "block u(c, act=relu, norm=batch_norm) { conv(c) -> norm -> act }\n"
        f"network Net(c=6) {{\n  input(3, {random.choice(('12x12', '9x13'))}) -> as(early)\n{lines}\n  {end}\n}}\n"
    )


def is_small(graph: Graph) -> bool:
    return graph.parameters < LARGEST and all(torch.Size(node.shape).numel() < LARGEST for node in graph.nodes)


def test_what_is_built_is_what_was_worked_out():
    built = 0
    for seed in range(TRIED):
        text = written(seed)
        checked = check(Source("net.cnn", text))
        if checked.errors or checked.graph is None or not is_small(checked.graph):
            continue
        graph, built = checked.graph, built + 1
        net = build(graph).eval()
        with torch.no_grad():
            assert net(torch.zeros(2, *graph.input)).shape[1:] == graph.output_shape, text
        assert sum(weight.numel() for weight in net.parameters()) == graph.parameters, text
    assert built > TRIED // 4


@pytest.mark.parametrize("seed", range(20))
def test_the_same_text_gives_the_same_network(seed):
    first, second = (check(Source("net.cnn", written(seed))) for _ in range(2))
    assert [d.message for d in first.diagnostics] == [d.message for d in second.diagnostics]
    assert (first.graph is None) == (second.graph is None)
    if first.graph is not None and second.graph is not None:
        assert list(map(repr, first.graph.nodes)) == list(map(repr, second.graph.nodes))
