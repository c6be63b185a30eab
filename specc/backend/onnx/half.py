"""Whether a network keeps within float16: the range of its values, and its answers where each value is rounded.

onnxruntime's CPU provider computes an fp16 file in float32, so that nothing overflows there that would on a GPU.
"""

from collections.abc import Iterator
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from specc.backend.build import Net, build
from specc.backend.data.batches import all_batches
from specc.backend.data.dataset import DataSet
from specc.backend.onnx.certificate import loss_of
from specc.backend.onnx.compare import Tally
from specc.backend.onnx.comparison import Half
from specc.backend.onnx.ending import Ending
from specc.backend.onnx.judge import change_text
from specc.backend.onnx.precision import calibration, ending, preparing
from specc.backend.onnx.reference import Reference
from specc.backend.onnx.session import Outputs, open_session
from specc.backend.onnx.truth import CPU, Truth, batches, full_batch
from specc.backend.onnx.write import Written
from specc.errors import SpeccError, counted
from specc.ir.graph import Graph
from specc.tasks import Figure

LARGEST = float(np.finfo(np.float16).max)  # 65,504
SMALLEST = float(np.finfo(np.float16).smallest_normal)  # 6.1e-5


class Range(NamedTuple):
    """A value of the graph, or a weight (`is_weight`), and the largest absolute number in it."""

    name: str
    largest: float
    is_weight: bool


def hold_against_half(
    written: Written, reference: Reference, dataset: DataSet, truth: Truth, figure: Figure, max_loss: float
) -> Half:
    """Hold a graph of fp32 against what float16 can express, before it is converted.

    The range of every value is measured on the calibration and the validation images. The answers to all validation
    images are worked out with each layer's weights and output rounded to float16; sums are in float32, as in the
    kernels of GPUs, and what is below the smallest normal number is 0, as on some of them.

    truth: the trained model's answers. figure: of which no more than `max_loss` may be lost.

    Raises SpeccError: E466 a value is beyond float16, or the answers are not finite; E462 too much is lost.
    """
    ranges = [*_values(written.model, dataset), *_weights(written.model)]
    for one in ranges:
        if not one.largest <= LARGEST:
            raise _refused(_described(one, written, reference.net.graph))
    task, images = dataset.task, len(dataset.validation)
    tally = _answers(_HalfModel(written, reference), reference, dataset, truth)
    half = task.figures(tally.records)
    if loss_of(figure, truth.figures, half, images) > max_loss:
        message = ["the fp16 file loses too much, and was not written"]
        change = change_text(figure, truth.figures, half, images)
        message.append(f"in half precision {change}; `max_loss` allows {max_loss:.2%}")
        help = "`max_loss` in the section `export` is the bound; norms keep values where float16 is precise"
        raise SpeccError("E462", message, help=help, status=1)
    values = [one for one in ranges if not one.is_weight]
    largest = max(values, key=lambda one: one.largest)
    below = tuple(_layer(one.name) for one in values if 0 < one.largest < SMALLEST)
    agreement, layer = tally.figures().agreement, _layer(largest.name)
    below = tuple(dict.fromkeys(below))
    return Half(task.facts, figure, images, half, agreement, layer, largest.largest, below)


def _answers(model: "_HalfModel", reference: Reference, dataset: DataSet, truth: Truth) -> Tally:
    """The answers of a model to all validation images. Raises SpeccError E466 where they are not finite."""
    tally, odd = Tally(dataset.task, Ending("logits", reference.ending.activation)), 0
    for batch in batches(reference, dataset.validation, truth):
        logits = model(batch.images)
        odd += int((~np.isfinite(logits.reshape(len(logits), -1)).all(axis=1)).sum())
        tally.update(batch.trained, logits)
        tally.record(logits, batch.labels)
    if odd:
        count = len(dataset.validation)
        raise _refused(f"{odd:,} of {counted(count, 'validation image')} get an answer that is not a number")
    return tally


def _refused(why: str) -> SpeccError:
    message = ["the network leaves the range of float16, and the fp16 file was not written", why]
    help = "a norm after that layer keeps values small; or export int8, or fp32 only"
    return SpeccError("E466", message, help=help, status=1)


def _described(one: Range, written: Written, graph: Graph) -> str:
    layer = _layer(one.name) if "/" in one.name or not one.is_weight else one.name.rpartition(".")[0]
    places = {node.name: node.span.place for node in graph.nodes}
    where = f"`{layer}`, at {places[layer]}," if layer in places else "the network's input"
    what = "a weight" if one.is_weight else "a value"
    return f"{where} has {what} of {one.largest:,.6g}; float16 ends at {LARGEST:,.0f}"


def _layer(name: str) -> str:
    """The layer that a node, which may be a helper of it (`layer/Pad`), belongs to."""
    return name.partition("/")[0]


def _weights(model: onnx.ModelProto) -> Iterator[Range]:
    outside = {*preparing(model), *ending(model)}
    apart = {name for node in model.graph.node if node.name in outside for name in node.input}
    for tensor in model.graph.initializer:
        if tensor.data_type == TensorProto.FLOAT and tensor.name not in apart:
            values = numpy_helper.to_array(tensor)
            yield Range(tensor.name, float(np.abs(values).max()) if values.size else 0.0, True)


def _values(model: onnx.ModelProto, dataset: DataSet) -> list[Range]:
    """The range of every float value from the network's input to its logits, by a copy of the graph that gives them."""
    watched = _watched(model)
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    del copy.graph.output[:]
    for number, name in enumerate(watched):
        size, largest = f"range/{number}/Abs", f"range/{number}"
        copy.graph.node.append(helper.make_node("Abs", [name], [size], name=size))
        copy.graph.node.append(helper.make_node("ReduceMax", [size], [largest], name=largest, keepdims=0))
        copy.graph.output.append(helper.make_tensor_value_info(largest, TensorProto.FLOAT, []))
    session = open_session(bytes(copy.SerializeToString()))
    found = np.zeros(len(watched))
    for images in chain(calibration(dataset.train), _all(dataset)):
        given = session.run(None, {model.graph.input[0].name: images})
        found = np.maximum(found, np.array(given, np.float64))  # a NaN stays one
    return [Range(name, float(largest), False) for name, largest in zip(watched, found, strict=True)]


def _watched(model: onnx.ModelProto) -> list[str]:
    """The float values that an fp16 file has in float16: what the preprocessing gives, and those of the network."""
    before, after = set(preparing(model)), set(ending(model))
    kinds = {
        value.name: value.type.tensor_type.elem_type
        for value in onnx.shape_inference.infer_shapes(model).graph.value_info
    }
    inside = [node for node in model.graph.node if node.name not in before | after and node.output[0] in kinds]
    enters = [name for node in inside for name in node.input if name in before]
    names = dict.fromkeys([*enters, *(name for node in inside for name in node.output)])
    return [name for name in names if kinds.get(name) == TensorProto.FLOAT]


def _all(dataset: DataSet) -> Iterator[NDArray[np.uint8]]:
    for batch in all_batches(dataset.validation, full_batch(dataset.validation), CPU):
        yield batch.images.numpy()


class _HalfModel:
    """The trained network with its norms folded as in the graph, and every weight and output of a layer rounded."""

    def __init__(self, written: Written, reference: Reference) -> None:
        self.normalize, self.device = reference.normalize, reference.device
        self.net = build(reference.net.graph).to(self.device).eval()
        self.net.load_state_dict(reference.net.state_dict())
        _fold(self.net, written)
        with torch.no_grad():
            for value in self.net.state_dict().values():
                if value.is_floating_point():
                    value.copy_(_rounded(value))
        for module in dict.fromkeys(self.net.layers.values()):
            module.register_forward_hook(lambda _module, _inputs, output: _rounded(output))

    @torch.inference_mode()
    def __call__(self, images: NDArray[np.uint8]) -> Outputs:
        pixels = torch.from_numpy(np.require(images, requirements="W")).to(self.device)
        logits: Outputs = self.net(_rounded(self.normalize(pixels))).cpu().numpy()
        return logits


def _rounded(value: Tensor) -> Tensor:
    """Rounded to float16, infinite where it is too large, 0 where it is below the smallest normal number."""
    rounded = value.half().float()
    return torch.where(rounded.abs() < SMALLEST, torch.zeros_like(rounded), rounded)


@torch.no_grad()
def _fold(net: Net, written: Written) -> None:
    """Give the layers into which norms are folded the graph's weights, and let those norms pass their input on."""
    nodes = {node.name: node for node in written.model.graph.node}
    tensors = {tensor.name: tensor for tensor in written.model.graph.initializer}
    for norm, layer in written.folded.items():
        linear: Any = net.layers[layer]
        weight, bias = (numpy_helper.to_array(tensors[name]) for name in nodes[written.values[norm]].input[1:3])
        if isinstance(linear, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            linear.weight.copy_(torch.from_numpy(weight.copy()).reshape(linear.weight.shape))
            linear.bias = nn.Parameter(torch.from_numpy(bias.copy()).to(linear.weight.device))
            net.layers[norm].register_forward_hook(lambda _module, inputs, _output: inputs[0])
