"""How a network was expanded, stage by stage: what an editor shows of a spec, whether or not it has errors."""

from typing import Any, NamedTuple

from specc.source import Span
from specc.syntax import tree as t


class Passage(NamedTuple):
    """One stage of the text on its way into the graph; a stage in a loop or a block has several.

    before, after: the tensors that flow in and out, as indices into `Trace.nodes`. first, last: the nodes that came of
    it are `nodes[first:last]`.
    """

    span: Span
    before: int
    after: int
    first: int
    last: int


class Trace:
    """What a check saw on its way. A caller passes in an empty one.

    files: the trees of the file and of those that it extends, as far as they could be read. spec: what they add up to.
    nodes: all nodes, also those that lead nowhere; the shape of one below an error is UNKNOWN.
    """

    def __init__(self) -> None:
        self.files: list[t.File] = []
        self.spec: Any = None  # a gather.spec.Spec
        self.passages: list[Passage] = []
        self.nodes: list[Any] = []  # of ir.graph.Node
