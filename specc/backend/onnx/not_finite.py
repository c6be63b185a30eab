"""The first node of a file whose numbers are not finite for an image. No torch here."""

import numpy as np
import onnx
from numpy.typing import NDArray

from specc.backend.images import Pixels
from specc.backend.onnx.model_file import ModelFile
from specc.backend.onnx.session import ORT_ERRORS, open_session
from specc.files import read_file


def first_not_finite(file: ModelFile, images: Pixels) -> str:
    """Where in an exported file numbers are not finite first, in the order of its graph, in words.

    "" where all numbers are finite, or where onnxruntime does not give what is between the nodes.
    """
    model = onnx.load_from_string(file.content)
    nodes = list(model.graph.node)
    del model.graph.output[:]
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for node in nodes for name in node.output if name)
    weights = {name: read_file(file.path.with_name(name)) for name in file.beside}
    try:
        session = open_session(model.SerializeToString(), weights=weights)
        names = [output.name for output in session.get_outputs()]
        values = dict(zip(names, session.run(names, {session.get_inputs()[0].name: images}), strict=True))
    except ORT_ERRORS:
        return ""
    values[session.get_inputs()[0].name] = images
    for node in nodes:
        if not all(_is_finite(values[name]) for name in node.output if name):
            sizes = [float(np.abs(values[name].astype(np.float64)).max()) for name in node.input if name in values]
            given = f", its input up to {max(sizes):.2g}" if sizes else ""
            return f"in the output of the node `{node.name or node.output[0]}` ({node.op_type}){given}"
    return ""


def _is_finite(values: NDArray[np.generic]) -> bool:
    return values.dtype.kind != "f" or bool(np.isfinite(values).all())
