"""The way from raw images to the network's input, as nodes of the exported graph."""

from typing import Any

import numpy as np
from onnx import TensorProto

from specc.backend.data.normalize import Normalize
from specc.backend.images import TIE
from specc.backend.onnx.builder import Builder
from specc.values import Size


def preprocess(g: Builder, images: str, normalize: Normalize, size: Size | None) -> str:
    """From `images`, uint8 N x C x H x W, to what the network sees; they are brought to `size` where it is given."""
    g.scope = "preprocess"
    real = g.node("Cast", [images], to=TensorProto.FLOAT)
    if size is not None:
        real = resize(g, images, real, size)
    scaled = g.node("Div", [real, g.floats(255.0)])
    mean, std = normalize.mean.cpu().numpy(), normalize.std.cpu().numpy()
    if normalize.floor is not None:
        return _normalize_each(g, scaled, normalize.floor)
    centered = g.node("Sub", [scaled, g.floats(mean)]) if mean.any() else scaled
    return g.node("Div", [centered, g.floats(std)]) if (std != 1).any() else centered


def _normalize_each(g: Builder, scaled: str, floor: float) -> str:
    """Each image by the mean and the deviation of its own pixels, the latter at least `floor`."""
    axes = g.ints([1, 2, 3])
    centered = g.node("Sub", [scaled, g.node("ReduceMean", [scaled, axes], keepdims=1)])
    variance = g.node("ReduceMean", [g.node("Mul", [centered, centered]), axes], keepdims=1)
    return g.node("Div", [centered, g.node("Max", [g.node("Sqrt", [variance]), g.floats(floor)])])


def resize(g: Builder, images: str, real: str, size: Size) -> str:
    """`images.resize` in the graph: for `images` of any height and width, of which `real` is the float form.

    A matrix for each axis, worked out from the image's size, and two products. ONNX has an operator `Resize`, but its
    float32 coordinates round some pixels differently, and few runtimes have its antialiasing.
    """
    rows = _weights(g, images, 2, size.height)
    columns = g.node("Transpose", [_weights(g, images, 3, size.width)], perm=[1, 0])
    both = g.node("MatMul", [g.node("MatMul", [rows, real]), columns])
    return g.node("Floor", [g.node("Add", [both, g.floats(0.5 + TIE)])])


def _weights(g: Builder, images: str, axis: int, new: int) -> str:
    """`images.resize_weights` from the images' own size along an axis: new x old, float32, worked out in float64."""

    def constant(name: str, value: Any) -> str:
        return g.initializer(f"{g.scope}/axis{axis}/{name}", np.array(value))

    one = constant("one", 1.0)
    old = g.node("Shape", [images], start=axis, end=axis + 1)
    scale = g.node("Div", [g.node("Cast", [old], to=TensorProto.DOUBLE), constant("new", float(new))])
    reach = g.node("Max", [scale, one])
    center = g.node("Mul", [constant("centers", np.arange(new)[:, None] + 0.5), scale])
    position = g.node("Range", [constant("first", 0), g.node("Squeeze", [old]), constant("step", 1)])
    position = g.node("Add", [g.node("Cast", [position], to=TensorProto.DOUBLE), constant("half", 0.5)])
    distance = g.node("Div", [g.node("Abs", [g.node("Sub", [position, center])]), reach])
    weights = g.node("Max", [g.node("Sub", [one, distance]), constant("zero", 0.0)])
    total = g.node("ReduceSum", [weights, g.ints([1])], keepdims=1)
    return g.node("Cast", [g.node("Div", [weights, total])], to=TensorProto.FLOAT)
