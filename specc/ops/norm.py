"""Normalization: subtract a mean, divide by a deviation, then a learned scale and shift for each channel.

Batch, instance, layer and group normalization differ only in the axes that are averaged over (Wu & He, 2018).
"""

from typing import Any

from specc.ops.geometry import divisors, few
from specc.ops.op import Op, needs_map
from specc.ops.reads import Reads
from specc.ops.signal import Normalize
from specc.values import Args
from specc.vocabulary.kinds import POSITIVE, Bool, Float, Int, Symbols
from specc.vocabulary.param import Param
from specc.vocabulary.problem import Problem
from specc.vocabulary.shape import Shape, size_text
from specc.vocabulary.target import Target
from specc.vocabulary.weight import Statistic, WeightSpec

EPS = Param("eps", POSITIVE, 1e-5, "added to the variance to avoid division by zero")
SCALE = Param("scale", Bool(), True, "a learned factor per channel")
SHIFT = Param("shift", Bool(), True, "a learned offset per channel")
INIT_SCALE = Param("init_scale", Float(), 1.0, "what the learned factors start at; 0 starts a branch as zero")


def _affine(layer: str, x: Shape, a: Args) -> Shape:
    """The shape itself; `Problem` E216 where `init_scale` would start a scale that is not there."""
    if a.init_scale != 1 and not a.scale:
        raise Problem(
            "E216",
            f"`{layer}` has init_scale={a.init_scale:g} but scale=false, so there is no scale to start",
            param="init_scale",
            help="leave one of them out; `scale(…)` multiplies by a constant",
            shape=x,
        )
    return x


def _weights(x: Shape, a: Args) -> tuple[WeightSpec, ...]:
    scale, shift = WeightSpec("weight", (x[0],), "norm", a.init_scale), WeightSpec("bias", (x[0],), "norm", 0.0)
    return (scale,) * bool(a.scale) + (shift,) * bool(a.shift)


def _target(module: str, a: Args, affine: str, **kwargs: Any) -> Target:
    """torch's module where scale and shift go together, as `affine` says; ours where only one is there."""
    if a.scale and a.shift:
        return Target(f"torch.nn.{module}", kwargs | ({affine: True} if module.startswith("Instance") else {}))
    if not a.scale and not a.shift:
        return Target(f"torch.nn.{module}", kwargs | {affine: False})
    return Target(f"specc.backend.layers.{module}", kwargs | {"scale": a.scale, "shift": a.shift})


def _several(layer: str, count: int, x: Shape, help: str) -> None:
    """Raise `Problem` E311 where a norm averages over one number only, which would always give zero."""
    if count == 1:
        raise Problem(
            "E311",
            f"`{layer}` would normalize over a single value of {size_text(x)}, so its output would always be zero",
            help=help,
        )


def _batch_target(x: Shape, a: Args) -> Target:
    module = "BatchNorm2d" if len(x) == 3 else "BatchNorm1d"
    return _target(module, a, "affine", num_features=x[0], eps=a.eps, momentum=a.momentum)


def _running(x: Shape, a: Args) -> tuple[Statistic, ...]:
    return (
        Statistic("running_mean", (x[0],), 0.0),
        Statistic("running_var", (x[0],), 1.0),
        Statistic("num_batches_tracked", (), 0),
    )


def _scale_and_shift(g: Any, a: Args, w: Any, x: Shape) -> tuple[str, str]:
    """Initializers of length `channels`; ones and zeros where there is nothing learned."""
    scale = w["weight"] if a.scale else g.floats([1.0] * x[0])
    return scale, w["bias"] if a.shift else g.floats([0.0] * x[0])


def _batch_onnx(g: Any, names: list[str], a: Args, w: Any, x: Shape, y: Shape) -> str:
    inputs = [names[0], *_scale_and_shift(g, a, w, x), w["running_mean"], w["running_var"]]
    return str(g.node("BatchNormalization", inputs, epsilon=a.eps))


batch_norm = Op(
    name="batch_norm",
    group="normalization",
    doc="Normalizes each channel over the batch; in evaluation, with the running mean and variance from training.",
    params=(
        EPS,
        Param("momentum", Float(above=0, high=1), 0.1, "each batch's weight in the running statistics"),
        SCALE,
        SHIFT,
        INIT_SCALE,
    ),
    shape=lambda x, a: _affine("batch_norm", x, a),
    weights=_weights,
    statistics=_running,
    torch=_batch_target,
    onnx=_batch_onnx,
    cancels_bias=True,
    example="conv(16) -> batch_norm -> relu",
    signal=Normalize("far"),
    batch_statistics=True,
)


def _instance_shape(x: Shape, a: Args) -> Shape:
    needs_map(x, "instance_norm")
    _several("instance_norm", x[1] * x[2], x, "move it before the global pool, or use `batch_norm` or `layer_norm`")
    return _affine("instance_norm", x, a)


instance_norm = Op(
    name="instance_norm",
    group="normalization",
    doc="Normalizes each channel of each image over its height and width (Ulyanov et al., 2016).",
    params=(EPS, SCALE, SHIFT, INIT_SCALE),
    shape=_instance_shape,
    weights=_weights,
    torch=lambda x, a: _target("InstanceNorm2d", a, "affine", num_features=x[0], eps=a.eps),
    onnx=lambda g, names, a, w, x, y: g.node(
        "InstanceNormalization", [names[0], *_scale_and_shift(g, a, w, x)], epsilon=a.eps
    ),
    reads=lambda x, a: Reads.ALL,
    cancels_bias=True,
    example="conv(16) -> instance_norm -> relu",
    signal=Normalize("near"),
)


def _groups_onnx(g: Any, names: list[str], a: Args, w: Any, x: Shape, groups: int) -> str:
    """Group normalization as instance normalization of groups x everything, which every opset has in the same form."""
    parts = g.node("Reshape", [names[0], g.ints([0, groups, -1])])
    ones, zeros = g.floats([1.0] * groups), g.floats([0.0] * groups)
    normed = g.node("InstanceNormalization", [parts, ones, zeros], epsilon=a.eps)
    value = g.node("Reshape", [normed, g.ints([0, *x])])
    spread = (x[0],) + (1,) * (len(x) - 1)
    if a.scale:
        value = g.node("Mul", [value, g.shaped(w["weight"], spread)])
    if a.shift:
        value = g.node("Add", [value, g.shaped(w["bias"], spread)])
    return str(value)


def _group_shape(x: Shape, a: Args) -> Shape:
    if x[0] % a.groups:
        raise Problem(
            "E304",
            f"`group_norm` has groups={a.groups}, which does not divide its {x[0]} input channels",
            param="groups",
            help=f"groups that divide {x[0]} channels: {few(divisors(x[0]))}",
            shape=x,
        )
    count = x[0] // a.groups * (x[1] * x[2] if len(x) == 3 else 1)
    _several("group_norm", count, x, f"use fewer groups than {a.groups}")
    return _affine("group_norm", x, a)


group_norm = Op(
    name="group_norm",
    group="normalization",
    doc="Normalizes groups of channels of each image, independently of the batch size (Wu & He, 2018).",
    params=(
        Param("groups", Int(1), 32, "the number of groups that the channels are split into"),
        EPS,
        SCALE,
        SHIFT,
        INIT_SCALE,
    ),
    shape=_group_shape,
    weights=_weights,
    torch=lambda x, a: _target("GroupNorm", a, "affine", num_groups=a.groups, num_channels=x[0], eps=a.eps),
    onnx=lambda g, names, a, w, x, y: _groups_onnx(g, names, a, w, x, a.groups),
    reads=lambda x, a: Reads.ALL,
    example="conv(16) -> group_norm(4) -> relu",
    signal=Normalize("mean"),
)


def _layer_shape(x: Shape, a: Args) -> Shape:
    count = x[0] if a.over == "channels" or len(x) == 1 else x[0] * x[1] * x[2]
    several = len(x) == 3 and x[1:] != (1, 1)
    _several(
        "layer_norm",
        count,
        x,
        "`over=image` also normalizes over height and width" if several else "remove it, or give it more channels",
    )
    return _affine("layer_norm", x, a)


def _layer_target(x: Shape, a: Args) -> Target:
    if len(x) == 1:
        return _target("LayerNorm", a, "elementwise_affine", normalized_shape=x[0], eps=a.eps)
    if a.over == "image":
        return _target("GroupNorm", a, "affine", num_groups=1, num_channels=x[0], eps=a.eps)
    kwargs: dict[str, Any] = {"num_channels": x[0], "eps": a.eps}
    return Target("specc.backend.layers.ChannelNorm", kwargs | {"scale": a.scale, "shift": a.shift})


def _layer_onnx(g: Any, names: list[str], a: Args, w: Any, x: Shape, y: Shape) -> str:
    if len(x) == 3 and a.over == "image":
        return _groups_onnx(g, names, a, w, x, 1)
    last = g.node("Transpose", names, perm=[0, 2, 3, 1]) if len(x) == 3 else names[0]
    normed = g.node("LayerNormalization", [last, *_scale_and_shift(g, a, w, x)], axis=-1, epsilon=a.eps)
    return str(g.node("Transpose", [normed], perm=[0, 3, 1, 2]) if len(x) == 3 else normed)


layer_norm = Op(
    name="layer_norm",
    group="normalization",
    doc="Normalizes each image separately: over the channels at each position, or over the whole image.",
    params=(
        EPS,
        Param("over", Symbols("channels", "image"), "channels", "what to average over"),
        SCALE,
        SHIFT,
        INIT_SCALE,
    ),
    shape=_layer_shape,
    weights=_weights,
    torch=_layer_target,
    onnx=_layer_onnx,
    reads=lambda x, a: Reads.ALL if len(x) == 1 or a.over == "image" else Reads.POINT,
    example="conv(16) -> layer_norm -> gelu",
    signal=Normalize("mean"),
)


OPS = (batch_norm, instance_norm, layer_norm, group_norm)
