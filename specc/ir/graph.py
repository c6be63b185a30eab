"""The typed graph that a spec is worked out to: nodes in the order in which they run."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from specc.ops.op import Op
from specc.source import Span
from specc.values import Args
from specc.vocabulary.shape import Shape


class Call(NamedTuple):
    """A call of a block. path: what the names of its nodes begin with, as in `level1.double2`.

    arguments: its parameters that are numbers, truths or sizes. optional: those that have a default.
    """

    path: str
    block: str
    arguments: dict[str, Any]
    optional: frozenset[str]


class Frame(NamedTuple):
    """One step of the way to a node: `in basic(32, 2), called at net.cnn:25:5`; the turn of a loop is no `call`."""

    text: str
    span: Span
    call: Call | None = None


class Node:
    """One layer at its place in the network.

    name: its path, as in `basic1.unit2.conv1`; unique; the key of its weights in the state dict.
    inputs: indices of nodes. shape: of the output, without the batch; UNKNOWN below an error.
    head: the auxiliary classifier it belongs to, or "" for the network itself.
    """

    __slots__ = ("args", "head", "index", "inputs", "name", "op", "receptive_field", "shape", "span", "trail")

    def __init__(
        self,
        index: int,
        name: str,
        op: Op,
        args: Args,
        inputs: tuple[int, ...],
        shape: Any,
        span: Span,
        trail: tuple[Frame, ...] = (),
        head: str = "",
    ) -> None:
        self.index, self.name, self.op, self.args, self.inputs = index, name, op, args, inputs
        self.shape, self.span, self.trail, self.head = shape, span, trail, head
        self.receptive_field: tuple[int, int] = (1, 1)

    def __repr__(self) -> str:
        return f"{self.index}: {self.name} {self.inputs} -> {self.shape}"


class Head(NamedTuple):
    """An auxiliary classifier: its loss counts `weight` in training; it is gone at export."""

    name: str
    weight: float
    output: int


class Graph:
    """A network. Node 0 is the input; `output` is the index of the last node. `values`: of the network's parameters."""

    def __init__(
        self, name: str, nodes: list[Node], output: int, heads: list[Head], values: Mapping[str, Any] | None = None
    ) -> None:
        self.name, self.nodes, self.output, self.heads = name, nodes, output, heads
        self.values = values or {}

    @property
    def input(self) -> Shape:
        shape: Shape = self.nodes[0].shape
        return shape

    @property
    def shape(self) -> Shape:
        shape: Shape = self.nodes[self.output].shape
        return shape

    @property
    def output_shape(self) -> Shape:
        """The shape of what the network gives: C x 1 x 1 is flattened."""
        return self.shape[:1] if self.shape[1:] == (1, 1) else self.shape

    def inputs_of(self, node: Node) -> Any:
        """The input shape of a node; for a joining op, the list of them."""
        shapes = [self.nodes[i].shape for i in node.inputs]
        return shapes if node.op.joins else shapes[0] if shapes else None

    def weights(self, node: Node) -> int:
        """Learned numbers of a node that training changes: none where it is frozen by `trainable=false`."""
        if not node.inputs or not getattr(node.args, "trainable", True):
            return 0
        return node.op.weights(self.inputs_of(node), node.args)

    def macs(self, node: Node) -> int:
        """Multiply-accumulates of a node for one image."""
        return node.op.macs(self.inputs_of(node), node.args, node.shape) if node.inputs else 0

    @property
    def parameters(self) -> int:
        return sum(map(self.weights, self.nodes))

    @property
    def parameters_exported(self) -> int:
        return sum(self.weights(node) for node in self.nodes if not node.head)

    @property
    def total_macs(self) -> int:
        """Of the network as it is exported: auxiliary heads do not count."""
        return sum(self.macs(node) for node in self.nodes if not node.head)

    @property
    def ends_in_softmax(self) -> bool:
        return self.nodes[self.output].op.name == "softmax"
