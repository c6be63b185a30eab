"""What an exported graph makes of a network's logits: probabilities, numbers in the data's units, or classes."""

from typing import NamedTuple

import torch
from onnx import TensorProto

from specc.backend.evaluation.activation import activation
from specc.backend.onnx.builder import Builder
from specc.backend.onnx.session import Outputs
from specc.backend.tasks.bound import BoundTask, Scale
from specc.check import Trainable
from specc.ir.graph import Graph

SCOPE = "output"  # of the nodes before the last one


class Ending(NamedTuple):
    """The end of an exported graph.

    output: "probabilities", "logits", "numbers" or "classes"; so the graph's output is called.
    activation: what turns logits into probabilities: "softmax", "sigmoid", or "" where there are none.
    scale: of numbers; None where they are learned as they are.
    """

    output: str
    activation: str
    scale: Scale | None = None

    def apply(self, logits: Outputs) -> Outputs:
        """What the graph makes of logits, in PyTorch. logits: N x outputs, or N x classes x H x W."""
        values = torch.from_numpy(logits)
        if self.output == "probabilities":
            values = values.softmax(dim=1) if self.activation == "softmax" else values.sigmoid()
        elif self.output == "numbers" and self.scale is not None:
            mean, std = (torch.tensor(numbers, dtype=torch.float32) for numbers in self.scale)
            values = values * std + mean
        elif self.output == "classes":
            values = values.argmax(dim=1).to(torch.uint8)
        outputs: Outputs = values.numpy()
        return outputs

    def shape(self, graph: Graph) -> tuple[int, ...]:
        """The shape of the graph's output for an image."""
        return graph.output_shape[1:] if self.output == "classes" else graph.output_shape

    def write(self, g: Builder, logits: str, graph: Graph) -> str:
        """Write the same as the last nodes of the graph, and declare its output."""
        g.scope = SCOPE
        shape: list[int | str] = ["N", *self.shape(graph)]
        if self.output == "classes":
            index = g.node("ArgMax", [logits], axis=1, keepdims=0)
            last = g.node("Cast", [index], name=self.output, to=TensorProto.UINT8)
            return g.output(last, shape, TensorProto.UINT8)
        if self.output == "probabilities" and self.activation == "softmax":
            last = g.node("Softmax", [logits], name=self.output, axis=1)
        elif self.output == "probabilities":
            last = g.node("Sigmoid", [logits], name=self.output)
        elif self.output == "numbers" and self.scale is not None:
            spread = g.node("Mul", [logits, g.floats(self.scale.std)])
            last = g.node("Add", [spread, g.floats(self.scale.mean)], name=self.output)
        else:
            last = g.node("Identity", [logits], name=self.output)
        return g.output(last, shape)


def ending_of(spec: Trainable, task: BoundTask) -> Ending:
    """The end of the graph that a spec exports."""
    output = task.facts.exports[0] if spec.export.output == "auto" else spec.export.output
    return Ending(output, activation(spec, task.facts), task.scale)
