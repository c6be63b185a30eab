"""Functions applied to each number by itself, and softmax."""

import math
from collections.abc import Callable
from typing import Any

from specc.ops.activity import RECTIFIER, SATURATING, SELF_NORMALIZING, Activity, Kind
from specc.ops.op import Op
from specc.ops.reads import Reads
from specc.ops.signal import Function, Scale
from specc.values import Args
from specc.vocabulary.kinds import NOT_NEGATIVE, POSITIVE
from specc.vocabulary.param import Param
from specc.vocabulary.shape import Shape
from specc.vocabulary.target import Target
from specc.vocabulary.weight import WeightSpec

PRELU_SLOPE = 0.25  # with which prelu starts


def _sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x > -700 else 0.0


def _softplus(x: float) -> float:
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))


def _sixth(x: float) -> float:
    """relu6(x + 3) / 6."""
    return min(max(x + 3, 0.0), 6.0) / 6


def _elu(x: float, alpha: float) -> float:
    return x if x > 0 else alpha * math.expm1(x)


def _pointwise(
    name: str,
    doc: str,
    module: str,
    node: str,
    function: Callable[[float], float],
    *,
    saturates: bool = False,
    rectifies: bool = False,
    acts: Activity | None = None,
    **attributes: Any,
) -> Op:
    """An activation without parameters that is one torch module and one ONNX node."""
    return Op(
        name=name,
        group="activation",
        doc=doc,
        torch=lambda x, a: Target(f"torch.nn.{module}", {}),
        onnx=lambda g, names, a, w, x, y: g.node(node, names, **attributes),
        example=name,
        signal=Function(lambda a: function),
        saturates=saturates,
        rectifies=rectifies,
        acts=(lambda a: acts) if acts else None,
    )


relu = _pointwise(
    "relu",
    "Keeps what is positive and sets the rest to zero.",
    "ReLU",
    "Relu",
    lambda x: max(x, 0.0),
    rectifies=True,
)
selu = _pointwise(
    "selu",
    "An ELU scaled so that activations keep mean 0 and variance 1.",
    "SELU",
    "Selu",
    lambda x: 1.0507009873554805 * _elu(x, 1.6732632423543772),
    acts=SELF_NORMALIZING,
)
mish = _pointwise(
    "mish",
    "x * tanh(softplus(x)): smooth, slightly below zero for small x.",
    "Mish",
    "Mish",
    lambda x: x * math.tanh(_softplus(x)),
    rectifies=True,
)
hard_swish = _pointwise(
    "hard_swish",
    "x * relu6(x + 3) / 6: a cheap silu.",
    "Hardswish",
    "HardSwish",
    lambda x: x * _sixth(x),
    rectifies=True,
)
sigmoid = _pointwise(
    "sigmoid",
    "1 / (1 + exp(-x)): into 0 to 1; its slope is at most 1/4.",
    "Sigmoid",
    "Sigmoid",
    _sigmoid,
    saturates=True,
)
tanh = _pointwise("tanh", "Squeezes into -1 to 1.", "Tanh", "Tanh", math.tanh, saturates=True)
softplus = _pointwise("softplus", "log(1 + exp(x)): a smooth relu.", "Softplus", "Softplus", _softplus, acts=RECTIFIER)
hard_sigmoid = _pointwise(
    "hard_sigmoid",
    "relu6(x + 3) / 6: a cheap sigmoid.",
    "Hardsigmoid",
    "HardSigmoid",
    _sixth,
    saturates=True,
    alpha=1 / 6,
    beta=0.5,
)
softmax = Op(
    name="softmax",
    group="activation",
    doc="Turns the channels at each position into probabilities. As the last layer, it becomes part of the loss.",
    torch=lambda x, a: Target("torch.nn.Softmax", {"dim": 1}),
    onnx=lambda g, names, a, w, x, y: g.node("Softmax", names, axis=1),
    reads=lambda x, a: Reads.ALL if len(x) == 1 else Reads.POINT,
    is_softmax=True,
    example="flatten -> dense(10) -> softmax",
    signal=Scale(lambda at: 1 / at.y[0]),  # nearly even at the start: 1 / channels each
    acts=lambda a: SATURATING,
)

relu6 = Op(
    name="relu6",
    group="activation",
    doc="A relu clipped at 6, which keeps activations small enough for low precision.",
    torch=lambda x, a: Target("torch.nn.ReLU6", {}),
    onnx=lambda g, names, a, w, x, y: g.node("Clip", [names[0], g.floats(0.0), g.floats(6.0)]),
    example="relu6",
    signal=Function(lambda a: lambda x: min(max(x, 0.0), 6.0)),
    rectifies=True,
)

leaky_relu = Op(
    name="leaky_relu",
    group="activation",
    doc="A relu with a small slope for negative inputs, so that no unit dies.",
    params=(Param("slope", NOT_NEGATIVE, 0.01, "the factor for negative inputs"),),
    torch=lambda x, a: Target("torch.nn.LeakyReLU", {"negative_slope": a.slope}),
    onnx=lambda g, names, a, w, x, y: g.node("LeakyRelu", names, alpha=a.slope),
    example="leaky_relu(0.1)",
    signal=Function(lambda a: lambda x: x if x > 0 else a.slope * x),
    rectifies=True,
    acts=lambda a: Activity(Kind.RECTIFIER, a.slope),
)

elu = Op(
    name="elu",
    group="activation",
    doc="x if positive, else alpha * (exp(x) - 1).",
    params=(Param("alpha", POSITIVE, 1.0, "minus the limit for large negative inputs"),),
    torch=lambda x, a: Target("torch.nn.ELU", {} if a.alpha == 1 else {"alpha": a.alpha}),
    onnx=lambda g, names, a, w, x, y: g.node("Elu", names, alpha=a.alpha),
    example="elu",
    signal=Function(lambda a: lambda x: _elu(x, a.alpha)),
    acts=lambda a: RECTIFIER,  # as Clevert et al., 2016, start its kernels
)


def _prelu_onnx(g: Any, names: list[str], a: Args, w: Any, x: Shape, y: Shape) -> str:
    slope = w["weight"] if len(x) == 1 else g.shaped(w["weight"], (x[0], 1, 1))
    result: str = g.node("PRelu", [names[0], slope])
    return result


prelu = Op(
    name="prelu",
    group="activation",
    doc="A leaky relu with a learned slope per channel (He et al., 2015).",
    weights=lambda x, a: (WeightSpec("weight", (x[0],), "other", PRELU_SLOPE),),
    torch=lambda x, a: Target("torch.nn.PReLU", {"num_parameters": x[0]}),
    onnx=_prelu_onnx,
    example="prelu",
    signal=Function(lambda a: lambda x: x if x > 0 else PRELU_SLOPE * x),
    rectifies=True,
    acts=lambda a: Activity(Kind.RECTIFIER, PRELU_SLOPE),
)


def _gelu_onnx(g: Any, names: list[str], a: Args, w: Any, x: Shape, y: Shape) -> str:
    if g.opset >= 20:
        return str(g.node("Gelu", names))
    erf = g.node("Erf", [g.node("Mul", [names[0], g.floats(0.5**0.5)])])
    half = g.node("Mul", [names[0], g.floats(0.5)])
    return str(g.node("Mul", [half, g.node("Add", [erf, g.floats(1.0)])]))


gelu = Op(
    name="gelu",
    group="activation",
    doc="x times the standard normal cumulative distribution at x.",
    torch=lambda x, a: Target("torch.nn.GELU", {}),
    onnx=_gelu_onnx,
    example="gelu",
    signal=Function(lambda a: lambda x: x * 0.5 * (1 + math.erf(x * 0.5**0.5))),
    rectifies=True,
)

silu = Op(
    name="silu",
    group="activation",
    doc="x * sigmoid(x), also called swish.",
    torch=lambda x, a: Target("torch.nn.SiLU", {}),
    onnx=lambda g, names, a, w, x, y: g.node("Mul", [names[0], g.node("Sigmoid", names)]),
    example="silu",
    signal=Function(lambda a: lambda x: x * _sigmoid(x)),
    rectifies=True,
)

OPS = (
    relu, relu6, leaky_relu, prelu, elu, selu, gelu, silu, mish,
    hard_swish, hard_sigmoid, sigmoid, tanh, softmax, softplus,
)  # fmt: skip
