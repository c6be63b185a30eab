"""Convolutions. Weights are kernels `filters x channels / groups x height x width`, and a bias for each filter."""

from typing import Any

from specc.ops.geometry import PADDING, bounded, divisors, effective, few, pads_of, slide, window_problem
from specc.ops.op import Op, needs_map
from specc.ops.reads import Axis, Slide, Spread
from specc.ops.signal import WeightedSum
from specc.values import Args, Bound, Size
from specc.vocabulary.kinds import Bool, Either, Int, Maybe, One, SizeOf, Symbols
from specc.vocabulary.param import Param
from specc.vocabulary.problem import Problem
from specc.vocabulary.shape import Shape
from specc.vocabulary.target import Target
from specc.vocabulary.weight import Drawn, Fans, WeightSpec

BIAS = Param(
    "bias",
    Either(Bool(), Symbols("auto")),
    "auto",
    "a learned bias per filter; `auto` omits it right before a norm that would cancel it",
)
INIT = Param(
    "init",
    One("init", "an initializer, such as `he_normal`"),
    Bound("he_normal", Args()),
    "the initial kernel",
)
REGULARIZE = Param(
    "regularize",
    Maybe(One("regularizer", "a regularizer, such as `l2(1e-4)`")),
    None,
    "a penalty on this kernel, in addition to the one in `train`",
)
TRAINABLE = Param("trainable", Bool(), True, "whether the weights are trained")

KERNEL = Param("kernel", SizeOf(), Size(3, 3), "the size of the window")
STRIDE = Param("stride", SizeOf(), Size(1, 1), "the step between windows, in pixels")
PAD = Param("padding", PADDING, "same", "zeros around the map; `same` keeps its size at stride 1")
DILATION = Param("dilation", SizeOf(), Size(1, 1), "the spacing between the taps of the kernel")


def kernel_and_bias(shape: Shape, fans: Fans, filters: int, a: Args) -> tuple[WeightSpec, ...]:
    """The kernel, which `init` draws, and the bias, one number for each of so many filters, if there is one."""
    kernel = WeightSpec("weight", shape, "kernel", Drawn(a.init, fans))
    return (kernel, WeightSpec("bias", (filters,), "bias", 0.0)) if a.bias else (kernel,)


def _conv_weights(x: Shape, a: Args, filters: int, groups: int) -> tuple[WeightSpec, ...]:
    """A group counts by itself: a depthwise 3 x 3 kernel sums 9 products."""
    taps, inputs, outputs = a.kernel.height * a.kernel.width, x[0] // groups, filters // groups
    return kernel_and_bias((filters, inputs, *a.kernel), Fans(inputs * taps, outputs * taps, outputs), filters, a)


def _slide(layer: str, x: Shape, a: Args, filters: int, groups: int) -> Shape:
    """The output of a convolution, after the checks that are common to all."""
    window = Size(effective(a.kernel.height, a.dilation.height), effective(a.kernel.width, a.dilation.width))
    top, bottom, left, right = pads = pads_of(a.padding, a.kernel, a.dilation)
    height = slide(x[1], window.height, a.stride.height, top + bottom)
    width = slide(x[2], window.width, a.stride.width, left + right)
    if height < 1 or width < 1:
        raise window_problem(layer, x, window, pads, "kernel")
    bounded((x[0], x[1] + top + bottom, x[2] + left + right), layer, "dilation" if a.padding == "same" else "padding")
    count = "filters" if layer == "conv" else "multiplier"
    bounded((filters, x[0] // groups, *a.kernel), layer, count, "weights")
    return bounded((filters, height, width), layer, count)


def _conv_shape(x: Shape, a: Args) -> Shape:
    needs_map(x, "conv")
    shape = _slide("conv", x, a, a.filters, a.groups)
    for what, count in (("input channels", x[0]), ("filters", a.filters)):
        if count % a.groups:
            raise Problem(
                "E304",
                f"`conv` has groups={a.groups}, which does not divide its {count} {what}",
                param="groups",
                help=f"groups that divide {x[0]} channels and {a.filters} filters: {few(divisors(x[0], a.filters))}",
                shape=shape,
            )
    return shape


def _depthwise_shape(x: Shape, a: Args) -> Shape:
    needs_map(x, "depthwise_conv")
    return _slide("depthwise_conv", x, a, x[0] * a.multiplier, x[0])


def _conv_target(x: Shape, a: Args, filters: int, groups: int) -> Target:
    top, bottom, left, right = pads_of(a.padding, a.kernel, a.dilation)
    kwargs: dict[str, Any] = {"in_channels": x[0], "out_channels": filters, "kernel_size": tuple(a.kernel)}
    if a.stride != (1, 1):
        kwargs["stride"] = tuple(a.stride)
    if (top, left) == (bottom, right):
        path = "torch.nn.Conv2d"
        if top or left:
            kwargs["padding"] = (top, left)
    else:
        path = "specc.backend.layers.PaddedConv2d"
        kwargs["pads"] = (left, right, top, bottom)
    if a.dilation != (1, 1):
        kwargs["dilation"] = tuple(a.dilation)
    if groups != 1:
        kwargs["groups"] = groups
    if not a.bias:
        kwargs["bias"] = False
    return Target(path, kwargs)


def _conv_onnx(g: Any, names: list[str], a: Args, w: Any, groups: int) -> str:
    top, bottom, left, right = pads_of(a.padding, a.kernel, a.dilation)
    inputs = [names[0], w["weight"], *([w["bias"]] if a.bias else [])]
    result: str = g.node(
        "Conv",
        inputs,
        kernel_shape=list(a.kernel),
        strides=list(a.stride),
        pads=[top, left, bottom, right],
        dilations=list(a.dilation),
        group=groups,
    )
    return result


def _reads(x: Shape, a: Args) -> tuple[Axis, Axis]:
    top, _, left, _ = pads_of(a.padding, a.kernel, a.dilation)
    return (
        Slide(a.kernel.height, a.stride.height, top, a.dilation.height),
        Slide(a.kernel.width, a.stride.width, left, a.dilation.width),
    )


conv = Op(
    name="conv",
    group="convolution",
    doc="2-D convolution: slides learned filters over the feature map; each filter outputs one channel.",
    params=(
        Param("filters", Int(1), doc="the number of output channels"),
        KERNEL,
        STRIDE,
        PAD,
        DILATION,
        Param("groups", Int(1), 1, "the number of groups that the channels are split into, each with its own filters"),
        BIAS,
        INIT,
        REGULARIZE,
        TRAINABLE,
    ),
    shape=_conv_shape,
    weights=lambda x, a: _conv_weights(x, a, a.filters, a.groups),
    macs=lambda x, a, y: y[0] * y[1] * y[2] * (x[0] // a.groups) * a.kernel.height * a.kernel.width,
    torch=lambda x, a: _conv_target(x, a, a.filters, a.groups),
    onnx=lambda g, names, a, w, x, y: _conv_onnx(g, names, a, w, a.groups),
    reads=_reads,
    example="conv(64, 3x3, stride=2)",
    signal=WeightedSum(),
)

depthwise_conv = Op(
    name="depthwise_conv",
    group="convolution",
    doc="A convolution that filters each channel separately; a following conv(filters, 1x1) mixes the channels.",
    params=(
        KERNEL,
        STRIDE,
        PAD,
        DILATION,
        Param("multiplier", Int(1), 1, "the number of filters per channel"),
        BIAS,
        INIT,
        REGULARIZE,
        TRAINABLE,
    ),
    shape=_depthwise_shape,
    weights=lambda x, a: _conv_weights(x, a, x[0] * a.multiplier, x[0]),
    macs=lambda x, a, y: y[0] * y[1] * y[2] * a.kernel.height * a.kernel.width,
    torch=lambda x, a: _conv_target(x, a, x[0] * a.multiplier, x[0]),
    onnx=lambda g, names, a, w, x, y: _conv_onnx(g, names, a, w, x[0]),
    reads=_reads,
    example="depthwise_conv(3x3) -> batch_norm -> relu6 -> conv(16, 1x1)",
    signal=WeightedSum(),
)


def _transpose_shape(x: Shape, a: Args) -> Shape:
    needs_map(x, "conv_transpose")
    height, width = ((n - 1) * s - 2 * p + k for n, s, p, k in zip(x[1:], a.stride, a.padding, a.kernel, strict=True))
    if height < 1 or width < 1:
        uncut = tuple((n - 1) * s + k for n, s, k in zip(x[1:], a.stride, a.kernel, strict=True))
        raise Problem(
            "E303",
            f"`conv_transpose` with padding={a.padding} crops away its entire {uncut[0]} x {uncut[1]} output",
            param="padding",
            help=f"use a padding of at most {Size(*((n - 1) // 2 for n in uncut))}",
        )
    bounded((a.filters, x[0], *a.kernel), "conv_transpose", "filters", "weights")
    return bounded((a.filters, height, width), "conv_transpose", "stride")


def _transpose_weights(x: Shape, a: Args) -> tuple[WeightSpec, ...]:
    """Strides s leave k * k / (s * s) taps of each channel to an output pixel, on average."""
    taps = a.kernel.height * a.kernel.width
    fans = Fans(x[0] * taps / (a.stride.height * a.stride.width), a.filters * taps, a.filters, axis=1)
    return kernel_and_bias((x[0], a.filters, *a.kernel), fans, a.filters, a)


def _transpose_target(x: Shape, a: Args) -> Target:
    kwargs: dict[str, Any] = {"in_channels": x[0], "out_channels": a.filters, "kernel_size": tuple(a.kernel)}
    kwargs["stride"] = tuple(a.stride)
    if any(a.padding):
        kwargs["padding"] = tuple(a.padding)
    if not a.bias:
        kwargs["bias"] = False
    return Target("torch.nn.ConvTranspose2d", kwargs)


def _transpose_onnx(g: Any, names: list[str], a: Args, w: Any, x: Shape, y: Shape) -> str:
    inputs = [names[0], w["weight"], *([w["bias"]] if a.bias else [])]
    tall, wide = a.padding
    result: str = g.node(
        "ConvTranspose",
        inputs,
        kernel_shape=list(a.kernel),
        strides=list(a.stride),
        pads=[tall, wide, tall, wide],
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
        BIAS,
        INIT,
        REGULARIZE,
        TRAINABLE,
    ),
    shape=_transpose_shape,
    weights=_transpose_weights,
    macs=lambda x, a, y: x[0] * x[1] * x[2] * a.filters * a.kernel.height * a.kernel.width,
    torch=_transpose_target,
    onnx=_transpose_onnx,
    reads=lambda x, a: (
        Spread(a.kernel.height, a.stride.height, a.padding.height),
        Spread(a.kernel.width, a.stride.width, a.padding.width),
    ),
    example="conv_transpose(8, 2x2, stride=2)",
    signal=WeightedSum(),
)

OPS = (conv, depthwise_conv, conv_transpose)
