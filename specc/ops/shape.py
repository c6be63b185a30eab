"""Layers that move numbers about and learn nothing."""

from typing import Any

from specc.ops.geometry import bounded, divisors, few
from specc.ops.op import Op, needs_map
from specc.ops.reads import Axis, Resample, Slide, Spread
from specc.values import Args, Size
from specc.vocabulary.kinds import Either, Int, ListOf, SizeOf, Symbols
from specc.vocabulary.param import Param
from specc.vocabulary.problem import Problem
from specc.vocabulary.shape import Shape
from specc.vocabulary.target import Target


def _channels_shape(x: Shape, a: Args) -> Shape:
    if not a.start < a.stop <= x[0]:
        raise Problem(
            "E309",
            f"`channels({a.start}, {a.stop})` is not a range of its {x[0]} input channels",
            param="stop" if a.stop > x[0] else "start",
            help=f"start counts from 0 and stop is excluded: 0 <= start < stop <= {x[0]}",
        )
    return (a.stop - a.start, *x[1:])


channels = Op(
    name="channels",
    group="shape",
    doc="Keeps the channels from `start` up to but not including `stop`.",
    params=(
        Param("start", Int(0), doc="the first channel, counted from 0"),
        Param("stop", Int(1), doc="the channel to stop before"),
    ),
    shape=_channels_shape,
    torch=lambda x, a: Target("specc.backend.layers.Channels", {"start": a.start, "stop": a.stop}),
    onnx=lambda g, names, a, w, x, y: g.node("Slice", [names[0], *(g.ints([n]) for n in (a.start, a.stop, 1))]),
    example="channels(0, 4)",
)


def _shuffle_shape(x: Shape, a: Args) -> Shape:
    needs_map(x, "channel_shuffle")
    if x[0] % a.groups:
        raise Problem(
            "E304",
            f"`channel_shuffle` has groups={a.groups}, which does not divide its {x[0]} input channels",
            param="groups",
            help=f"groups that divide {x[0]} channels: {few(divisors(x[0]))}",
            shape=x,
        )
    return x


def _shuffle_onnx(g: Any, names: list[str], a: Args, w: Any, x: Shape, y: Shape) -> str:
    parts = g.node("Reshape", [names[0], g.ints([0, a.groups, x[0] // a.groups, x[1], x[2]])])
    return str(g.node("Reshape", [g.node("Transpose", [parts], perm=[0, 2, 1, 3, 4]), g.ints([0, *x])]))


channel_shuffle = Op(
    name="channel_shuffle",
    group="shape",
    doc="Distributes the channels of each group over all groups, so that grouped convolutions mix (ShuffleNet, 2017).",
    params=(Param("groups", Int(1), doc="the number of groups of the input channels"),),
    shape=_shuffle_shape,
    torch=lambda x, a: Target("torch.nn.ChannelShuffle", {"groups": a.groups}),
    onnx=_shuffle_onnx,
    example="conv(16, groups=4) -> channel_shuffle(4)",
)


def _pixel_shuffle_shape(x: Shape, a: Args) -> Shape:
    needs_map(x, "pixel_shuffle")
    if x[0] % (a.r * a.r):
        options = [r for r in divisors(x[0]) if x[0] % (r * r) == 0]
        raise Problem(
            "E304",
            f"`pixel_shuffle({a.r})` needs a number of channels divisible by {a.r} x {a.r} = {a.r * a.r}, "
            f"but its input has {x[0]}",
            param="r",
            help=f"factors that fit {x[0]} channels: {few(options)}",
        )
    return (x[0] // (a.r * a.r), x[1] * a.r, x[2] * a.r)


pixel_shuffle = Op(
    name="pixel_shuffle",
    group="shape",
    doc="Turns r x r channels into one channel r times as high and wide (Shi et al., 2016).",
    params=(Param("r", Int(1), doc="the upsampling factor"),),
    shape=_pixel_shuffle_shape,
    torch=lambda x, a: Target("torch.nn.PixelShuffle", {"upscale_factor": a.r}),
    onnx=lambda g, names, a, w, x, y: g.node("DepthToSpace", names, blocksize=a.r, mode="CRD"),
    reads=lambda x, a: (Spread(a.r, a.r), Spread(a.r, a.r)),
    example="pixel_shuffle(2)",
)


def _space_to_depth_shape(x: Shape, a: Args) -> Shape:
    needs_map(x, "space_to_depth")
    for what, length in (("a height", x[1]), ("a width", x[2])):
        if length % a.r:
            raise Problem(
                "E304",
                f"`space_to_depth({a.r})` needs {what} divisible by {a.r}, but its input is {x[1]} x {x[2]}",
                param="r",
                help=f"factors that fit {x[1]} x {x[2]}: {few(divisors(x[1], x[2]))}",
            )
    return (x[0] * a.r * a.r, x[1] // a.r, x[2] // a.r)


def _space_to_depth_onnx(g: Any, names: list[str], a: Args, w: Any, x: Shape, y: Shape) -> str:
    # Not ONNX's SpaceToDepth, which lays the pixels' places before the channels.
    split = g.node("Reshape", [names[0], g.ints([0, x[0], y[1], a.r, y[2], a.r])])
    return str(g.node("Reshape", [g.node("Transpose", [split], perm=[0, 1, 3, 5, 2, 4]), g.ints([0, *y])]))


space_to_depth = Op(
    name="space_to_depth",
    group="shape",
    doc="Turns each r x r patch of pixels into r x r channels: the inverse of pixel_shuffle.",
    params=(Param("r", Int(1), doc="the downsampling factor"),),
    shape=_space_to_depth_shape,
    torch=lambda x, a: Target("torch.nn.PixelUnshuffle", {"downscale_factor": a.r}),
    onnx=_space_to_depth_onnx,
    reads=lambda x, a: (Slide(a.r, a.r), Slide(a.r, a.r)),
    example="space_to_depth(4) -> conv(16, 1x1)",
)


def _upsample_shape(x: Shape, a: Args) -> Shape:
    needs_map(x, "upsample")
    return bounded((x[0], x[1] * a.scale.height, x[2] * a.scale.width), "upsample", "scale")


def _upsample_target(x: Shape, a: Args) -> Target:
    return Target("torch.nn.Upsample", {"scale_factor": tuple(float(s) for s in a.scale), "mode": a.mode})


def _upsample_onnx(g: Any, names: list[str], a: Args, w: Any, x: Shape, y: Shape) -> str:
    scales = g.floats([1.0, 1.0, float(a.scale.height), float(a.scale.width)])
    if a.mode == "bilinear":
        how = {"mode": "linear", "coordinate_transformation_mode": "half_pixel"}
    else:
        how = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    return str(g.node("Resize", [names[0], "", scales], **how))


def _upsample_reads(x: Shape, a: Args) -> tuple[Axis, Axis]:
    tall, wide = a.scale
    if a.mode == "bilinear":
        return Resample(2), Resample(2)
    return Spread(tall, tall), Spread(wide, wide)


upsample = Op(
    name="upsample",
    group="shape",
    doc="Enlarges the map by an integer factor, by repeating pixels or interpolating between them.",
    params=(
        Param("scale", SizeOf(), Size(2, 2), "the upsampling factor"),
        Param("mode", Symbols("nearest", "bilinear"), "nearest", "how new pixels are computed"),
    ),
    shape=_upsample_shape,
    torch=_upsample_target,
    onnx=_upsample_onnx,
    reads=_upsample_reads,
    example="upsample(2, mode=bilinear)",
)


def _pads(a: Args) -> tuple[int, int, int, int]:
    """Top, bottom, left, right."""
    if isinstance(a.size, Size):
        return a.size.height, a.size.height, a.size.width, a.size.width
    top, bottom, left, right = a.size
    return top, bottom, left, right


def _pad_shape(x: Shape, a: Args) -> Shape:
    needs_map(x, "pad")
    top, bottom, left, right = _pads(a)
    if a.mode == "reflect" and (max(top, bottom) >= x[1] or max(left, right) >= x[2]):
        raise Problem(
            "E303",
            f"`pad` cannot reflect {max(top, bottom)} x {max(left, right)} pixels of a {x[1]} x {x[2]} feature map",
            param="size",
            help=f"use at most {x[1] - 1}x{x[2] - 1}, or mode=replicate",
        )
    return bounded((x[0], x[1] + top + bottom, x[2] + left + right), "pad", "size")


def _pad_target(x: Shape, a: Args) -> Target:
    top, bottom, left, right = _pads(a)
    module = {"zero": "ZeroPad2d", "reflect": "ReflectionPad2d", "replicate": "ReplicationPad2d"}[a.mode]
    return Target(f"torch.nn.{module}", {"padding": (left, right, top, bottom)})


def _pad_onnx(g: Any, names: list[str], a: Args, w: Any, x: Shape, y: Shape) -> str:
    top, bottom, left, right = _pads(a)
    mode = {"zero": "constant", "reflect": "reflect", "replicate": "edge"}[a.mode]
    return str(g.pad(names[0], top, left, bottom, right, mode))


def _pad_reads(x: Shape, a: Args) -> tuple[Axis, Axis]:
    top, _, left, _ = _pads(a)
    return Slide(before=top, outside=a.mode), Slide(before=left, outside=a.mode)


pad = Op(
    name="pad",
    group="shape",
    doc="Adds a border of zeros, of the reflected map, or of its outermost pixels.",
    params=(
        Param(
            "size",
            Either(SizeOf(0), ListOf(Int(0), 4)),
            doc="pixels on every side, height x width; or the four sides as (top, bottom, left, right)",
        ),
        Param("mode", Symbols("zero", "reflect", "replicate"), "zero", "what to fill the border with"),
    ),
    shape=_pad_shape,
    torch=_pad_target,
    onnx=_pad_onnx,
    reads=_pad_reads,
    example="pad(2, mode=reflect) -> conv(8, 5x5, padding=0)",
    repeatable=lambda x, a: a.mode != "reflect",
)


OPS = (channels, channel_shuffle, pixel_shuffle, space_to_depth, upsample, pad)
