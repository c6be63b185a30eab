"""Bringing a map to another height and width: resized, in the coordinates of PyTorch's `interpolate`, or cropped."""

import struct
from typing import Any

from specc.ops.expansion import WithNamed
from specc.ops.geometry import bounded
from specc.ops.op import Op, needs_map
from specc.ops.reads import Axis, Resample, Slide
from specc.ops.signal_joins import First
from specc.values import Args, Size
from specc.vocabulary.kinds import Either, Maybe, SizeOf, Symbols, TensorName
from specc.vocabulary.param import Param
from specc.vocabulary.problem import Problem
from specc.vocabulary.shape import Shape, size_text
from specc.vocabulary.target import Target

EITHER = "write resize_to(65x65), or resize_to(like=name) for the size of the tensor that `as(name)` named"
TAPS = {"nearest": 1, "bilinear": 2, "bicubic": 4}


def _resize_shape(x: list[Shape], a: Args) -> Shape:
    for shape in x:
        needs_map(shape, "resize_to")
    if a.size is None and a.like is None:
        raise Problem("E206", "`resize_to` needs `size` or `like`", help=EITHER)
    if a.size is not None and a.like is not None:
        message = f"`resize_to` has both a size, {a.size}, and like={a.like}, which is {size_text(x[1])}"
        raise Problem("E216", message, param="like", help=EITHER)
    size = x[1][1:] if a.size is None else a.size
    return bounded((x[0][0], *size), "resize_to", "size" if a.like is None else "like")


def _resize_target(x: list[Shape], a: Args) -> Target:
    if a.size is None:
        return Target("specc.backend.layers.ResizeLike", {"mode": a.mode})
    return Target("torch.nn.Upsample", {"size": tuple(a.size), "mode": a.mode})


def nearest_pixels(length: int, count: int) -> list[int]:
    """The pixel that each of `count` pixels is taken from, by PyTorch's arithmetic, which rounds to float32."""
    scale = _float32(length / count)
    return [min(int(_float32(position * scale)), length - 1) for position in range(count)]


def _float32(value: float) -> float:
    return float(struct.unpack("f", struct.pack("f", value))[0])


def _resize_onnx(g: Any, names: list[str], a: Args, w: Any, x: list[Shape], y: Shape) -> str:
    if a.mode == "nearest":
        # Not `Resize`, which rounds otherwise than PyTorch where a pixel's place is nearly a whole number.
        value = names[0]
        for axis in (1, 2):
            value = g.node("Gather", [value, g.ints(nearest_pixels(x[0][axis], y[axis]))], axis=axis + 1)
        return str(value)
    how = {"mode": "linear"} if a.mode == "bilinear" else {"mode": "cubic", "cubic_coeff_a": -0.75}
    inputs = [names[0], "", "", g.ints(y[1:])]
    return str(g.node("Resize", inputs, axes=[2, 3], coordinate_transformation_mode="half_pixel", **how))


def _resize_reads(x: list[Shape], a: Args) -> tuple[Axis, Axis]:
    taps = Resample(TAPS[a.mode])
    return taps, taps


resize_to = Op(
    name="resize_to",
    group="shape",
    doc="Resizes the map to a height and width, or to those of the tensor that `as(name)` named; without antialiasing.",
    params=(
        Param("size", Maybe(SizeOf()), None, "the size of the output"),
        Param("mode", Symbols(*TAPS), "bilinear", "how pixels are computed"),
        Param("like", Maybe(TensorName()), None, "the named tensor whose height and width to take"),
    ),
    shape=_resize_shape,
    torch=_resize_target,
    onnx=_resize_onnx,
    reads=_resize_reads,
    example="as(all) -> conv(8, stride=2) -> resize_to(like=all)",
    expands=WithNamed("like"),
    signal=First(),
    repeatable=lambda x, a: a.mode != "bicubic",
)


def _crop_shape(x: list[Shape], a: Args) -> Shape:
    mine, other = x
    for shape in x:
        needs_map(shape, "crop_to")
    if mine[1] < other[1] or mine[2] < other[2]:
        raise Problem(
            "E303",
            f"`crop_to({a.name})` cannot crop a {mine[1]} x {mine[2]} feature map to {other[1]} x {other[2]}",
            param="name",
            help=f"crop the larger one instead, or `pad` or `upsample` this one; `{a.name}` is {size_text(other)}",
        )
    top, left = _corner(x, a)
    most = Size(mine[1] - other[1], mine[2] - other[2])
    if top > most.height or left > most.width:
        raise Problem(
            "E303",
            f"`crop_to({a.name})` with offset={a.offset} reaches beyond its {mine[1]} x {mine[2]} feature map: "
            f"`{a.name}` is {other[1]} x {other[2]}",
            param="offset",
            help=f"use an offset of at most {most}",
            shape=(mine[0], *other[1:]),
        )
    return (mine[0], *other[1:])


def _corner(x: list[Shape], a: Args) -> tuple[int, int]:
    """The row and the column at which the crop begins."""
    if isinstance(a.offset, Size):
        return a.offset.height, a.offset.width
    return (x[0][1] - x[1][1]) // 2, (x[0][2] - x[1][2]) // 2


def _crop_target(x: list[Shape], a: Args) -> Target:
    if isinstance(a.offset, Size):
        return Target("specc.backend.layers.CropAt", {"offset": tuple(a.offset)})
    return Target("specc.backend.layers.CropTo", {})


def _crop_onnx(g: Any, names: list[str], a: Args, w: Any, x: list[Shape], y: Shape) -> str:
    top, left = _corner(x, a)
    return str(g.node("Slice", [names[0], g.ints([top, left]), g.ints([top + y[1], left + y[2]]), g.ints([2, 3])]))


def _crop_reads(x: list[Shape], a: Args) -> tuple[Axis, Axis]:
    top, left = _corner(x, a)
    return Slide(before=-top), Slide(before=-left)


crop_to = Op(
    name="crop_to",
    group="shape",
    doc="Crops the map to the height and width of the tensor that `as(name)` named: its center, or elsewhere.",
    params=(
        Param("name", TensorName(), doc="the named tensor whose height and width to crop to"),
        Param(
            "offset",
            Either(Symbols("center"), SizeOf(0)),
            "center",
            "where the crop begins, in pixels from the top and the left, height x width",
        ),
    ),
    shape=_crop_shape,
    torch=_crop_target,
    onnx=_crop_onnx,
    reads=_crop_reads,
    example="as(wide) -> conv(8, padding=0) -> as(narrow) -> from(wide) -> crop_to(narrow)",
    expands=WithNamed("name"),
    signal=First(),
)

OPS = (resize_to, crop_to)
