"""Fully connected layers."""

from typing import Any

from specc.ops.conv import INIT, REGULARIZE, TRAINABLE, kernel_and_bias
from specc.ops.geometry import bounded
from specc.ops.op import Op
from specc.ops.reads import Reads
from specc.ops.signal import WeightedSum
from specc.values import Args
from specc.vocabulary.kinds import Bool, Int
from specc.vocabulary.param import Param
from specc.vocabulary.problem import Problem
from specc.vocabulary.shape import Shape, size_text
from specc.vocabulary.target import Target
from specc.vocabulary.weight import Fans, WeightSpec


def _length(x: Shape) -> int:
    length = 1
    for n in x:
        length *= n
    return length


def _dense_shape(x: Shape, a: Args) -> Shape:
    if len(x) == 3 and x[1:] != (1, 1):
        raise Problem(
            "E302",
            f"`dense` needs a vector or C x 1 x 1, but its input is {size_text(x)}",
            help=f"put `flatten` before it, which gives {_length(x)}, or `global_avg_pool`, which gives {x[0]} x 1 x 1",
        )
    bounded((a.units, _length(x)), "dense", "units", "weights")
    return (a.units,)


def _dense_weights(x: Shape, a: Args) -> tuple[WeightSpec, ...]:
    return kernel_and_bias((a.units, _length(x)), Fans(_length(x), a.units, a.units), a.units, a)


def _dense_target(x: Shape, a: Args) -> Target:
    kwargs: dict[str, Any] = {"in_features": _length(x), "out_features": a.units}
    if not a.bias:
        kwargs["bias"] = False
    return Target("torch.nn.Linear" if len(x) == 1 else "specc.backend.layers.FlatLinear", kwargs)


def _dense_onnx(g: Any, names: list[str], a: Args, w: Any, x: Shape, y: Shape) -> str:
    flat = names[0] if len(x) == 1 else g.node("Flatten", names, axis=1)
    result: str = g.node("Gemm", [flat, w["weight"], *([w["bias"]] if a.bias else [])], transB=1)
    return result


dense = Op(
    name="dense",
    group="dense",
    doc="A fully connected layer: each unit is a learned weighted sum of all inputs.",
    params=(
        Param("units", Int(1), doc="the number of outputs"),
        Param("bias", Bool(), True, "a learned bias per unit"),
        INIT,
        REGULARIZE,
        TRAINABLE,
    ),
    shape=_dense_shape,
    weights=_dense_weights,
    macs=lambda x, a, y: a.units * _length(x),
    torch=_dense_target,
    onnx=_dense_onnx,
    reads=lambda x, a: Reads.ALL,
    example="flatten -> dense(10)",
    signal=WeightedSum(),
)

flatten = Op(
    name="flatten",
    group="dense",
    doc="Flattens a feature map into a vector of channels x height x width numbers.",
    shape=lambda x, a: (_length(x),),
    torch=lambda x, a: Target("torch.nn.Flatten", {}),
    onnx=lambda g, names, a, w, x, y: g.node("Flatten", names, axis=1),
    example="flatten -> dense(10)",
)

OPS = (dense, flatten)
