"""Pooling: each window of the map becomes one number, channel by channel."""

from typing import Any

from specc.ops.geometry import Pads, slide, slide_up, upper_pads, window_problem
from specc.ops.op import Op, needs_map
from specc.ops.reads import Axis, Slide
from specc.ops.signal import Average, Largest
from specc.values import Args, Size
from specc.vocabulary.kinds import Bool, Either, Int, SizeOf, Symbols
from specc.vocabulary.param import Param
from specc.vocabulary.problem import Problem
from specc.vocabulary.shape import Shape
from specc.vocabulary.target import Target

SIZE = Param("size", SizeOf(), Size(2, 2), "the size of the window")
STRIDE = Param(
    "stride", Either(Symbols("size"), SizeOf()), "size", "the step between windows; `size`: the window's size"
)
PADDING = Param(
    "padding",
    Either(Symbols("same_upper"), SizeOf(0)),
    Size(0, 0),
    "the number of pixels added on each side; `same_upper`: as TensorFlow pads for ceil(size / stride) windows",
)
CEIL = Param("ceil", Bool(), False, "whether to keep a last window that is only partly filled")


def _stride(a: Args) -> Size:
    return a.size if a.stride == "size" else a.stride  # type: ignore[no-any-return]


def _pool_shape(layer: str, x: Shape, a: Args) -> Shape:
    needs_map(x, layer)
    if a.padding == "same_upper":
        return (x[0], *(-(n // -s) for n, s in zip(x[1:], _stride(a), strict=True)))
    if any(2 * p > k for p, k in zip(a.padding, a.size, strict=True)):
        raise Problem(
            "E216",
            f"`{layer}` has padding={a.padding}, more than half of its {a.size} window, which could see only padding",
            param="padding",
            help=f"use at most half of the window: padding={Size(a.size.height // 2, a.size.width // 2)}",
        )
    if a.ceil:
        sizes = [slide_up(n, k, s, p) for n, k, s, p in zip(x[1:], a.size, _stride(a), a.padding, strict=True)]
    else:
        sizes = [slide(n, k, s, 2 * p) for n, k, s, p in zip(x[1:], a.size, _stride(a), a.padding, strict=True)]
    if min(sizes) < 1:
        tall, wide = a.padding
        raise window_problem(layer, x, a.size, (tall, tall, wide, wide), "size", padding=False)
    return (x[0], *sizes)


def _pads(x: Shape, a: Args) -> Pads:
    """Top, bottom, left and right padding, without what `ceil=true` lets stand over."""
    if a.padding == "same_upper":
        return upper_pads(x, a.size, _stride(a))
    return a.padding.height, a.padding.height, a.padding.width, a.padding.width


def _overhang(x: Shape, a: Args, y: Shape) -> tuple[int, int]:
    """How far the last window reaches beyond the padding, with `ceil=true`."""
    top, bottom, left, right = _pads(x, a)
    tall, wide = (
        max(0, (m - 1) * s + k - n - p)
        for n, m, k, s, p in zip(x[1:], y[1:], a.size, _stride(a), (top + bottom, left + right), strict=True)
    )
    return tall, wide


def _pool_target(module: str, a: Args, **more: Any) -> Target:
    kwargs: dict[str, Any] = {"kernel_size": tuple(a.size)}
    if a.padding == "same_upper":
        return Target(f"specc.backend.layers.SameUpper{module}", kwargs | {"stride": tuple(_stride(a))} | more)
    if _stride(a) != a.size:
        kwargs["stride"] = tuple(_stride(a))
    if any(a.padding):
        kwargs["padding"] = tuple(a.padding)
    if a.ceil:
        kwargs["ceil_mode"] = True
    return Target(f"torch.nn.{module}", kwargs | more)


def _max_onnx(g: Any, names: list[str], a: Args, w: Any, x: Shape, y: Shape) -> str:
    # Padding written out instead of `ceil_mode`, whose meaning differs between versions of the standard.
    (top, bottom, left, right), (down, across) = _pads(x, a), _overhang(x, a, y)
    pads = [top, left, bottom + down, right + across]
    return str(g.node("MaxPool", names, kernel_shape=list(a.size), strides=list(_stride(a)), pads=pads))


def _avg_onnx(g: Any, names: list[str], a: Args, w: Any, x: Shape, y: Shape) -> str:
    (top, bottom, left, right), (down, across) = _pads(x, a), _overhang(x, a, y)
    value, counts = names[0], bool(a.count_padding)
    if counts and (down or across) and (top or left):
        # The padding counts in the average but the overhang does not: so the padding becomes part of the map.
        value = g.pad(value, top, left, bottom, right)
        top = bottom = left = right = 0
    pads = [top, left, bottom + down, right + across]
    return str(
        g.node(
            "AveragePool",
            [value],
            kernel_shape=list(a.size),
            strides=list(_stride(a)),
            pads=pads,
            count_include_pad=int(counts and not (down or across)),
        )
    )


def _reads(x: Shape, a: Args) -> tuple[Axis, Axis]:
    stride, (top, _, left, _) = _stride(a), _pads(x, a)
    return Slide(a.size.height, stride.height, top), Slide(a.size.width, stride.width, left)


def _taps(a: Args) -> int:
    return int(a.size.height * a.size.width)


max_pool = Op(
    name="max_pool",
    group="pooling",
    doc="Keeps the maximum of each window; the default halves height and width.",
    params=(SIZE, STRIDE, PADDING, CEIL),
    shape=lambda x, a: _pool_shape("max_pool", x, a),
    torch=lambda x, a: _pool_target("MaxPool2d", a),
    onnx=_max_onnx,
    reads=_reads,
    example="max_pool(3x3, stride=2, padding=1)",
    signal=Largest(_taps),
)

avg_pool = Op(
    name="avg_pool",
    group="pooling",
    doc="Averages each window; the default halves height and width.",
    params=(
        SIZE,
        STRIDE,
        PADDING,
        CEIL,
        Param(
            "count_padding",
            Bool(),
            True,
            "whether padding counts as zeros in the average; in TensorFlow and Keras it does not",
        ),
    ),
    shape=lambda x, a: _pool_shape("avg_pool", x, a),
    torch=lambda x, a: _pool_target("AvgPool2d", a, **({} if a.count_padding else {"count_include_pad": False})),
    onnx=_avg_onnx,
    reads=_reads,
    example="avg_pool(2)",
    signal=Average(_taps),
)


def binomial(size: int) -> list[float]:
    """A row of Pascal's triangle that sums to one: 1 2 1 / 4 for size 3."""
    row = [1]
    for _ in range(size - 1):
        row = [left + right for left, right in zip([0, *row], [*row, 0], strict=True)]
    return [n / 2 ** (size - 1) for n in row]


def _blur_shape(x: Shape, a: Args) -> Shape:
    needs_map(x, "blur_pool")
    if min(x[1:]) <= a.size // 2:
        raise Problem(
            "E303",
            f"`blur_pool({a.size})` reflects {a.size // 2} pixels at each border, but its input is {x[1]} x {x[2]}",
            param="size",
            help=f"it needs at least {a.size // 2 + 1} pixels in each direction; downsample less before this layer",
        )
    return (x[0], -(x[1] // -2), -(x[2] // -2))


def _blur_onnx(g: Any, names: list[str], a: Args, w: Any, x: Shape, y: Shape) -> str:
    before, after = (a.size - 1) // 2, a.size // 2
    padded = g.pad(names[0], before, before, after, after, "reflect")
    row = binomial(a.size)
    kernel = g.floats([[[[p * q for q in row] for p in row]]] * x[0])
    return str(g.node("Conv", [padded, kernel], kernel_shape=[a.size] * 2, strides=[2, 2], group=x[0]))


def _blur_reads(x: Shape, a: Args) -> tuple[Axis, Axis]:
    window = Slide(a.size, 2, (a.size - 1) // 2, outside="reflect")
    return window, window


blur_pool = Op(
    name="blur_pool",
    group="pooling",
    doc="Blurs each channel and keeps every second pixel, which makes the network less shift-sensitive (Zhang, 2019).",
    params=(Param("size", Int(2, 16), 3, "the size of the binomial filter"),),
    shape=_blur_shape,
    torch=lambda x, a: Target("specc.backend.layers.BlurPool", {"channels": x[0], "size": a.size}),
    onnx=_blur_onnx,
    reads=_blur_reads,
    example="conv(16) -> relu -> blur_pool",
    repeatable=lambda x, a: False,  # torch's reflected padding is not
)

OPS = (max_pool, avg_pool, blur_pool)
