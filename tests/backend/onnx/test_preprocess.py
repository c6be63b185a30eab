"""What the graph does to raw images is what training did to them."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto

from specc.backend.images import resize as resize_array
from specc.backend.onnx import preprocess
from specc.backend.onnx.builder import Builder
from specc.backend.onnx.session import open_session, run
from specc.values import Size

SIZES = [(32, 32), (24, 24), (64, 48), (8, 8), (333, 500), (1, 1), (7, 90)]


@pytest.mark.parametrize("opset", [18, 20, 22])
def test_resize_in_the_graph_is_the_resize_of_the_data(opset: int) -> None:
    size = Size(24, 32)
    g = Builder(opset)
    images = g.input("images", TensorProto.UINT8, ["N", 3, "height", "width"])
    g.scope = "preprocess"
    real = g.node("Cast", [images], to=TensorProto.FLOAT)
    g.output(preprocess.resize(g, images, real, size), ["N", 3, *size])
    model = g.model("Resize")
    onnx.checker.check_model(model, full_check=True)
    session = open_session(model.SerializeToString())
    for old in SIZES:
        pixels = np.random.default_rng(0).integers(0, 256, (2, 3, *old), dtype=np.uint8)
        apart = np.abs(run(session, pixels) - resize_array(pixels, size))
        assert apart.max() <= 1 and apart.mean() < 1e-4, f"from {old}"
