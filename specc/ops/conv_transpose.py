"""Transposed convolution. Weights are kernels `channels x filters / groups x height x width`, and biases."""

from typing import Any

from specc.ops.conv import BIAS, INIT, REGULARIZE, TRAINABLE, kernel_and_bias
from specc.ops.geometry import bounded, divisors, effective, few
from specc.ops.op import Op, needs_map
from specc.ops.reads import Spread
from specc.ops.signal import WeightedSum
from specc.values import Args, Size
from specc.vocabulary.kinds import Int, SizeOf
from specc.vocabulary.param import Param
from specc.vocabulary.problem import Problem
from specc.vocabulary.shape import Shape
from specc.vocabulary.target import Target
from specc.vocabulary.weight import Fans, WeightSpec


def _uncut(x: Shape, a: Args) -> tuple[int, int]:
    """Height and width before `padding` crops them."""
    tall, wide = (
        (n - 1) * s + effective(k, d) + more
        for n, s, k, d, more in zip(x[1:], a.stride, a.kernel, a.dilation, a.output_padding, strict=True)
    )
    return tall, wide


def _shape(x: Shape, a: Args) -> Shape:
    needs_map(x, "conv_transpose")
    uncut = _uncut(x, a)
    height, width = (n - 2 * p for n, p in zip(uncut, a.padding, strict=True))
    if height < 1 or width < 1:
        raise Problem(
            "E303",
            f"`conv_transpose` with padding={a.padding} crops away its entire {uncut[0]} x {uncut[1]} output",
            param="padding",
            help=f"use a padding of at most {Size(*((n - 1) // 2 for n in uncut))}",
        )
    if any(more >= step for more, step in zip(a.output_padding, a.stride, strict=True)):
        raise Problem(
            "E216",
            f"`conv_transpose` has output_padding={a.output_padding}, which must be smaller than its stride={a.stride}",
            param="output_padding",
            help=f"use at most output_padding={Size(*(step - 1 for step in a.stride))}; `pad` adds more",
        )
    bounded((a.filters, x[0], *a.kernel), "conv_transpose", "filters", "weights")
    shape = bounded((a.filters, height, width), "conv_transpose", "stride")
    for what, count in (("input channels", x[0]), ("filters", a.filters)):
        if count % a.groups:
            raise Problem(
                "E304",
                f"`conv_transpose` has groups={a.groups}, which does not divide its {count} {what}",
                param="groups",
                help=f"groups that divide {x[0]} channels and {a.filters} filters: {few(divisors(x[0], a.filters))}",
                shape=shape,
            )
    return shape


def _weights(x: Shape, a: Args) -> tuple[WeightSpec, ...]:
    """Strides s leave k * k / (s * s) taps of each channel to an output pixel, on average."""
    taps, inputs, filters = a.kernel.height * a.kernel.width, x[0] // a.groups, a.filters // a.groups
    fans = Fans(inputs * taps / (a.stride.height * a.stride.width), filters * taps, filters, axis=1)
    return kernel_and_bias((x[0], filters, *a.kernel), fans, a.filters, a)


def _target(x: Shape, a: Args) -> Target:
    kwargs: dict[str, Any] = {"in_channels": x[0], "out_channels": a.filters, "kernel_size": tuple(a.kernel)}
    kwargs["stride"] = tuple(a.stride)
    if any(a.padding):
        kwargs["padding"] = tuple(a.padding)
    if any(a.output_padding):
        kwargs["output_padding"] = tuple(a.output_padding)
    if a.dilation != (1, 1):
        kwargs["dilation"] = tuple(a.dilation)
    if a.groups != 1:
        kwargs["groups"] = a.groups
    if not a.bias:
        kwargs["bias"] = False
    return Target("torch.nn.ConvTranspose2d", kwargs)


def _onnx(g: Any, names: list[str], a: Args, w: Any, x: Shape, y: Shape) -> str:
    inputs = [names[0], w["weight"], *([w["bias"]] if a.bias else [])]
    tall, wide = a.padding
    more: dict[str, Any] = {}
    if any(a.output_padding):
        more["output_padding"] = list(a.output_padding)
    if a.dilation != (1, 1):
        more["dilations"] = list(a.dilation)
    if a.groups != 1:
        more["group"] = a.groups
    result: str = g.node(
        "ConvTranspose",
        inputs,
        kernel_shape=list(a.kernel),
        strides=list(a.stride),
        pads=[tall, wide, tall, wide],
        **more,
    )
    return result


conv_transpose = Op(
    name="conv_transpose",
    group="convolution",
    doc="Transposed convolution: each pixel adds a learned window to the output, `stride` apart; enlarges the map.",
    params=(
        Param("filters", Int(1), doc="the number of output channels"),
        Param("kernel", SizeOf(), Size(2, 2), "the size of the window that each pixel adds"),
        Param("stride", SizeOf(), Size(2, 2), "the spacing of the windows, and so the upsampling factor"),
        Param("padding", SizeOf(0), Size(0, 0), "the number of pixels cropped from each side of the output"),
        Param("output_padding", SizeOf(0), Size(0, 0), "the number of pixels added at the bottom and on the right"),
        Param("dilation", SizeOf(), Size(1, 1), "the spacing between the taps of the kernel"),
        Param("groups", Int(1), 1, "the number of groups that the channels are split into, each with its own filters"),
        BIAS,
        INIT,
        REGULARIZE,
        TRAINABLE,
    ),
    shape=_shape,
    weights=_weights,
    macs=lambda x, a, y: x[0] * x[1] * x[2] * (a.filters // a.groups) * a.kernel.height * a.kernel.width,
    torch=_target,
    onnx=_onnx,
    reads=lambda x, a: (
        Spread(a.kernel.height, a.stride.height, a.padding.height, a.dilation.height),
        Spread(a.kernel.width, a.stride.width, a.padding.width, a.dilation.width),
    ),
    example="conv_transpose(8, 2x2, stride=2)",
    signal=WeightedSum(),
)

OPS = (conv_transpose,)
