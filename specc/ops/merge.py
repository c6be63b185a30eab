"""Layers that join branches. Their shape rules get the list of the branches' shapes."""

from typing import Any

from specc.ops.expansion import Branches
from specc.ops.geometry import bounded
from specc.ops.op import Op
from specc.ops.signal_joins import Concatenate, Larger, Product, Sum
from specc.values import Args
from specc.vocabulary.problem import Problem
from specc.vocabulary.shape import Shape, size_text
from specc.vocabulary.target import Target

_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth")


def _branch(index: int) -> str:
    return f"the {_ORDINALS[index]} branch" if index < len(_ORDINALS) else f"branch {index + 1}"


def _stride(large: int, small: int) -> int:
    """The stride that brings `large` pixels down to `small` with padding=same, or 0."""
    stride = -(large // -small)
    return stride if -(large // -stride) == small else 0


def _projection(shapes: list[Shape]) -> str:
    """How to give one branch the shape of the other; the larger feature map is downsampled."""
    target = min((s for s in shapes), key=lambda s: s[1:] if len(s) == 3 else s)
    if len({s[1:] for s in shapes}) == 1:
        target = shapes[0]
    index = next(i for i, s in enumerate(shapes) if s != target)
    other, what = shapes[index], f"{_branch(index)} ({size_text(shapes[index])}) to {size_text(target)}"
    if len(other) != len(target):
        return f"convert {what}: a feature map and a vector cannot be combined"
    if len(target) == 1:
        return f"project {what}: dense({target[0]})"
    tall, wide = _stride(other[1], target[1]), _stride(other[2], target[2])
    if not tall or not wide:
        return f"resize {what}: check the strides and paddings along the way"
    return f"project {what}: conv({target[0]}, 1x1{_stride_text(tall, wide)}) -> batch_norm"


def _stride_text(tall: int, wide: int) -> str:
    return "" if tall == wide == 1 else f", stride={tall}" if tall == wide else f", stride={tall}x{wide}"


def _residual_shape(x: list[Shape], a: Args) -> Shape:
    before, after = x
    if before == after:
        return after
    help = "check the strides and paddings in the body"
    if len(before) == len(after) == 1:
        help = f"project the input to {after[0]}: add {{ | … | dense({after[0]}) }}, with the body as the first branch"
    elif len(before) == len(after):
        tall, wide = _stride(before[1], after[1]), _stride(before[2], after[2])
        if tall and wide:
            call = f"conv({after[0]}, 1x1{_stride_text(tall, wide)}) -> batch_norm"
            help = f"project the input: add {{ | … | {call} }}, with the body as the first branch"
    raise Problem(
        "E301", "the body of `residual` changes the shape, so its output cannot be added to its input", help=help
    )


def _different(layer: str, shapes: list[Shape], help: str) -> Problem:
    return Problem("E301", f"the branches of `{layer}` have different shapes", help=help)


def _one_shape(layer: str, x: list[Shape]) -> Shape:
    """The shape that all branches have."""
    if len(set(x)) > 1:
        raise _different(layer, x, _projection(x))
    return x[0]


def _multiply_shape(x: list[Shape], a: Args) -> Shape:
    maps = [s for s in x if len(s) == 3]
    full = max(maps, key=lambda s: (s[1:] != (1, 1), s[0] != 1), default=x[0])
    fine = [full, (full[0], 1, 1), (1, *full[1:])] if len(full) == 3 else [full]
    if any(s not in fine for s in x):
        raise _different("multiply", x, _bring_to(x, list(dict.fromkeys(fine))))
    return full


def _bring_to(x: list[Shape], fine: list[Shape]) -> str:
    """Which branch of `multiply` does not fit the full one, and which shapes would."""
    index = next(i for i, shape in enumerate(x) if shape not in fine)
    return f"change {_branch(index)} ({size_text(x[index])}) to {' or '.join(map(size_text, fine))}"


def _agree(first: Shape, other: Shape, index: int) -> str:
    """How two branches of `concat` come to one height and width."""
    if len(first) != 3 or len(other) != 3:
        return "a feature map and a vector cannot be concatenated"
    large, small, which = (first, other, 0) if first[1:] > other[1:] else (other, first, index)
    stride = {_stride(large[1], small[1]), _stride(large[2], small[2])}
    target = f"shrink {_branch(which)} from {large[1]}x{large[2]} to {small[1]}x{small[2]}"
    if len(stride) == 1 and min(stride) > 1 and large[1] == min(stride) * small[1]:
        return f"{target}: max_pool({min(stride)}), or stride={min(stride)} in a convolution"
    if large[1] >= small[1] and large[2] >= small[2]:
        return f"{target}: crop_to(name), where as(name) names the smaller one"
    return "heights and widths must match; only the channels may differ"


def _concat_shape(x: list[Shape], a: Args) -> Shape:
    if len({s[1:] for s in x}) > 1:
        first = x[0]
        index, other = next((i, s) for i, s in enumerate(x) if s[1:] != first[1:])
        raise _different("concat", x, _agree(first, other, index))
    return bounded((sum(s[0] for s in x), *x[0][1:]), "concat")


add = Op(
    name="add",
    group="taking a body",
    doc="Adds its branches elementwise; all must have the same shape.",
    shape=lambda x, a: _one_shape("add", x),
    torch=lambda x, a: Target("specc.backend.layers.Add", {}),
    onnx=lambda g, names, a, w, x, y: g.node("Sum", names) if len(names) != 2 else g.node("Add", names),
    example="add { | conv(16) -> relu | conv(16, 1x1) }",
    expands=Branches(),
    signal=Sum(),
)

# How `residual` ends: the output of its body is added to its input.
add_to_input = add._replace(shape=_residual_shape)


def _multiply_onnx(g: Any, names: list[str], a: Args, w: Any, x: list[Shape], y: Shape) -> str:
    value = names[0]
    for name in names[1:]:
        value = g.node("Mul", [value, name])
    return value


multiply = Op(
    name="multiply",
    group="taking a body",
    doc="Multiplies its branches; C x 1 x 1 and 1 x H x W are broadcast over C x H x W, as in attention.",
    shape=_multiply_shape,
    torch=lambda x, a: Target("specc.backend.layers.Multiply", {}),
    onnx=_multiply_onnx,
    example="multiply { | identity | global_avg_pool -> conv(8, 1x1) -> sigmoid }",
    expands=Branches(),
    signal=Product(),
)

maximum = Op(
    name="maximum",
    group="taking a body",
    doc="The largest of its branches, elementwise; all must have the same shape (maxout, Goodfellow et al., 2013).",
    shape=lambda x, a: _one_shape("maximum", x),
    torch=lambda x, a: Target("specc.backend.layers.Maximum", {}),
    onnx=lambda g, names, a, w, x, y: g.node("Max", names),
    example="maximum { | conv(16) | conv(16) }",
    expands=Branches(),
    signal=Larger(),
)

concat = Op(
    name="concat",
    group="taking a body",
    doc="Concatenates the channels of its branches; heights and widths must agree.",
    shape=_concat_shape,
    torch=lambda x, a: Target("specc.backend.layers.Concat", {}),
    onnx=lambda g, names, a, w, x, y: g.node("Concat", names, axis=1),
    example="concat { | conv(16, 1x1) | conv(16, 3x3) }",
    expands=Branches(),
    signal=Concatenate(),
)

OPS = (add, multiply, maximum, concat)
