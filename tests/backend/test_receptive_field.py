"""What `show` says that a layer sees, against gradients in float64: every op, random networks, and known cases.

Rectifiers are left out and maxima become means, which depend on the same pixels, but on all of them at once.
"""

import os
from random import Random
from typing import Any

import pytest
import torch

from specc.backend.build import build
from specc.check import check
from specc.ir.graph import Graph, Node
from specc.ops import OPS
from specc.ops.op import Op
from specc.source import Source
from specc.values import Args
from specc.vocabulary.target import Target

NEGLIGIBLE = 1e-12  # of the largest gradient: bilinear weights of 0 are rounded to less
TRIED = int(os.environ.get("SPECC_FUZZ", "60"))
MOST_NUMBERS = 600  # of a flat output, each of which is looked at by itself


def graph_of(body: str, size: str = "16x16", channels: int = 8) -> Graph:
    checked = check(Source("net.cnn", f"network N {{ input({channels}, {size})\n{body}\n}}"))
    assert checked.graph is not None, [problem.message for problem in checked.errors]
    return checked.graph


SMOOTH = {
    "torch.nn.MaxPool2d": "torch.nn.AvgPool2d",
    "torch.nn.AdaptiveMaxPool2d": "torch.nn.AdaptiveAvgPool2d",
    "specc.backend.layers.SameUpperMaxPool2d": "specc.backend.layers.SameUpperAvgPool2d",
    "specc.backend.layers.ChannelMax": "specc.backend.layers.ChannelMean",
    "specc.backend.layers.Maximum": "specc.backend.layers.Add",
    "torch.nn.ReLU": "torch.nn.Identity",
    "torch.nn.ReLU6": "torch.nn.Identity",
}


def smooth(op: Op) -> Op:
    """The op, with a module whose gradient is zero only where its output does not depend on its input."""
    target = op.torch
    if target is None:
        return op

    def replaced(x: Any, a: Args) -> Target:
        path, kwargs = target(x, a)
        return Target(SMOOTH.get(path, path), kwargs)

    return op._replace(torch=replaced)


def extent(seen: torch.Tensor) -> int:
    """From the first to the last true value of a row."""
    places = seen.nonzero().flatten().tolist()
    return places[-1] - places[0] + 1 if places else 0


def measured(graph: Graph, node: Node) -> tuple[int, int]:
    """The largest height and width of pixels, over the positions of a node, whose gradient is not zero."""
    graph.output, graph.heads = node.index, []
    for one in graph.nodes:
        one.op = smooth(one.op)
    torch.manual_seed(0)
    net = build(graph).double().eval()
    for weight in net.parameters():
        if not weight.any():  # what starts as the identity
            torch.nn.init.uniform_(weight)
    image = torch.randn(1, *graph.input, dtype=torch.float64, requires_grad=True)
    value = net(image)
    value = value.reshape(1, *node.shape) if len(node.shape) == 3 else value
    parts = torch.randn_like(value) * value  # at random, so that nothing cancels that is normalized to a constant sum
    sums = [parts[0, i] for i in range(len(parts[0]))] if value.dim() == 2 else []
    rows = sums or [parts[:, :, i].sum() for i in range(value.shape[2])]
    columns = sums or [parts[:, :, :, i].sum() for i in range(value.shape[3])]

    def widest(sums: list[torch.Tensor], axis: int) -> int:
        found = 0
        for one in sums:
            (gradient,) = torch.autograd.grad(one, image, retain_graph=True)
            size = gradient[0].abs().sum(0)
            found = max(found, extent((size > NEGLIGIBLE * size.max()).any(axis)))
        return found

    return widest(rows, 1), widest(columns, 0)


def wrong(graph: Graph, nodes: list[Node]) -> list[str]:
    return [
        f"{node.name} ({node.op.name}) says {node.receptive_field}, sees {sees}"
        for node in nodes
        if len(node.shape) == 3 or node.shape[0] <= MOST_NUMBERS
        if (sees := measured(graph, node)) != node.receptive_field
    ]


@pytest.mark.parametrize("name", [name for name, op in OPS.items() if op.torch is not None])
def test_what_each_op_sees(name: str) -> None:
    before = "" if name == "input" else "conv(8, 3x3)\n"
    graph = graph_of(before + OPS[name].example, "16x16")
    assert not wrong(graph, [node for node in graph.nodes[1:] if node.op.name == name or node.index == graph.output])


@pytest.mark.parametrize(
    ("body", "sees"),
    [
        ("conv(4) -> adaptive_avg_pool(12x12)", 4),
        ("conv(4, stride=2) -> conv(4, stride=2) -> conv_transpose(4) -> conv_transpose(4)", 7),
        ("conv(4, stride=2) -> conv(4, stride=2) -> conv_transpose(4, 3x3, padding=1) -> conv_transpose(4, 3x3)", 11),
        ("conv(4) -> conv(4, stride=2) -> conv(4) -> upsample(2, mode=bilinear)", 11),
        ("conv(4) -> upsample(3, mode=bilinear) -> conv(9) -> pixel_shuffle(3) -> conv(4)", 5),
        ("conv(4) -> conv_transpose(4, 3x3, padding=1, output_padding=1, stride=2, dilation=2)", 5),
        ("conv(4, stride=2) -> conv_transpose(4, 3x3, stride=3, dilation=2) -> conv(4)", 7),
        ("conv(4, stride=2, padding=same_upper) -> max_pool(3, stride=2, padding=same_upper)", 7),
        ("conv(4) -> resize_to(40) -> conv(4)", 5),
        ("conv(4) -> resize_to(13x13, mode=bicubic)", 6),
        ("conv(4) -> resize_to(13, mode=nearest) -> conv(4)", 7),
        ("conv(4) -> as(a) -> pad(3) -> conv(4) -> crop_to(a, offset=0)", 5),
        ("conv(4) -> multiply { | identity | channel_max -> conv(1, 7x7) -> sigmoid }", 9),
        ("conv(4) -> maximum { | conv(4) | conv(4, 5x1) | conv(4, 1x5) }", 7),
        ("conv(4) -> global_response_norm", 24),
        ("conv(4) -> adaptive_max_pool(12x12)", 4),
        ("conv(4, 1x1, stride=4) -> conv(4, 2x2, padding=0)", 5),
        ("conv(4, dilation=3) -> conv(4, padding=9, dilation=4)", 15),
        ("pad(2, mode=reflect) -> conv(4, 5x5, padding=0) -> pad((3, 0, 0, 3), mode=replicate) -> conv(4)", 7),
        ("pad(3) -> conv(4, 1x1) -> conv(4, dilation=5, padding=0)", 11),
        ("conv(4) -> as(a) -> pad(3) -> conv(4) -> crop_to(a)", 5),
        ("conv(4) -> blur_pool(4) -> blur_pool", 10),
        ("conv(4) -> group_norm(2)", 24),
        ("conv(4) -> instance_norm -> conv(4)", 24),
        ("conv(4) -> layer_norm(over=image)", 24),
        ("conv(4) -> layer_norm", 3),
        ("conv(4, 1x1, stride=4) -> global_avg_pool", 21),
        ("conv(4) -> multiply { | identity | global_avg_pool -> conv(in.channels, 1x1) -> sigmoid }", 24),
        ("conv(4) -> max_pool(3, stride=2, ceil=true) -> avg_pool(3, stride=2, padding=1)", 9),
    ],
)
def test_known_networks(body: str, sees: int) -> None:
    graph = graph_of(body, "24x24", 4)
    assert (graph.nodes[-1].receptive_field, measured(graph, graph.nodes[-1])) == ((sees, sees), (sees, sees))


def test_the_inside_of_a_u_net() -> None:
    graph = graph_of(
        "conv(2) -> conv(2) -> as(a) -> max_pool -> conv(2) -> conv(2) -> as(b) -> max_pool -> conv(2) -> conv(2)\n"
        "conv_transpose(2) -> as(up)\nconcat { | from(b) | from(up) } -> conv(2) -> conv(2)\n"
        "conv_transpose(2) -> as(top)\nconcat { | from(a) | from(top) } -> conv(2) -> conv(2)",
        "56x56",
        1,
    )
    assert not wrong(graph, graph.nodes[5::4])


@pytest.mark.parametrize("tail", ["relu", "batch_norm", "layer_norm", "softmax", "group_norm(2)", "dense(3)"])
def test_flat_values_see_what_their_positions_saw(tail: str) -> None:
    graph = graph_of(f"conv(2, stride=3) -> flatten\n{tail}", "9x12", 1)
    assert graph.nodes[2].receptive_field == (3, 3)
    assert graph.nodes[-1].receptive_field == ((3, 3) if tail in ("relu", "batch_norm") else (8, 11))
    if tail != "softmax":  # which is folded into the loss
        assert not wrong(graph, graph.nodes[1:])


def test_flat_branches() -> None:
    both = "concat { | flatten -> dense(4) | conv(2) -> flatten } -> as(x)\nadd { | identity | relu }"
    graph = graph_of(f"conv(1) -> as(m)\n{both}", "6x7", 1)
    assert graph.nodes[-1].receptive_field == (6, 7)
    same = graph_of("conv(1)\nadd { | conv(2, 3x1) -> flatten | conv(2, 1x5) -> flatten }", "12x12", 1)
    assert same.nodes[-1].receptive_field == (5, 7)
    assert not wrong(same, same.nodes[1:])
    other = graph_of("conv(1)\nadd { | flatten | max_pool -> conv(4, 1x1) -> flatten }", "12x12", 1)
    assert other.nodes[-1].receptive_field == (12, 12)  # which number meets which is not worked out


LAYERS = (
    *("conv(3)", "conv(2, 5x3, stride=2)", "conv(3, 2x2)", "conv(2, dilation=2)", "conv(4, 1x1, stride=2x1)"),
    *("conv(2, 3x1, padding=2x0)", "conv(2, 1x1, padding=1)", "conv(2, padding=0, dilation=1x2)", "depthwise_conv"),
    *("conv_transpose(2)", "conv_transpose(2, 3x3, padding=1)", "conv_transpose(2, 2x1, stride=3x2)"),
    *("max_pool", "max_pool(3, stride=2, padding=1, ceil=true)", "avg_pool(3, stride=1)", "avg_pool(2, stride=3x1)"),
    *("adaptive_avg_pool(5x4)", "blur_pool", "blur_pool(4)", "upsample(2)", "upsample(3x2, mode=bilinear)"),
    *("pad((1, 0, 2, 1))", "pad(2, mode=reflect)", "pad((0, 2, 1, 1), mode=replicate)", "space_to_depth(2)"),
    *("conv(3, stride=2, padding=same_upper)", "avg_pool(3, stride=2, padding=same_upper)", "resize_to(9x13)"),
    *("conv_transpose(2, 3x3, stride=2, dilation=3, output_padding=1)", "conv_transpose(2, stride=2, dilation=2)"),
    *("resize_to(20x6, mode=nearest)", "resize_to(7x15, mode=bicubic)", "adaptive_max_pool(4x5)"),
    *("conv(8) -> pixel_shuffle(2)", "batch_norm", "layer_norm", "as(x) -> pad(1) -> conv(2) -> crop_to(x)"),
)
ENDS = ("", "", "", "group_norm(1)", "layer_norm(over=image) -> conv(2)", "flatten -> softplus", "global_avg_pool")


def written(seed: int) -> tuple[str, str]:
    random = Random(seed)  # noqa: S311

    def chain(depth: int) -> str:
        return " -> ".join(stage(depth) for _ in range(random.randrange(1, 4)))

    def stage(depth: int) -> str:
        if depth == 0 or random.random() < 0.8:
            return random.choice(LAYERS)
        shaped = random.choice(("conv(3)", "conv(3, 1x5)", "conv(3, 5x5, dilation=2) -> layer_norm"))
        return random.choice(
            (
                f"conv(3)\nresidual {{ {shaped} }}\nconv(2, 1x1)",
                f"concat {{ | identity | {shaped} | conv(1, 3x1) -> {shaped} }} -> conv(3, 1x1)",
                f"conv(3)\nadd {{ | conv(3, 1x1) | {shaped} }}",
                "multiply { | identity | global_avg_pool -> conv(in.channels, 1x1) -> softplus }",
            )
        )

    return f"conv(2)\n{chain(1)}\n{chain(1)}\n{random.choice(ENDS)}", random.choice(("17x14", "24x24", "11x30"))


def test_random_networks() -> None:
    seen = 0
    for seed in range(TRIED):
        body, size = written(seed)
        graph = check(Source("net.cnn", f"network N {{ input(1, {size})\n{body}\n}}")).graph
        if graph is None or any(side > 80 for side in graph.shape[1:]):
            continue
        seen += 1
        assert not wrong(graph, [graph.nodes[graph.output]]), (seed, size, body)
    assert seen > TRIED // 4
