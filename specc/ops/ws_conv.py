"""Convolution with weight standardization (Qiao et al., 2019; scaled: Brock et al., 2021)."""

from typing import Any

from specc.ops.conv import (
    BIAS,
    DILATION,
    INIT,
    KERNEL,
    PAD,
    REGULARIZE,
    STRIDE,
    TRAINABLE,
    conv_macs,
    conv_onnx,
    conv_reads,
    conv_shape,
    conv_target,
    conv_weights,
)
from specc.ops.norm import INIT_SCALE
from specc.ops.op import Op
from specc.ops.signal import Site, StandardizedSum
from specc.values import Args
from specc.vocabulary.kinds import POSITIVE, Bool, Float, Int
from specc.vocabulary.param import Param
from specc.vocabulary.problem import Problem
from specc.vocabulary.shape import Shape
from specc.vocabulary.target import Target
from specc.vocabulary.weight import WeightSpec


def _fan_in(x: Shape, a: Args) -> int:
    """How many numbers each filter has."""
    return int(x[0] // a.groups * a.kernel.height * a.kernel.width)


def _shape(x: Shape, a: Args) -> Shape:
    shape = conv_shape("ws_conv", x, a)
    if not a.gain and a.gamma != 1:
        raise Problem(
            "E216",
            f"`ws_conv` has gamma={a.gamma:g} but no gain, which is what `gamma` scales",
            param="gamma",
            help="add gain=true, or leave `gamma` out",
            shape=shape,
        )
    if not a.gain and a.init_scale != 1:
        raise Problem(
            "E216",
            f"`ws_conv` has init_scale={a.init_scale:g} but no gain, which is what would start there",
            param="init_scale",
            help="add gain=true, or leave `init_scale` out",
            shape=shape,
        )
    if _fan_in(x, a) == 1:
        raise Problem(
            "E311",
            "each filter of `ws_conv` is a single weight, which minus its mean is always zero",
            help="use a larger kernel, fewer groups, or `conv`",
            shape=shape,
        )
    return shape


def _weights(x: Shape, a: Args) -> tuple[WeightSpec, ...]:
    gain = WeightSpec("gain", (a.filters, 1, 1, 1), "norm", a.init_scale)
    return (*conv_weights(x, a, a.filters, a.groups), *((gain,) if a.gain else ()))


def _target(x: Shape, a: Args) -> Target:
    path, kwargs = conv_target(x, a, a.filters, a.groups, "specc.backend.layers.StandardizedConv2d")
    return Target(path, kwargs | {"eps": a.eps} | ({"gain": True, "gamma": a.gamma} if a.gain else {}))


def _onnx(g: Any, names: list[str], a: Args, w: Any, x: Shape, y: Shape) -> str:
    """A plain convolution: its kernels are standardized here, once, and not each time the graph runs."""
    g.standardize(w["weight"], a.eps)
    if a.gain:
        g.scale_filters(w["weight"], w["gain"], a.gamma * _fan_in(x, a) ** -0.5)
    return conv_onnx(g, names, a, w, x, a.groups)


def _gain(at: Site) -> float:
    """The square of what a standardized kernel is multiplied by, at the start."""
    return float((at.a.gamma * at.a.init_scale) ** 2 / _fan_in(at.shapes[0], at.a)) if at.a.gain else 1.0


ws_conv = Op(
    name="ws_conv",
    group="convolution",
    doc="A conv whose kernels are standardized: each filter minus its mean, divided by its standard deviation.",
    params=(
        Param("filters", Int(1), doc="the number of output channels"),
        KERNEL,
        STRIDE,
        PAD,
        DILATION,
        Param("groups", Int(1), 1, "the number of groups that the channels are split into, each with its own filters"),
        Param("eps", POSITIVE, 1e-6, "added to the variance of a filter to avoid division by zero"),
        Param("gain", Bool(), False, "a learned factor per filter, and gamma / sqrt(weights per filter), as in NFNet"),
        Param("gamma", Float(above=0), 1.0, "with `gain`: the factor that makes up for the activation"),
        INIT_SCALE,
        BIAS,
        INIT,
        REGULARIZE,
        TRAINABLE,
    ),
    shape=_shape,
    weights=_weights,
    macs=conv_macs,
    torch=_target,
    onnx=_onnx,
    reads=conv_reads,
    example="ws_conv(64, 3x3, stride=2) -> group_norm(8) -> relu",
    signal=StandardizedSum(_gain),
)

OPS = (ws_conv,)
