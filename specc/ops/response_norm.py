"""Response normalization: channels compete by their sizes, among neighbors or all of them."""

from typing import Any

from specc.ops.op import Op, needs_map
from specc.ops.reads import Reads
from specc.ops.signal import Scale
from specc.values import Args
from specc.vocabulary.kinds import POSITIVE, Int
from specc.vocabulary.param import Param
from specc.vocabulary.problem import Problem
from specc.vocabulary.shape import Shape
from specc.vocabulary.target import Target
from specc.vocabulary.weight import WeightSpec


def _local_shape(x: Shape, a: Args) -> Shape:
    needs_map(x, "local_response_norm")
    if a.size % 2 == 0:
        raise Problem(
            "E207",
            f"`size` of `local_response_norm` must be odd, found {a.size}",
            param="size",
            help=f"use an odd number, such as {a.size + 1}",
        )
    return x


local_response_norm = Op(
    name="local_response_norm",
    group="normalization",
    doc="Divides each value by the magnitude of its neighbors in adjacent channels (AlexNet, 2012).",
    params=(
        Param("size", Int(1), doc="the number of adjacent channels to sum over; odd"),
        Param("alpha", POSITIVE, 1e-4, "the weight of the sum of squares, divided by `size`"),
        Param("beta", POSITIVE, 0.75, "the exponent"),
        Param("k", POSITIVE, 1.0, "the constant added to the sum"),
    ),
    shape=_local_shape,
    torch=lambda x, a: Target(
        "torch.nn.LocalResponseNorm", {"size": a.size, "alpha": a.alpha, "beta": a.beta, "k": a.k}
    ),
    onnx=lambda g, names, a, w, x, y: g.node("LRN", names, size=a.size, alpha=a.alpha, beta=a.beta, bias=a.k),
    example="local_response_norm(5)",
    signal=Scale(lambda at: (at.a.k + at.a.alpha * at.x[0].square) ** -at.a.beta),
)


def _global_shape(x: Shape, a: Args) -> Shape:
    needs_map(x, "global_response_norm")
    return x


def _global_onnx(g: Any, names: list[str], a: Args, w: Any, x: Shape, y: Shape) -> str:
    size = g.node("ReduceL2", [names[0], g.ints([2, 3])])
    response = g.node("Div", [size, g.node("Add", [g.node("ReduceMean", [size, g.ints([1])]), g.floats(a.eps)])])
    scale, shift = (g.shaped(w[key], (x[0], 1, 1)) for key in ("weight", "bias"))
    scaled = g.node("Mul", [scale, g.node("Mul", [names[0], response])])
    return str(g.node("Add", [names[0], g.node("Add", [shift, scaled])]))


global_response_norm = Op(
    name="global_response_norm",
    group="normalization",
    doc="Adds each channel again, weighted by its size over its map relative to the other channels; the learned weight "
    "and shift start at 0 (ConvNeXt V2, Woo et al., 2023).",
    params=(Param("eps", POSITIVE, 1e-6, "added to the mean size of the channels to avoid division by zero"),),
    shape=_global_shape,
    weights=lambda x, a: (WeightSpec("weight", (x[0],), "norm", 0.0), WeightSpec("bias", (x[0],), "norm", 0.0)),
    torch=lambda x, a: Target("specc.backend.layers.GlobalResponseNorm", {"num_channels": x[0], "eps": a.eps}),
    onnx=_global_onnx,
    reads=lambda x, a: Reads.ALL,
    example="conv(32, 1x1) -> gelu -> global_response_norm -> conv(8, 1x1)",
)

OPS = (local_response_norm, global_response_norm)
