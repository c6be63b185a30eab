"""Writes an ONNX graph: nodes and initializers with names that stay the same from run to run."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx.external_data_helper import set_external_data

PAGE = 4096  # bytes
SMALL = 1024  # bytes: what is smaller stays in the file itself


class Builder:
    """The nodes and initializers of one graph, in the order in which they are written.

    opset: 18 to 22. scope: the layer that is being written; what it writes is named `scope/Relu`, `scope/Pad`, …
    """

    def __init__(self, opset: int) -> None:
        self.opset = opset
        self.scope = ""
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: dict[str, np.ndarray[Any, Any]] = {}
        self.inputs: list[onnx.ValueInfoProto] = []
        self.outputs: list[onnx.ValueInfoProto] = []
        self._used: set[str] = set()

    def node(self, kind: str, inputs: Sequence[str], name: str = "", **attributes: Any) -> str:
        """Write a node with one output, and give the output's name, which is the node's name too."""
        name = self.unused(name or f"{self.scope}/{kind}")
        self.nodes.append(helper.make_node(kind, list(inputs), [name], name=name, **attributes))
        return name

    def pad(self, value: str, top: int, left: int, bottom: int, right: int, mode: str = "constant") -> str:
        """Write a `Pad` of height and width.

        It names its axes: a `Pad` of zeros that does not is fused by onnxruntime into a pooling layer behind it, whose
        own padding never counts as a number.
        """
        pads, axes = self.ints([top, left, bottom, right]), self.ints([2, 3])
        return self.node("Pad", [value, pads, "", axes], mode=mode)

    def rename(self, value: str, name: str) -> str:
        """Give the last node written, whose output is `value`, another name."""
        node = self.nodes[-1]
        assert list(node.output) == [value]
        node.name = node.output[0] = self.unused(name)
        return str(node.name)

    def initializer(self, name: str, array: np.ndarray[Any, Any]) -> str:
        """Add a constant tensor under exactly this name."""
        self.initializers[name] = array
        self._used.add(name)
        return name

    def floats(self, values: Any) -> str:
        """A float32 constant from a number or nested lists of numbers."""
        return self.initializer(self.unused(f"{self.scope}/floats"), np.array(values, np.float32))

    def ints(self, values: Sequence[int]) -> str:
        """A one-dimensional int64 constant: a shape, axes, pads."""
        return self.initializer(self.unused(f"{self.scope}/ints"), np.array(values, np.int64))

    def shaped(self, name: str, shape: Sequence[int]) -> str:
        """Give an initializer another shape with as many elements."""
        self.initializers[name] = self.initializers[name].reshape(shape)
        return name

    def standardize(self, name: str, eps: float) -> None:
        """Subtract from each filter of a kernel its mean, and divide it by its deviation."""
        kernel = self.initializers[name].astype(np.float64)
        axes = tuple(range(1, kernel.ndim))
        centered = kernel - kernel.mean(axes, keepdims=True)
        self.initializers[name] = (centered / np.sqrt(kernel.var(axes, keepdims=True) + eps)).astype(np.float32)

    def scale_filters(self, name: str, factors: str, factor: float) -> None:
        """Multiply each filter of a kernel by its own factor, an initializer, and by one for all."""
        scale = self.initializers[factors].astype(np.float64) * factor
        self.initializers[name] = (self.initializers[name] * scale).astype(np.float32)

    def input(self, name: str, kind: int, shape: Sequence[int | str]) -> str:
        """Declare an input of the graph; a text in `shape` is a dimension that is open. kind: TensorProto.UINT8, …"""
        self.inputs.append(helper.make_tensor_value_info(name, kind, list(shape)))
        self._used.add(name)
        return name

    def output(self, value: str, shape: Sequence[int | str], kind: int = TensorProto.FLOAT) -> str:
        """Declare a value that a node gives as an output of the graph."""
        self.outputs.append(helper.make_tensor_value_info(value, kind, list(shape)))
        return value

    def model(self, name: str) -> onnx.ModelProto:
        """The finished model, with its weights inside."""
        return self._model(name, (numpy_helper.from_array(array, key) for key, array in self._needed()))

    def model_beside(self, name: str, location: str) -> tuple[onnx.ModelProto, bytes]:
        """The finished model without its weights, and the bytes of the file `location` that holds them.

        Each begins at a page's start, so that a runtime can map it. Shapes and other small constants stay inside.
        """
        tensors, weights = [], bytearray()
        for key, array in self._needed():
            tensor = numpy_helper.from_array(array, key)
            if array.nbytes >= SMALL:
                weights += bytes(-len(weights) % PAGE)
                set_external_data(tensor, location, offset=len(weights), length=array.nbytes)
                weights += tensor.raw_data
                tensor.ClearField("raw_data")
            tensors.append(tensor)
        return self._model(name, tensors), bytes(weights)

    def _needed(self) -> list[tuple[str, np.ndarray[Any, Any]]]:
        """The constants that a node reads; onnxruntime warns of others each time it opens a file."""
        read = {name for node in self.nodes for name in node.input} | {output.name for output in self.outputs}
        return [(name, array) for name, array in self.initializers.items() if name in read]

    def _model(self, name: str, weights: Iterable[onnx.TensorProto]) -> onnx.ModelProto:
        """Weights are put where they stay, one after the other: each further copy would cost as much memory again."""
        graph = helper.make_graph(self.nodes, name, self.inputs, self.outputs)
        opset = helper.make_opsetid("", self.opset)
        model = helper.make_model_gen_version(graph, opset_imports=[opset], producer_name="specc")
        model.graph.initializer.extend(weights)
        return model

    def unused(self, name: str) -> str:
        """The name, with a number behind it where it is taken; it is taken from now on."""
        count, candidate = 1, name
        while candidate in self._used:
            count += 1
            candidate = f"{name}{count}"
        self._used.add(candidate)
        return candidate
