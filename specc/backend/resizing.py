"""Resizing: the one definition that training data, prediction and the exported graph stand on (`onnx/resizing.py`)."""

from functools import lru_cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from specc.backend.images import Pixels
from specc.tricks.resize import Axis, By, Resize
from specc.values import Size

Smooth = Literal["bilinear", "bicubic"]

# Sums that fall on x.5 go up, with this margin, so that two ways of adding up float32 numbers round alike.
TIE = 2.0**-9

BLOCK = 1 << 20  # numbers of an image that are float32 at once

Levels = NDArray[np.float32]


def resize(pixels: Pixels, how: Resize) -> Pixels:
    """uint8 images, … x height x width, brought to `how.size`; rounded to the nearest level.

    Pillow's own resizing, within one level: Pillow also rounds what it has after the first of the two directions.
    """
    axes = how.axes(Size(*pixels.shape[-2:]))
    if all(axis.is_identity for axis in axes):
        return pixels
    if how.fit != "contain":
        return _resized(pixels, axes, how.by)
    result = np.full((*pixels.shape[:-2], *how.size), how.fill, dtype=np.uint8)
    rows, columns = (slice(-axis.start, axis.new - axis.start) for axis in axes)
    whole = [Axis(axis.old, axis.new, 0, axis.new) for axis in axes]
    result[..., rows, columns] = _resized(pixels, (whole[0], whole[1]), how.by)
    return result


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


def _resized(pixels: Pixels, axes: tuple[Axis, Axis], by: By) -> Pixels:
    """Images whose height and width go along these axes, of which nothing lies outside."""
    rows, columns = axes
    if by == "nearest":
        return np.ascontiguousarray(pixels[..., nearest(rows)[:, None], nearest(columns)])
    planes = pixels.reshape(-1, *pixels.shape[-2:])
    result = np.empty((len(planes), rows.kept, columns.kept), dtype=np.uint8)
    if by == "bicubic":  # which overshoots: in Pillow's order, and clipped in between as Pillow does
        narrow = np.empty((rows.old, len(planes), columns.kept), dtype=np.float32)
        step = max(1, BLOCK // planes[:, 0].size)
        for top in range(0, rows.old, step):
            part = _resize_first(planes[:, top : top + step].transpose(2, 0, 1), columns, by)
            narrow[top : top + step] = part.clip(0, 255).transpose(2, 1, 0)
        result[...] = _rounded(_resize_first(narrow, rows, by)).transpose(1, 0, 2)
        return result.reshape(*pixels.shape[:-2], rows.kept, columns.kept)
    # Pixels that lie beside each other in memory stay so: three channels of one pixel, or one channel's row.
    is_interleaved = planes.strides[0] < planes.strides[2]
    there, back = ((1, 2, 0), (1, 2, 0)) if is_interleaved else ((1, 0, 2), (2, 1, 0))
    step = max(1, int(BLOCK / planes[:, 0].size / max(rows.old / rows.new, 1)))
    for top in range(0, rows.kept, step):
        part = _resize_first(planes.transpose(there), rows, by, top, min(top + step, rows.kept))
        part = _resize_first(part.transpose(back), columns, by)
        result[:, top : top + step] = _rounded(part).transpose(1, 2, 0)
    return result.reshape(*pixels.shape[:-2], rows.kept, columns.kept)


def _rounded(levels: NDArray[np.float32]) -> Pixels:
    """To the nearest level, in place."""
    levels += np.float32(0.5 + TIE)
    return levels.clip(0, 255, out=levels).astype(np.uint8)  # which cuts off what follows the point


def _resize_first(pixels: NDArray[Any], axis: Axis, by: Smooth, start: int = 0, stop: int | None = None) -> Levels:
    """`pixels`, old x …, with the new ones from `start` to `stop` on the first axis.

    A sparse matrix of SciPy: it adds up in the order of the old pixels, and releases the interpreter's lock.
    """
    matrix, first, last = _matrix(axis, by, start, axis.kept if stop is None else stop)
    flat = pixels[first:last].astype(np.float32, order="C", copy=False).reshape(last - first, -1)
    resized: Levels = (matrix @ flat).reshape(-1, *pixels.shape[1:])
    return resized


@lru_cache(maxsize=1024)
def _matrix(axis: Axis, by: Smooth, start: int, stop: int) -> tuple[Any, int, int]:
    """Rows `start` to `stop` of `resize_weights` as a sparse matrix; the first old pixel that counts, and the end."""
    from scipy.sparse import csr_array

    first, weights = (values[start:stop] for values in _taps(axis, by))
    count, width = weights.shape
    numbers = first[:, None] + np.arange(width) - first[0]
    last = int(first[-1]) + width
    shape = (count, last - int(first[0]))
    matrix = csr_array((weights.reshape(-1), numbers.reshape(-1), np.arange(count + 1) * width), shape=shape)
    return matrix, int(first[0]), last


@lru_cache(maxsize=256)
def _taps(axis: Axis, by: Smooth) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """`resize_weights` without its zeros: for each new pixel the first old one that counts, and weights from there."""
    weights = resize_weights(axis, by)
    counts = weights != 0
    first = counts.argmax(axis=1)
    width = int((axis.old - counts[:, ::-1].argmax(axis=1) - first).max())
    first = np.minimum(first, axis.old - width)
    return first, np.take_along_axis(weights, first[:, None] + np.arange(width), axis=1)
