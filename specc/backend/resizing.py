"""Resizing: the one definition that training data, prediction and the exported graph stand on (`onnx/resizing.py`)."""

import threading
from collections.abc import Callable
from functools import lru_cache
from math import prod
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from specc.backend.images import Pixels
from specc.tricks.resize import Axis, By, Resize
from specc.values import Size

Smooth = Literal["bilinear", "bicubic"]

# Sums that fall on x.5 go up, with this margin, so that two ways of adding up float32 numbers round alike.
TIE = 2.0**-9

BLOCK = 1 << 20  # numbers of an image that are float32 at once
CACHED = 3 << 16  # as many stay in the cache of a core
FEW = 8  # rows that are worth a block of their own

Levels = NDArray[np.float32]


def resize(pixels: Pixels, how: Resize, out: Pixels | None = None) -> Pixels:
    """uint8 images, … x height x width, brought to `how.size`; rounded to the nearest level.

    out: contiguous memory for the result; new memory where it is None.

    Pillow's own resizing, within one level: Pillow also rounds what it has after the first of the two directions.
    """
    axes = how.axes(Size(*pixels.shape[-2:]))
    if all(axis.is_identity for axis in axes):
        return pixels if out is None else stored(pixels, out)
    result = np.empty((*pixels.shape[:-2], *how.size), dtype=np.uint8) if out is None else out
    if how.fit != "contain":
        _resize(pixels, axes, how.by, result)
        return result
    result.fill(how.fill)
    rows, columns = (slice(-axis.start, axis.new - axis.start) for axis in axes)
    whole = [Axis(axis.old, axis.new, 0, axis.new) for axis in axes]
    _resize(pixels, (whole[0], whole[1]), how.by, result[..., rows, columns])
    return result


def stored(pixels: Pixels, out: Pixels | None) -> Pixels:
    """The pixels in contiguous memory: in `out`, or where that is None, where they are or anywhere."""
    if out is None:
        return np.ascontiguousarray(pixels)
    np.copyto(out, pixels)
    return out


def resize_weights(axis: Axis, by: Smooth) -> NDArray[np.float32]:
    """How much each of the old pixels counts for each of those kept: a kept x old matrix, rows sum to 1.

    Antialiased, pixel centers at half-integers, cut off at the border, with a kernel as wide as the larger of the two
    pixels: a triangle (Pillow's BILINEAR, `interpolate(mode="bilinear", antialias=True)` of PyTorch), or Keys' cubic
    with a = -0.5 (BICUBIC and "bicubic" there). Nothing that is kept may lie outside of the scaled image.
    """
    scale = axis.old / axis.new
    reach = max(scale, 1.0)
    center = (np.arange(axis.kept, dtype=np.float64) + axis.start + 0.5) * scale
    distance = np.abs(np.arange(axis.old, dtype=np.float64) + 0.5 - center[:, None]) / reach
    match by:
        case "bilinear":
            weights = np.maximum(1 - distance, 0)
        case "bicubic":
            weights = keys(distance)
    rows: NDArray[np.float64] = weights / weights.sum(axis=1, keepdims=True)
    return rows.astype(np.float32)


def keys(distance: NDArray[np.float64]) -> NDArray[np.float64]:
    """The cubic kernel with a = -0.5 (Keys, 1981), which Pillow and antialiased PyTorch use. Both pieces are 0 at 1."""
    near, far = np.minimum(distance, 1), np.clip(distance, 1, 2)
    return (1.5 * near - 2.5) * near * near + 1 + (((far - 5) * far + 8) * far - 4) * -0.5


def nearest(axis: Axis) -> NDArray[np.int64]:
    """The old pixel under the center of each one that is kept, by whole numbers: no tie depends on a rounding."""
    numbers = np.arange(axis.kept, dtype=np.int64) + axis.start
    return (2 * numbers + 1) * axis.old // (2 * axis.new)


def _resize(pixels: Pixels, axes: tuple[Axis, Axis], by: By, out: Pixels) -> None:
    """Put images into `out` whose height and width go along these axes, of which nothing lies outside."""
    rows, columns = axes
    if by == "nearest":
        out[...] = pixels[..., nearest(rows)[:, None], nearest(columns)]
        return
    planes, result = pixels.reshape(-1, *pixels.shape[-2:]), _planes(out)
    down, across = _taps(rows, by), _taps(columns, by)
    if by == "bicubic":  # which overshoots: in Pillow's order, and clipped in between as Pillow does
        narrow = np.empty((rows.old, len(planes), columns.kept), dtype=np.float32)
        step = max(1, BLOCK // planes[:, 0].size)
        for top in range(0, rows.old, step):
            part = _resize_first(planes[:, top : top + step].transpose(2, 0, 1), across)
            narrow[top : top + step] = part.clip(0, 255).transpose(2, 1, 0)
        result[...] = _rounded(_resize_first(narrow, down).clip(0, 255)).transpose(1, 0, 2)
        return
    # Pixels that lie beside each other in memory stay so: three channels of one pixel, or one channel's row.
    is_interleaved = planes.strides[0] < planes.strides[2]
    there, back = ((1, 2, 0), (1, 2, 0)) if is_interleaved else ((1, 0, 2), (2, 1, 0))
    of_one = planes[:, 0].size * max(rows.old / rows.new, 1)  # numbers of the image that a new row is made of
    step = max(1, min(max(int(CACHED / of_one), FEW), int(BLOCK / of_one)))
    for top in range(0, rows.kept, step):
        part = _resize_first(planes.transpose(there), down, top, top + step)
        part = _resize_first(part.transpose(back), across)
        result[:, top : top + step] = _rounded(part).transpose(1, 2, 0)


def _planes(pixels: Pixels) -> Pixels:
    """The last two axes of all that came before them, in the same memory."""
    planes = pixels.view()
    planes.shape = (-1, *pixels.shape[-2:])  # which raises where it would have to copy
    return planes


def _rounded(levels: NDArray[np.float32]) -> Pixels:
    """To the nearest level, of levels from 0 to 255, give or take rounding; overwrites them."""
    levels += np.float32(0.5 + TIE)
    return levels.astype(np.uint8)  # which cuts off what follows the point


def _resize_first(pixels: NDArray[Any], taps: "_Taps", start: int = 0, stop: int | None = None) -> Levels:
    """`pixels`, old x …, with the new ones from `start` to `stop` on the first axis; good until the next call in this
    thread, which may be given it.

    A product with a sparse matrix: it adds up in the order of the old pixels, and releases the interpreter's lock.
    """
    first, weights = taps.first[start:stop], taps.weights[start:stop]
    count, width = weights.shape
    begin, end = int(first[0]), int(first[-1]) + width
    vectors = prod(pixels.shape[1:])
    old, new = _scratch.levels(0, (end - begin) * vectors), _scratch.levels(1, count * vectors)
    np.copyto(old.reshape(end - begin, *pixels.shape[1:]), pixels[begin:end])
    new.fill(0)
    numbers = (taps.numbers[start:stop] - begin).reshape(-1)
    starts = taps.starts[: count + 1]
    _sparse_product()(count, end - begin, vectors, starts, numbers, weights.reshape(-1), old, new)
    return new.reshape(count, *pixels.shape[1:])


class _Scratch(threading.local):
    """Two arrays of each thread that serve one image after the other: fresh memory would take its time to be mapped."""

    def __init__(self) -> None:
        self._arrays = [np.empty(0, dtype=np.float32)] * 2

    def levels(self, which: int, count: int) -> Levels:
        """`count` levels of whatever values, in the first array or in the second."""
        if len(self._arrays[which]) < count:
            array = np.empty(count, dtype=np.float32)
            if count > BLOCK:  # an image that is hardly followed by others of its size
                return array
            self._arrays[which] = array
        return self._arrays[which][:count]


_scratch = _Scratch()


@lru_cache(maxsize=1)
def _sparse_product() -> Callable[..., None]:
    """SciPy's `csr_matvecs(rows, columns, vectors, indptr, indices, data, factor, result)`, which adds to `result`."""
    try:  # what csr_array calls in the end; making one takes as long as the product for a photograph
        from scipy.sparse._sparsetools import csr_matvecs
    except ImportError:  # it is not public
        return _public_product
    product: Callable[..., None] = csr_matvecs
    return product


def _public_product(
    rows: int, columns: int, vectors: int, starts: Any, numbers: Any, weights: Any, factor: Levels, result: Levels
) -> None:
    from scipy.sparse import csr_array

    matrix = csr_array((weights, numbers, starts), shape=(rows, columns))
    result += (matrix @ factor.reshape(columns, vectors)).reshape(-1)


class _Taps(NamedTuple):
    """`resize_weights` without its zeros, as a sparse matrix: for each new pixel the first old one that counts, the
    numbers of all that count and their weights, kept x width; and where the weights of each begin."""

    first: NDArray[np.int32]
    numbers: NDArray[np.int32]
    weights: NDArray[np.float32]
    starts: NDArray[np.int32]


@lru_cache(maxsize=1024)
def _taps(axis: Axis, by: Smooth) -> _Taps:
    weights = resize_weights(axis, by)
    counts = weights != 0
    first = counts.argmax(axis=1)
    width = int((axis.old - counts[:, ::-1].argmax(axis=1) - first).max())
    first = np.minimum(first, axis.old - width).astype(np.int32)
    numbers = first[:, None] + np.arange(width, dtype=np.int32)
    starts = np.arange(0, (axis.kept + 1) * width, width, dtype=np.int32)
    return _Taps(first, numbers, np.take_along_axis(weights, numbers, axis=1), starts)
