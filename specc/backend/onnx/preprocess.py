"""The way from raw images to the network's input, as nodes of the exported graph."""

import onnx
from onnx import TensorProto, numpy_helper

from specc.backend.data.normalize import Normalize
from specc.backend.onnx.builder import Builder
from specc.backend.onnx.resizing import resize
from specc.tricks.resize import Resize

WHITE = 255.0


def preprocess(g: Builder, images: str, normalize: Normalize, how: Resize | None) -> str:
    """From `images`, uint8 N x C x H x W, to what the network sees; they are resized where it says how."""
    g.scope = "preprocess"
    real = g.node("Cast", [images], to=TensorProto.FLOAT)
    if how is not None:
        real = resize(g, images, real, how, normalize.view)
    scaled = g.node("Div", [real, g.floats(WHITE)])
    mean, std = normalize.mean.cpu().numpy(), normalize.std.cpu().numpy()
    if normalize.floor is not None:
        return _normalize_each(g, scaled, normalize.floor)
    centered = g.node("Sub", [scaled, g.floats(mean)]) if mean.any() else scaled
    return g.node("Div", [centered, g.floats(std)]) if (std != 1).any() else centered


def pixels_of(model: onnx.ModelProto) -> str | None:
    """The value of a graph that is the resized pixels, from 0 to 255, as the network sees them; None where it is not
    found, as in a graph that was converted."""
    levels = {tensor.name for tensor in model.graph.initializer if _is_white(tensor)}
    divisions = (node for node in model.graph.node if node.op_type == "Div" and node.name.startswith("preprocess/"))
    return next((node.input[0] for node in divisions if node.input[1] in levels), None)


def _is_white(tensor: onnx.TensorProto) -> bool:
    return tensor.data_type == TensorProto.FLOAT and numpy_helper.to_array(tensor).tolist() == WHITE


def _normalize_each(g: Builder, scaled: str, floor: float) -> str:
    """Each image by the mean and the deviation of its own pixels, the latter at least `floor`."""
    axes = g.ints([1, 2, 3])
    centered = g.node("Sub", [scaled, g.node("ReduceMean", [scaled, axes], keepdims=1)])
    variance = g.node("ReduceMean", [g.node("Mul", [centered, centered]), axes], keepdims=1)
    return g.node("Div", [centered, g.node("Max", [g.node("Sqrt", [variance]), g.floats(floor)])])
