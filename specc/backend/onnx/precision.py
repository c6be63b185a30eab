"""The exported graph in fewer bits, by onnxruntime's own converters: fp16, and static int8.

Images still come in as uint8 and are prepared in float32; the answers still leave as float32.
"""

import io
import logging
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.quant_utils import add_pre_process_metadata
from onnxruntime.transformers.float16 import convert_float_to_float16
from onnxruntime.transformers.onnx_model import OnnxModel

from specc.backend.data.split import Split
from specc.backend.onnx.truth import CPU, full_batch, spread
from specc.backend.onnx.write import end_of

FP32, FP16, INT8 = PRECISIONS = ("fp32", "fp16", "int8")
CALIBRATION = 512  # training images that the ranges of int8 are taken from

# What has int8 kernels, and what only passes its numbers on.
QUANTIZED = (
    "Add", "AveragePool", "Clip", "Concat", "Conv", "ConvTranspose", "Flatten", "Gemm", "GlobalAveragePool",
    "LeakyRelu", "MatMul", "MaxPool", "Mul", "Relu", "Reshape", "Resize", "Transpose",
)  # fmt: skip


def convert(model: onnx.ModelProto, precision: str, training: Split) -> onnx.ModelProto:
    """A graph of fp32 in another precision: "fp16" or "int8". The same graph and images give the same bytes.

    training: the images that int8 is calibrated on.
    """
    given = onnx.ModelProto()
    given.CopyFrom(model)
    with _quiet():
        converted = _half(given) if precision == FP16 else _integers(given, training)
    converted.producer_name, converted.producer_version = model.producer_name, model.producer_version
    converted.ir_version = model.ir_version
    del converted.metadata_props[:], converted.graph.value_info[:], converted.opset_import[:]
    converted.metadata_props.extend(model.metadata_props)
    converted.opset_import.extend(model.opset_import)
    converted.doc_string = converted.graph.doc_string = ""
    converted.graph.name = model.graph.name
    return converted


@contextmanager
def _quiet() -> Iterator[None]:
    """Without what the converters print and log: what a conversion does to the answers is measured."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with redirect_stdout(io.StringIO()):
            yield
    finally:
        logging.disable(before)


def _half(model: onnx.ModelProto) -> onnx.ModelProto:
    """Weights and activations in float16. What comes before and after the network is not changed: the converter would
    round to float16 between any two nodes of it.
    """
    graph = model.graph
    before, last = preparing(model), ending(model)
    inner = [node for node in graph.node if node.name not in before and node.name not in last]
    if not inner:
        return model
    used = {name for node in inner for name in node.input}
    shapes = {value.name: value for value in onnx.shape_inference.infer_shapes(model).graph.value_info}
    enters = [shapes[name] for name in before if name in used]
    weights = [tensor for tensor in graph.initializer if tensor.name in used]
    network = helper.make_model(helper.make_graph(inner, graph.name, enters, [shapes[_logits(model)]], weights))
    half: onnx.ModelProto = convert_float_to_float16(
        network, keep_io_types=True, max_finite_val=65504.0, disable_shape_infer=False
    )
    OnnxModel.graph_topological_sort(half.graph, is_deterministic=True)
    outer = [node for node in graph.node if node.name in before], [node for node in graph.node if node.name in last]
    nodes = outer[0], half.graph.node, outer[1]
    others = [tensor for tensor in graph.initializer if tensor.name not in used]
    joined = [node for part in nodes for node in part]
    tensors = [*others, *half.graph.initializer]
    return helper.make_model(helper.make_graph(joined, graph.name, graph.input, graph.output, tensors))


def _integers(model: onnx.ModelProto, training: Split) -> onnx.ModelProto:
    """Quantized statically: int8 weights with a scale for each channel, uint8 activations with the range that the
    training images give them.

    Weights have 7 bits (`reduce_range`): with 8, processors without VNNI add up products of 16 bits that overflow, and
    the file would not answer there as it does where it was certified.
    """
    add_pre_process_metadata(model)  # else it advises to do what has been done already
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "int8.onnx")
        quantize_static(
            model,
            path,
            _Images(calibration(training), model.graph.input[0].name),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=list(QUANTIZED),
            per_channel=True,
            reduce_range=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            nodes_to_exclude=[*preparing(model), *ending(model), *_maps(model)],
            extra_options={"OpTypesToExcludeOutputQuantization": ["Gemm"]},  # 256 levels are too few for logits
        )
        return onnx.load(path)


def preparing(model: onnx.ModelProto) -> list[str]:
    """The nodes that make the network's input of raw images."""
    return [node.name for node in model.graph.node if node.name.startswith("preprocess/")]


def ending(model: onnx.ModelProto) -> list[str]:
    """The nodes that make the output of the network's logits."""
    return [node.name for node in end_of(model)]


def _logits(model: onnx.ModelProto) -> str:
    """The value that holds the logits."""
    return str(end_of(model)[-1].input[0])


def _maps(model: onnx.ModelProto) -> list[str]:
    """The convolution that gives logits for each pixel, whose classes 256 levels would not tell apart."""
    logits = _logits(model)
    return [
        node.name for node in model.graph.node if logits in node.output and node.op_type in ("Conv", "ConvTranspose")
    ]


class _Images(CalibrationDataReader):  # type: ignore[misc]
    def __init__(self, batches: Iterable[NDArray[np.uint8]], name: str) -> None:
        self.batches, self.name = iter(batches), name

    def get_next(self) -> dict[str, Any] | None:
        images = next(self.batches, None)
        return None if images is None else {self.name: images}


def calibration(training: Split) -> Iterator[NDArray[np.uint8]]:
    """Training images, spread over all of them, as they are before any augmentation."""
    chosen = torch.from_numpy(spread(len(training), min(CALIBRATION, len(training))))
    for some in torch.split(chosen, min(full_batch(training), 64)):
        yield training.gather(some, CPU).numpy()
