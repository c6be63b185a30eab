"""A trained network as one ONNX graph: preprocessing, network and its end; its story is in the metadata."""

import json
from pathlib import PureWindowsPath
from typing import NamedTuple

import onnx
from onnx import TensorProto, helper
from onnx.external_data_helper import uses_external_data

from specc import __version__
from specc.backend.build import Net
from specc.backend.data.normalize import Normalize
from specc.backend.onnx import model_file
from specc.backend.onnx.builder import Builder
from specc.backend.onnx.ending import SCOPE, Ending, ending_of
from specc.backend.onnx.lower import Lowered, lower
from specc.backend.onnx.preprocess import pixels_of, preprocess
from specc.backend.onnx.proof import training_left
from specc.backend.tasks.bound import BoundTask
from specc.check import Trainable
from specc.errors import SpeccError
from specc.values import show

IMAGES = "images"


class Written(NamedTuple):
    """A model, and where the layers of the spec are in it (`Lowered.values`, `Lowered.folded`).

    weights: the files that it takes its weights from, by name; none where they are inside.
    """

    model: onnx.ModelProto
    values: dict[str, str]
    folded: dict[str, str]
    weights: dict[str, bytes]


def write_model(
    spec: Trainable,
    net: Net,
    normalize: Normalize,
    ending: Ending,
    metadata: dict[str, str],
    beside: str = "model.onnx.data",
) -> Written:
    """The network in evaluation mode as one graph.

    It takes `images`, uint8 N x C x H x W with any N, and with any H and W where the spec resizes; it gives what the
    ending says: float32 N x outputs, or N x classes x H x W, or `classes`, uint8 N x H x W. The same weights and spec
    give the same bytes. More weights than one file can hold go to the file `beside`.
    """
    graph, export, data = spec.graph, spec.export, spec.data
    state = {name: value.detach().cpu().numpy() for name, value in net.state_dict().items()}
    channels, height, width = graph.input
    open_size: tuple[int | str, int | str] = ("height", "width")
    g = Builder(export.opset)
    images = g.input(IMAGES, TensorProto.UINT8, ["N", channels, *(open_size if data.resize else (height, width))])
    x = preprocess(g, images, normalize, data.resizing)
    lowered = lower(graph, state, g, x)
    ending.write(g, lowered.logits, graph)
    return finish(g, lowered, graph.name, metadata, beside)


def finish(g: Builder, lowered: Lowered, name: str, metadata: dict[str, str], beside: str) -> Written:
    """The model of a graph that is written, with its metadata, and its weights in the file `beside` if it has to be."""
    weights: dict[str, bytes] = {}
    if sum(array.nbytes for array in g.initializers.values()) > model_file.LARGEST:
        model, weights[beside] = g.model_beside(name, beside)
    else:
        model = g.model(name)
    model.producer_version = __version__
    helper.set_model_props(model, metadata)
    return Written(model, lowered.values, lowered.folded, weights)


def check_graph(model: onnx.ModelProto) -> None:
    """Raise SpeccError E457 where a graph is not sound by the standard, E459 where it is not in evaluation mode.

    Weights in other files are not looked at: they are taken for inputs of the same shape.
    """
    try:
        onnx.checker.check_model(_without_weights(model), full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        message = f"the exported graph is invalid: {error}".splitlines()
        raise SpeccError("E457", message, status=1) from None
    left = training_left(model)
    if left:
        message = ["the exported graph is not in evaluation mode:", *left]
        raise SpeccError("E459", message, help="this is a bug in specc: please report it", status=1)


def end_of(model: onnx.ModelProto) -> list[onnx.NodeProto]:
    """The nodes of a graph that make its output of the logits (`Ending.write`), the last one first."""
    makers = {name: node for node in model.graph.node for name in node.output}
    nodes = [makers[model.graph.output[0].name]]
    while (node := makers.get(nodes[-1].input[0])) is not None and node.name.startswith(f"{SCOPE}/"):
        nodes.append(node)
    return nodes


def without_end(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy of a graph that gives the logits of which the graph makes its output."""
    bare = onnx.ModelProto()
    bare.CopyFrom(model)
    nodes = end_of(bare)
    logits = helper.make_tensor_value_info(nodes[-1].input[0], TensorProto.FLOAT, None)
    for node in nodes:
        bare.graph.node.remove(node)
    bare.graph.output[0].CopyFrom(logits)
    return bare


def of_pixels(model: onnx.ModelProto) -> onnx.ModelProto | None:
    """A copy of a graph that gives the resized pixels which the network sees; None where they are not found."""
    pixels = pixels_of(model)
    if pixels is None:
        return None
    bare = onnx.ModelProto()
    bare.CopyFrom(model)
    del bare.graph.output[:]
    bare.graph.output.append(helper.make_tensor_value_info(pixels, TensorProto.FLOAT, None))
    return bare


def _without_weights(model: onnx.ModelProto) -> onnx.ModelProto:
    """A model whose weights in other files are inputs; itself where it has none."""
    beside = [tensor for tensor in model.graph.initializer if uses_external_data(tensor)]
    if not beside:
        return model
    bare = onnx.ModelProto()
    bare.CopyFrom(model)
    del bare.graph.initializer[:]
    bare.graph.initializer.extend(tensor for tensor in model.graph.initializer if not uses_external_data(tensor))
    for tensor in beside:
        bare.graph.input.append(helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims))
    return bare


def describe(spec: Trainable, task: BoundTask, data_sha256: str) -> dict[str, str]:
    """The metadata of an exported file, all but the certificate."""
    graph, data, ending = spec.graph, spec.data, ending_of(spec, task)
    text = portable(spec)
    channels, height, width = graph.input
    takes = {
        "name": IMAGES,
        "type": "uint8",
        "layout": "N x C x H x W",
        "channels": channels,
        "order": {1: "gray", 3: "RGB"}.get(channels, ""),
        "size": None if data.resize else [height, width],
        "normalize": show(data.normalize),
        **({"resize": show(data.resize)} if data.resize else {}),
        **({"resized": {"to": data.resizing.size, "fit": data.resizing.fit}} if data.resizing else {}),
        **({"view": [height, width]} if data.view else {}),
        **({"range": data.range} if data.range else {}),
    }
    return {
        model_file.VERSION: __version__,
        model_file.NETWORK: graph.name,
        model_file.TASK: task.facts.name,
        model_file.CLASSES: json.dumps(task.outputs, ensure_ascii=False),
        model_file.INPUT: json.dumps(takes),
        model_file.OUTPUT: json.dumps(
            {"name": ending.output, "activation": ending.activation, "shape": ending.shape(graph)}
        ),
        model_file.SPEC: text,
        model_file.SPEC_SHA256: model_file.sha256(text.encode()),
        model_file.DATA_SHA256: data_sha256,
    }


def portable(spec: Trainable) -> str:
    """The spec's text without the way to the data on this machine.

    Of a path that leaves the spec's folder the last part is kept.
    """
    path = getattr(spec.data.source.args, "path", "")
    place = PureWindowsPath(path)  # which knows both kinds of separators
    if place.anchor or ".." in place.parts or path.startswith("~"):
        escaped = path.replace("\\", "\\\\")  # as the spec writes it
        return spec.resolved.replace(escaped, place.name)
    return spec.resolved
