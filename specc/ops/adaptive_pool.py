"""Pooling whose windows follow from the size of the output: the whole map, or as many parts as there are outputs."""

from collections.abc import Callable, Sequence
from typing import Any

from specc.ops.geometry import bounded
from specc.ops.op import Op, needs_map
from specc.ops.reads import Parts, Reach, Reads
from specc.ops.signal import Average, Largest, Rule
from specc.values import Args
from specc.vocabulary.kinds import SizeOf
from specc.vocabulary.param import Param
from specc.vocabulary.shape import Shape
from specc.vocabulary.target import Target


def _global(name: str, doc: str, module: str, node: str, signal: Rule) -> Op:
    def shape(x: Shape, a: Args) -> Shape:
        needs_map(x, name)
        return (x[0], 1, 1)

    return Op(
        name=name,
        group="pooling",
        doc=doc,
        shape=shape,
        torch=lambda x, a: Target(f"torch.nn.{module}", {"output_size": 1}),
        onnx=lambda g, names, a, w, x, y: g.node(node, names),
        reads=lambda x, a: Reads.ALL,
        example=f"{name} -> dense(10)",
        signal=signal,
    )


global_avg_pool = _global(
    "global_avg_pool",
    "Averages each channel over the whole map: C x 1 x 1.",
    "AdaptiveAvgPool2d",
    "GlobalAveragePool",
    Average(),
)
global_max_pool = _global(
    "global_max_pool",
    "The largest number of each channel: C x 1 x 1.",
    "AdaptiveMaxPool2d",
    "GlobalMaxPool",
    Largest(),
)


def _adaptive_shape(layer: str, x: Shape, a: Args) -> Shape:
    needs_map(x, layer)
    return bounded((x[0], *a.size), layer, "size")


def _window(part: int, length: int, parts: int) -> range:
    """The pixels of one of so many windows: floor(part * length / parts) up to ceil((part + 1) * length / parts)."""
    return range(part * length // parts, -((part + 1) * length // -parts))


def _averages(length: int, parts: int) -> list[list[float]]:
    """parts x length: each row averages the pixels of one window."""
    windows = [_window(i, length, parts) for i in range(parts)]
    return [[1 / len(window) if n in window else 0.0 for n in range(length)] for window in windows]


def _divides(x: Shape, size: Sequence[int]) -> bool:
    """Whether the windows are all of one size, and none overlap."""
    return x[1] % size[0] == 0 and x[2] % size[1] == 0


def _avg_onnx(g: Any, names: list[str], a: Args, w: Any, x: Shape, y: Shape) -> str:
    if _divides(x, y[1:]):
        kernel = [x[1] // y[1], x[2] // y[2]]
        return str(g.node("AveragePool", names, kernel_shape=kernel, strides=kernel))
    # The windows are not all of one size, so no pooling node says it; two matrices of averages do.
    across = g.node("MatMul", [names[0], g.floats([list(row) for row in zip(*_averages(x[2], y[2]), strict=True)])])
    return str(g.node("MatMul", [g.floats(_averages(x[1], y[1])), across]))


def _max_onnx(g: Any, names: list[str], a: Args, w: Any, x: Shape, y: Shape) -> str:
    if _divides(x, y[1:]):
        kernel = [x[1] // y[1], x[2] // y[2]]
        return str(g.node("MaxPool", names, kernel_shape=kernel, strides=kernel))
    # Windows of several sizes: each is laid out in a row of its own, a smaller one with its last pixel twice.
    value = names[0]
    for axis, length, parts in ((2, x[1], y[1]), (3, x[2], y[2])):
        windows = [_window(i, length, parts) for i in range(parts)]
        longest = max(map(len, windows))
        pixels = [window[min(n, len(window) - 1)] for window in windows for n in range(longest)]
        rows = g.node("Gather", [value, g.shaped(g.ints(pixels), (parts, longest))], axis=axis)
        value = g.node("ReduceMax", [rows, g.ints([axis + 1])], keepdims=0)
    return str(value)


def _adaptive_reads(x: Shape, a: Args) -> Reach:
    return Reads.ALL if a.size == (1, 1) else (Parts(), Parts())


def _adaptive(name: str, doc: str, module: str, onnx: Callable[..., str], signal: Rule) -> Op:
    return Op(
        name=name,
        group="pooling",
        doc=doc,
        params=(Param("size", SizeOf(), doc="the size of the output"),),
        shape=lambda x, a: _adaptive_shape(name, x, a),
        torch=lambda x, a: Target(f"torch.nn.{module}", {"output_size": tuple(a.size)}),
        onnx=onnx,
        reads=_adaptive_reads,
        example=f"{name}(4x4) -> flatten",
        signal=signal,
        repeatable=lambda x, a: _divides(x, a.size),  # windows overlap otherwise
    )


adaptive_avg_pool = _adaptive(
    "adaptive_avg_pool",
    "Averages windows chosen so that the output has the given size for any input.",
    "AdaptiveAvgPool2d",
    _avg_onnx,
    Average(),
)
adaptive_max_pool = _adaptive(
    "adaptive_max_pool",
    "The maximum of windows chosen so that the output has the given size for any input.",
    "AdaptiveMaxPool2d",
    _max_onnx,
    Largest(),
)

OPS = (global_avg_pool, global_max_pool, adaptive_avg_pool, adaptive_max_pool)
