"""Layers of channel and spatial attention: along the channels, or over them."""

from typing import Any

from specc.ops.conv import INIT, REGULARIZE, TRAINABLE
from specc.ops.op import Op, needs_map
from specc.ops.signal import ChannelAverage, ChannelLargest, Rule, WeightedSum
from specc.values import Args
from specc.vocabulary.kinds import Int
from specc.vocabulary.param import Param
from specc.vocabulary.problem import Problem
from specc.vocabulary.shape import Shape, size_text
from specc.vocabulary.target import Target
from specc.vocabulary.weight import Drawn, Fans, WeightSpec


def _conv_shape(x: Shape, a: Args) -> Shape:
    if x[1:] != (1, 1):
        raise Problem(
            "E302",
            f"`channel_conv` needs C x 1 x 1, but its input is {size_text(x)}",
            help="put `global_avg_pool` before it" if len(x) == 3 else "put it before `flatten` or the dense layers",
        )
    if a.kernel % 2 == 0:
        raise Problem(
            "E207",
            f"`kernel` of `channel_conv` must be odd, found {a.kernel}",
            param="kernel",
            help=f"use an odd number, such as {a.kernel + 1}",
            shape=x,
        )
    return x


def _conv_onnx(g: Any, names: list[str], a: Args, w: Any, x: Shape, y: Shape) -> str:
    row = g.node("Reshape", [names[0], g.ints([0, 1, x[0]])])
    pads = [a.kernel // 2, a.kernel // 2]
    return str(
        g.node("Reshape", [g.node("Conv", [row, w["weight"]], kernel_shape=[a.kernel], pads=pads), g.ints([0, *x])])
    )


channel_conv = Op(
    name="channel_conv",
    group="convolution",
    doc="A 1-D convolution along the channels of C x 1 x 1, as in efficient channel attention (Wang et al., 2020).",
    params=(
        Param("kernel", Int(1), doc="the number of neighboring channels that are weighed; odd"),
        INIT,
        REGULARIZE,
        TRAINABLE,
    ),
    shape=_conv_shape,
    weights=lambda x, a: (
        WeightSpec("weight", (1, 1, a.kernel), "kernel", Drawn(a.init, Fans(a.kernel, a.kernel, 1))),
    ),
    macs=lambda x, a, y: x[0] * a.kernel,
    torch=lambda x, a: Target("specc.backend.layers.ChannelConv", {"kernel_size": a.kernel}),
    onnx=_conv_onnx,
    example="multiply { | identity | global_avg_pool -> channel_conv(3) -> sigmoid }",
    signal=WeightedSum(),
)


def _over(name: str, doc: str, module: str, node: str, signal: Rule) -> Op:
    def shape(x: Shape, a: Args) -> Shape:
        needs_map(x, name)
        return (1, *x[1:])

    return Op(
        name=name,
        group="pooling",
        doc=doc,
        shape=shape,
        torch=lambda x, a: Target(f"specc.backend.layers.{module}", {}),
        onnx=lambda g, names, a, w, x, y: g.node(node, [names[0], g.ints([1])]),
        example=f"multiply {{ | identity | {name} -> conv(1, 7x7) -> sigmoid }}",
        signal=signal,
    )


channel_mean = _over(
    "channel_mean",
    "The mean of the channels at each position: 1 x H x W.",
    "ChannelMean",
    "ReduceMean",
    ChannelAverage(),
)
channel_max = _over(
    "channel_max",
    "The largest number of the channels at each position: 1 x H x W.",
    "ChannelMax",
    "ReduceMax",
    ChannelLargest(),
)

OPS = (channel_conv, channel_mean, channel_max)
