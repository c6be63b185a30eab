"""Convolutions. Weights are kernels `filters x channels / groups x height x width`, and a bias for each filter."""

from typing import Any

from specc.ops.geometry import (
    PADDING,
    bounded,
    divisors,
    few,
    is_upper,
    pads_of,
    slide,
    window_of,
    window_problem,
)
from specc.ops.op import Op, needs_map
from specc.ops.reads import Axis, Slide
from specc.ops.signal import WeightedSum
from specc.values import Args, Size
from specc.vocabulary.kinds import Bool, Either, Int, Maybe, One, Shorthand, SizeOf, Symbols
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
    Shorthand("init", "`auto`, or an initializer, such as `he_normal`", Symbols("auto"), str),
    "auto",
    "the initial kernel; `auto` chooses by what follows the layer, and `specc show --init` shows it",
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
PAD = Param(
    "padding",
    PADDING,
    "same",
    "zeros around the map; `same` and `same_upper` give ceil(size / stride), `same_upper` as TensorFlow pads",
)
DILATION = Param("dilation", SizeOf(), Size(1, 1), "the spacing between the taps of the kernel")


def kernel_and_bias(shape: Shape, fans: Fans, filters: int, a: Args) -> tuple[WeightSpec, ...]:
    """The kernel, which `init` draws, and the bias, one number for each of so many filters, if there is one."""
    kernel = WeightSpec("weight", shape, "kernel", Drawn(a.init, fans))
    return (kernel, WeightSpec("bias", (filters,), "bias", 0.0)) if a.bias else (kernel,)


def conv_weights(x: Shape, a: Args, filters: int, groups: int) -> tuple[WeightSpec, ...]:
    """A group counts by itself: a depthwise 3 x 3 kernel sums 9 products."""
    taps, inputs, outputs = a.kernel.height * a.kernel.width, x[0] // groups, filters // groups
    return kernel_and_bias((filters, inputs, *a.kernel), Fans(inputs * taps, outputs * taps, outputs), filters, a)


def conv_output(layer: str, x: Shape, a: Args, filters: int, groups: int) -> Shape:
    """The output of a convolution, after the checks that are common to all."""
    window = window_of(a)
    top, bottom, left, right = pads = pads_of(x, a)
    height = slide(x[1], window.height, a.stride.height, top + bottom)
    width = slide(x[2], window.width, a.stride.width, left + right)
    if height < 1 or width < 1:
        raise window_problem(layer, x, window, pads, "kernel")
    param = "padding" if isinstance(a.padding, Size) else "dilation"
    bounded((x[0], x[1] + top + bottom, x[2] + left + right), layer, param)
    count = "multiplier" if layer == "depthwise_conv" else "filters"
    bounded((filters, x[0] // groups, *a.kernel), layer, count, "weights")
    return bounded((filters, height, width), layer, count)


def conv_shape(layer: str, x: Shape, a: Args) -> Shape:
    """The output of a convolution in groups."""
    needs_map(x, layer)
    shape = conv_output(layer, x, a, a.filters, a.groups)
    for what, count in (("input channels", x[0]), ("filters", a.filters)):
        if count % a.groups:
            raise Problem(
                "E304",
                f"`{layer}` has groups={a.groups}, which does not divide its {count} {what}",
                param="groups",
                help=f"groups that divide {x[0]} channels and {a.filters} filters: {few(divisors(x[0], a.filters))}",
                shape=shape,
            )
    return shape


def _depthwise_shape(x: Shape, a: Args) -> Shape:
    needs_map(x, "depthwise_conv")
    return conv_output("depthwise_conv", x, a, x[0] * a.multiplier, x[0])


def conv_target(x: Shape, a: Args, filters: int, groups: int, module: str = "torch.nn.Conv2d") -> Target:
    """The module; one of ours where padding is uneven, or depends on the size of the map."""
    name = module.rpartition(".")[2]
    top, bottom, left, right = pads_of(x, a)
    kwargs: dict[str, Any] = {"in_channels": x[0], "out_channels": filters, "kernel_size": tuple(a.kernel)}
    if a.stride != (1, 1):
        kwargs["stride"] = tuple(a.stride)
    if is_upper(a.padding, window_of(a), a.stride):
        path = f"specc.backend.layers.SameUpper{name}"
    elif (top, left) == (bottom, right):
        path = module
        if top or left:
            kwargs["padding"] = (top, left)
    else:
        path = f"specc.backend.layers.Padded{name}"
        kwargs["pads"] = (left, right, top, bottom)
    if a.dilation != (1, 1):
        kwargs["dilation"] = tuple(a.dilation)
    if groups != 1:
        kwargs["groups"] = groups
    if not a.bias:
        kwargs["bias"] = False
    return Target(path, kwargs)


def conv_onnx(g: Any, names: list[str], a: Args, w: Any, x: Shape, groups: int) -> str:
    top, bottom, left, right = pads_of(x, a)
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


def conv_macs(x: Shape, a: Args, y: Shape) -> int:
    return int(y[0] * y[1] * y[2] * (x[0] // a.groups) * a.kernel.height * a.kernel.width)


def conv_reads(x: Shape, a: Args) -> tuple[Axis, Axis]:
    top, _, left, _ = pads_of(x, a)
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
    shape=lambda x, a: conv_shape("conv", x, a),
    weights=lambda x, a: conv_weights(x, a, a.filters, a.groups),
    macs=conv_macs,
    torch=lambda x, a: conv_target(x, a, a.filters, a.groups),
    onnx=lambda g, names, a, w, x, y: conv_onnx(g, names, a, w, x, a.groups),
    reads=conv_reads,
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
    weights=lambda x, a: conv_weights(x, a, x[0] * a.multiplier, x[0]),
    macs=lambda x, a, y: y[0] * y[1] * y[2] * a.kernel.height * a.kernel.width,
    torch=lambda x, a: conv_target(x, a, x[0] * a.multiplier, x[0]),
    onnx=lambda g, names, a, w, x, y: conv_onnx(g, names, a, w, x, x[0]),
    reads=conv_reads,
    example="depthwise_conv(3x3) -> batch_norm -> relu6 -> conv(16, 1x1)",
    signal=WeightedSum(),
)

OPS = (conv, depthwise_conv)
