"""The layers that structure a network: most are resolved at compile time and leave no module."""

from specc.ops.expansion import (
    AroundBody,
    AuxiliaryHead,
    NamedTensor,
    NamesTensor,
    NetworkInput,
    PassOn,
    Repeat,
    ShapeCheck,
)
from specc.ops.geometry import bounded
from specc.ops.merge import add_to_input
from specc.ops.op import Op
from specc.ops.signal import Scale
from specc.values import Args
from specc.vocabulary.kinds import NOT_NEGATIVE, Bool, Float, Int, Maybe, NewName, SizeOf, TensorName
from specc.vocabulary.param import Param
from specc.vocabulary.problem import Problem
from specc.vocabulary.shape import Shape, size_text
from specc.vocabulary.target import Target
from specc.vocabulary.weight import WeightSpec


def _stated(a: Args, first: str) -> Shape:
    """`64, 56x56` is a map; a number alone is a flat length."""
    count = getattr(a, first)
    return (count,) if a.size is None else (count, *a.size)


input_ = Op(
    name="input",
    group="other",
    doc="The input shape of the network. It can be omitted if the data determine it.",
    params=(
        Param("channels", Int(1), doc="1 for grayscale, 3 for color; the length of a flat input"),
        Param("size", Maybe(SizeOf()), None, "height x width; `none` for a flat input"),
    ),
    shape=lambda x, a: bounded(_stated(a, "channels"), "input"),
    example="input(3, 32x32)",
    expands=NetworkInput(),
)

identity = Op(
    name="identity",
    group="other",
    doc="Passes its input on.",
    example="identity",
    expands=PassOn(),
)


def _expect_shape(x: Shape, a: Args) -> Shape:
    stated = _stated(a, "channels")
    if x != stated:
        written = f"{x[0]}, {x[1]}x{x[2]}" if len(x) == 3 else str(x[0])
        raise Problem(
            "E305",
            f"expected {size_text(stated)}, found {size_text(x)}",
            param="channels" if x[0] != stated[0] or len(x) != len(stated) else "size",
            help=f"fix the layers before this one, or write `expect({written})`",
        )
    return x


expect = Op(
    name="expect",
    group="other",
    doc="Asserts the shape at this point; the compiler checks it.",
    params=(
        Param("channels", Int(1), doc="the number of channels; the length of a flat shape"),
        Param("size", Maybe(SizeOf()), None, "height x width; `none` for a flat shape"),
    ),
    shape=_expect_shape,
    example="expect(8, 16x16)",
    expands=ShapeCheck(),
)

as_ = Op(
    name="as",
    group="other",
    doc=(
        "Names the tensor at this point and passes it on: for `from(name)`, `crop_to(name)`, `resize_to(like=name)`. "
        "`as(x[i])`, with an integer for `i`, names one of several."
    ),
    params=(Param("name", TensorName(), doc="the new name, with an index if there are several: `x[i]`"),),
    example="as(early) -> conv(16) -> relu -> from(early)",
    expands=NamesTensor("name"),
)

from_ = Op(
    name="from",
    group="other",
    doc="Continues from the tensor that `as(name)` named.",
    params=(Param("name", TensorName(), doc="a name defined by an earlier `as`, such as `x` or `x[i]`"),),
    example="as(early) -> conv(16) -> relu -> from(early)",
    expands=NamedTensor("name"),
)

scale = Op(
    name="scale",
    group="other",
    doc="Multiplies everything by one number: a constant, or learned, as in SkipInit (De & Smith, 2020).",
    params=(
        Param("value", Float(), doc="the constant, or what the learned number starts at"),
        Param("learned", Bool(), False, "whether the number is learned"),
    ),
    weights=lambda x, a: (WeightSpec("weight", (), "other", a.value),) if a.learned else (),
    torch=lambda x, a: Target(f"specc.backend.layers.{'LearnedScale' if a.learned else 'Scale'}", {"value": a.value}),
    onnx=lambda g, names, a, w, x, y: g.node("Mul", [names[0], w["weight"] if a.learned else g.floats(a.value)]),
    example="scale(1 / 9)",
    signal=Scale(lambda at: at.a.value),
)


def _one_each(x: Shape) -> Shape:
    """The shape of one number for each channel, as it is spread over the map."""
    return (x[0],) + (1,) * (len(x) - 1)


layer_scale = Op(
    name="layer_scale",
    group="other",
    doc="Multiplies each channel by a learned factor that starts small (Touvron et al., 2021).",
    params=(Param("init", Float(), 1e-6, "the initial value of the learned factors"),),
    weights=lambda x, a: (WeightSpec("weight", _one_each(x), "other", a.init),),
    torch=lambda x, a: Target("specc.backend.layers.LayerScale", {"shape": _one_each(x), "init": a.init}),
    onnx=lambda g, names, a, w, x, y: g.node("Mul", [names[0], w["weight"]]),
    example="residual { conv(8) -> layer_scale }",
    signal=Scale(lambda at: at.a.init),
)

residual = Op(
    name="residual",
    group="taking a body",
    doc="Adds the output of the body to its input: a skip connection (He et al., 2015).",
    example="residual { conv(8) -> batch_norm -> relu }",
    expands=AroundBody(join=add_to_input),
)

repeat = Op(
    name="repeat",
    group="taking a body",
    doc="Repeats the body n times in sequence, each time with its own weights.",
    params=(Param("n", Int(0), doc="the number of repetitions; 0 omits the body"),),
    example="repeat(3) { conv(8) -> relu }",
    expands=Repeat("n"),
)

head = Op(
    name="head",
    group="taking a body",
    doc="An auxiliary classifier: its loss is added during training, and it is removed at export.",
    params=(
        Param("name", NewName(), doc="its name in metrics and in the names of its layers"),
        Param("weight", NOT_NEGATIVE, 0.3, "the weight of its loss"),
    ),
    example="head(early, weight=0.3) { global_avg_pool -> dense(10) }",
    expands=AuxiliaryHead("name", "weight"),
)

OPS = (scale, layer_scale, identity, expect, as_, from_, input_, residual, repeat, head)
