"""The way from raw images to the network's input, as nodes of the exported graph."""

from onnx import TensorProto

from specc.backend.data.normalize import Normalize
from specc.backend.onnx.builder import Builder
from specc.backend.onnx.resizing import resize
from specc.tricks.resize import Resize


def preprocess(g: Builder, images: str, normalize: Normalize, how: Resize | None) -> str:
    """From `images`, uint8 N x C x H x W, to what the network sees; they are resized where it says how."""
    g.scope = "preprocess"
    real = g.node("Cast", [images], to=TensorProto.FLOAT)
    if how is not None:
        real = resize(g, images, real, how, normalize.view)
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
