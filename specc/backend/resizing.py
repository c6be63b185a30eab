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
    if by == "bicubic":  # which overshoots: in Pillow's order, and clipped in between as Pillow does
        both = _resize_rows(_resize_columns(pixels, columns, by).clip(0, 255), rows, by)
    else:
        both = _resize_columns(_resize_rows(pixels, rows, by), columns, by)
    levels: Pixels = np.floor(both + np.float32(0.5 + TIE)).clip(0, 255).astype(np.uint8, order="C")
    return levels


def _resize_rows(pixels: NDArray[Any], axis: Axis, by: Smooth) -> NDArray[np.float32]:
    """`pixels`, … x height x width, with other rows. Not by a product of matrices: most of the weights are zero."""
    first, weights = _taps(axis, by)
    result = np.zeros((*pixels.shape[:-2], axis.kept, pixels.shape[-1]), dtype=np.float32)
    for tap in range(weights.shape[1]):
        result += weights[:, tap, None] * pixels[..., first + tap, :]
    return result


def _resize_columns(pixels: NDArray[Any], axis: Axis, by: Smooth) -> NDArray[np.float32]:
    turned = np.ascontiguousarray(pixels.swapaxes(-1, -2))
    return _resize_rows(turned, axis, by).swapaxes(-1, -2)


@lru_cache(maxsize=256)
def _taps(axis: Axis, by: Smooth) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """`resize_weights` without its zeros: for each new pixel the first old one that counts, and weights from there."""
    weights = resize_weights(axis, by)
    counts = weights != 0
    first = counts.argmax(axis=1)
    width = int((axis.old - counts[:, ::-1].argmax(axis=1) - first).max())
    first = np.minimum(first, axis.old - width)
    return first, np.take_along_axis(weights, first[:, None] + np.arange(width), axis=1)
