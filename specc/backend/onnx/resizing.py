"""`specc.backend.resizing` as nodes of the exported graph, for images of any height and width.

A matrix for each axis, worked out from the image's own size, and two products. ONNX has an operator `Resize`, but its
float32 coordinates round some pixels differently, and few runtimes have its antialiasing.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto

from specc.backend.onnx.builder import Builder
from specc.backend.resizing import TIE
from specc.tricks.resize import Resize, center
from specc.values import Size


class _Axis(NamedTuple):
    """An axis of the images as values of the graph (`specc.tricks.resize.Axis`).

    name: prefix of its constants. size: of the resized image. wanted: how many of its pixels, from `first` on.
    old: the image's length, int64. new: what that is scaled to, int64; "" where it is `size` whatever the image.
    numbers: those of the wanted pixels in the scaled image, int64 wanted x 1; "" where they begin at `first`.
    """

    name: str
    size: int
    wanted: int
    first: int
    old: str
    new: str = ""
    numbers: str = ""


def resize(g: Builder, images: str, real: str, how: Resize, view: Size | None = None) -> str:
    """`images`, uint8 N x C x any height x any width, brought to `how.size`: whole levels, float32.

    real: `images` as float32. view: the center of the resized images, where only that is wanted.
    """
    axes = _axes(g, images, how, view or how.size)
    inside = [_inside(g, axis) for axis in axes] if how.fit == "contain" else ["", ""]
    rows, columns = (_matrix(g, axis, how, mask) for axis, mask in zip(axes, inside, strict=True))
    columns = g.node("Transpose", [columns], perm=[1, 0])
    if how.by == "bicubic":
        both = _clip(g, g.node("MatMul", [rows, _clip(g, g.node("MatMul", [real, columns]))]))
    else:
        both = g.node("MatMul", [g.node("MatMul", [rows, real]), columns])
    levels = g.node("Floor", [g.node("Add", [both, g.floats(0.5 + TIE)])])
    if how.fit != "contain" or how.fill == 0:
        return levels
    tall, wide = (g.node("Cast", [mask], to=TensorProto.FLOAT) for mask in inside)
    image = g.node("Mul", [tall, g.node("Transpose", [wide], perm=[1, 0])])
    around = g.node("Mul", [g.node("Sub", [g.floats(1.0), image]), g.floats(how.fill)])
    return g.node("Add", [levels, around])


def _clip(g: Builder, levels: str) -> str:
    return g.node("Clip", [levels, g.floats(0.0), g.floats(255.0)])


def _constant(g: Builder, axis: _Axis, name: str, value: Any) -> str:
    return g.initializer(f"{axis.name}/{name}", np.array(value))


def _axes(g: Builder, images: str, how: Resize, view: Size) -> list[_Axis]:
    """What happens to height and width: `Resize.axes`, and the center of that."""
    axes = []
    for number, size, wanted in zip((2, 3), how.size, view, strict=True):
        old = g.node("Shape", [images], start=number, end=number + 1)
        axes.append(_Axis(f"{g.scope}/axis{number}", size, wanted, center(size, wanted), old))
    if how.fit == "stretch":
        return axes
    return [_scaled(g, axis, other, how) for axis, other in (axes, axes[::-1])]


def _scaled(g: Builder, axis: _Axis, other: _Axis, how: Resize) -> _Axis:
    """An axis whose scaled length depends on the image's proportions: `Resize.scaled`, `specc.tricks.resize.center`."""
    size = _constant(g, axis, "size", [axis.size])
    new = g.node("Mul", [_constant(g, axis, "other", [other.size]), axis.old])
    new = g.node("Div", [new, other.old])  # of int64: truncated
    if how.fit == "cover":
        new = g.node("Max", [new, size])
    else:
        new = g.node("Max", [g.node("Min", [new, size]), _constant(g, axis, "least", [1])])
    over = g.node("Cast", [g.node("Sub", [new, size])], to=TensorProto.DOUBLE)
    half = g.node("Round", [g.node("Div", [over, _constant(g, axis, "two", 2.0)])])  # to even
    start = g.node("Cast", [half], to=TensorProto.INT64)
    return axis._replace(new=new, numbers=g.node("Add", [_constant(g, axis, "numbers", _wanted(axis)), start]))


def _wanted(axis: _Axis) -> NDArray[np.int64]:
    """The numbers of the wanted pixels in the resized image, wanted x 1."""
    return np.arange(axis.first, axis.first + axis.wanted)[:, None]


def _inside(g: Builder, axis: _Axis) -> str:
    """Which of the wanted pixels are of the image, and not around it: bool, wanted x 1."""
    from_start = g.node("GreaterOrEqual", [axis.numbers, g.ints([0])])
    return g.node("And", [from_start, g.node("Less", [axis.numbers, axis.new])])


def _matrix(g: Builder, axis: _Axis, how: Resize, inside: str) -> str:
    """`resizing.resize_weights` from the images' own size along an axis: wanted x old, float32; 0 outside."""
    first, step = _constant(g, axis, "first", 0), _constant(g, axis, "step", 1)
    position = g.node("Range", [first, g.node("Squeeze", [axis.old]), step])
    if how.by == "nearest":
        weights = g.node("Cast", [g.node("Equal", [_nearest(g, axis), position])], to=TensorProto.FLOAT)
        return weights if not inside else g.node("Mul", [weights, g.node("Cast", [inside], to=TensorProto.FLOAT)])
    one, zero = _constant(g, axis, "one", 1.0), _constant(g, axis, "zero", 0.0)
    distance = _distance(g, axis, position, one)
    if how.by == "bilinear":
        weights = g.node("Max", [g.node("Sub", [one, distance]), zero])
    else:
        weights = _keys(g, axis, distance, one)
    if not inside:
        total = g.node("ReduceSum", [weights, g.ints([1])], keepdims=1)
        return g.node("Cast", [g.node("Div", [weights, total])], to=TensorProto.FLOAT)
    share = g.node("Cast", [inside], to=TensorProto.DOUBLE)
    weights = g.node("Mul", [weights, share])
    total = g.node("Add", [g.node("ReduceSum", [weights, g.ints([1])], keepdims=1), g.node("Sub", [one, share])])
    return g.node("Cast", [g.node("Div", [weights, total])], to=TensorProto.FLOAT)


def _distance(g: Builder, axis: _Axis, position: str, one: str) -> str:
    """How far each old pixel is from each wanted one, in units of the larger of the two pixels: float64."""
    half = _constant(g, axis, "half", 0.5)
    if axis.new:
        new = g.node("Cast", [axis.new], to=TensorProto.DOUBLE)
        numbers = g.node("Add", [g.node("Cast", [axis.numbers], to=TensorProto.DOUBLE), half])
    else:
        new = _constant(g, axis, "new", float(axis.size))
        numbers = _constant(g, axis, "centers", _wanted(axis) + 0.5)
    scale = g.node("Div", [g.node("Cast", [axis.old], to=TensorProto.DOUBLE), new])
    reach = g.node("Max", [scale, one])
    centers = g.node("Mul", [numbers, scale])
    place = g.node("Add", [g.node("Cast", [position], to=TensorProto.DOUBLE), half])
    return g.node("Div", [g.node("Abs", [g.node("Sub", [place, centers])]), reach])


def _keys(g: Builder, axis: _Axis, distance: str, one: str) -> str:
    """`resizing.keys`: the cubic kernel with a = -0.5."""

    def number(value: float) -> str:
        return _constant(g, axis, f"cubic{value:g}", value)

    two = _constant(g, axis, "cubic2", 2.0)
    near = g.node("Min", [distance, one])
    inner = g.node("Mul", [g.node("Sub", [g.node("Mul", [number(1.5), near]), number(2.5)]), near])
    inner = g.node("Add", [g.node("Mul", [inner, near]), one])
    far = g.node("Max", [g.node("Min", [distance, two]), one])
    outer = g.node("Add", [g.node("Mul", [g.node("Sub", [far, number(5.0)]), far]), number(8.0)])
    outer = g.node("Mul", [g.node("Sub", [g.node("Mul", [outer, far]), number(4.0)]), number(-0.5)])
    return g.node("Add", [inner, outer])


def _nearest(g: Builder, axis: _Axis) -> str:
    """`resizing.nearest`: the old pixel under the center of each wanted one, int64, wanted x 1."""
    one, two = g.ints([1]), g.ints([2])
    new = axis.new or _constant(g, axis, "new", [axis.size])
    numbers = axis.numbers or _constant(g, axis, "numbers", _wanted(axis))
    odd = g.node("Add", [g.node("Mul", [numbers, two]), one])
    return g.node("Div", [g.node("Mul", [odd, axis.old]), g.node("Mul", [new, two])])
