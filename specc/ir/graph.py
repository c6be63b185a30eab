"""The typed graph of a spec: nodes in the order in which they run."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from specc.errors import counted
from specc.ops.op import Op
from specc.source import Span
from specc.values import UNKNOWN, Args
from specc.vocabulary.shape import Shape, size_text
from specc.vocabulary.weight import Statistic, WeightSpec


class Call(NamedTuple):
    """A call of a block. path: what the names of its nodes begin with, as in `level1.double2`.

    arguments: its parameters that are numbers, truths or sizes. optional: those that have a default.
    sharing: of a use of shared layers, the path of their first use; else "".
    """

    path: str
    block: str
    arguments: dict[str, Any]
    optional: frozenset[str]
    sharing: str = ""


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
    receptive_field: height and width in pixels of the image; None where a map is too large to work it out.
    uses: the nodes that share its weights, itself among them, in the order in which they run; they have one list.
    """

    __slots__ = ("args", "head", "index", "inputs", "name", "op", "receptive_field", "shape", "span", "trail", "uses")

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
        self.receptive_field: tuple[int, int] | None = (1, 1)
        self.uses: list[Node] = [self]

    @property
    def owner(self) -> "Node":
        """The node that holds its weights, whose name is their key: the first of its uses, most often itself."""
        return self.uses[0]

    @property
    def owns(self) -> bool:
        """Whether its weights are its own, not those of an earlier use of shared layers."""
        return self.uses[0] is self

    @property
    def learns(self) -> bool:
        """Whether training may change its weights: not where it says `trainable=false`."""
        return not self.op.takes("trainable") or bool(self.args.trainable)

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

    def __repr__(self) -> str:
        """`<Graph Net: 12 layers, 3 x 32 x 32 -> 10, 5,162 parameters>`; below an error only its layers."""
        layers = f"{self.name}: {counted(len(self.nodes) - 1, 'layer')}"
        if any(node.shape is UNKNOWN for node in self.nodes):
            return f"<Graph {layers}>"
        shapes = f"{size_text(self.input)} -> {size_text(self.output_shape)}"
        return f"<Graph {layers}, {shapes}, {counted(self.parameters, 'parameter')}>"

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

    def weights(self, node: Node) -> tuple[WeightSpec, ...]:
        """What a node learns; would learn, where it is frozen."""
        return node.op.weights(self.inputs_of(node), node.args) if node.inputs else ()

    def statistics(self, node: Node) -> tuple[Statistic, ...]:
        """What a node keeps besides, such as running means."""
        return node.op.statistics(self.inputs_of(node), node.args) if node.inputs else ()

    def kernel(self, node: Node) -> WeightSpec | None:
        """The first kernel of a node, None for a node without one."""
        return next((weight for weight in self.weights(node) if weight.kind == "kernel"), None)

    def parameters_of(self, node: Node) -> int:
        """How many numbers of a node are learned, frozen ones included; 0 for those that an earlier use has."""
        return sum(weight.size for weight in self.weights(node)) if node.owns else 0

    def macs(self, node: Node) -> int:
        """Multiply-accumulates of a node for one image."""
        return node.op.macs(self.inputs_of(node), node.args, node.shape) if node.inputs else 0

    @property
    def parameters(self) -> int:
        """Of the network as it is trained, frozen ones included."""
        return sum(map(self.parameters_of, self.nodes))

    @property
    def parameters_exported(self) -> int:
        """Without those that only auxiliary classifiers use."""
        return sum(self.parameters_of(node) for node in self.nodes if not all(use.head for use in node.uses))

    @property
    def total_macs(self) -> int:
        """Of the network as it is exported: auxiliary heads do not count."""
        return sum(self.macs(node) for node in self.nodes if not node.head)

    @property
    def ends_in_softmax(self) -> bool:
        """Whether its last layer makes the probabilities that the loss would make itself."""
        return self.nodes[self.output].op.is_softmax
