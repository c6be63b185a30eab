"""Ways through the graph that several lints follow."""

from collections.abc import Iterator

from specc.check.lint.lint import Linted
from specc.ir.graph import Node
from specc.ir.signal import initialiser


def is_plain(node: Node) -> bool:
    """Whether a layer only moves, pools or disturbs numbers: it neither weighs, normalises, bends nor joins them."""
    return initialiser(node) is None and node.op.group not in ("activation", "normalisation") and not node.op.joins


def kernels(linted: Linted) -> list[Node]:
    """The layers with kernels, without those of auxiliary classifiers."""
    return [node for node in linted.graph.nodes if initialiser(node) is not None and not node.head]


def following(linted: Linted, node: Node) -> Node | None:
    """The next layer that does more than move numbers, where the way there does not part; else None."""
    while len(readers := linted.readers[node.index]) == 1:
        node = readers[0]
        if not is_plain(node):
            return node
    return None


def activations_of_kernels(linted: Linted) -> Iterator[tuple[Node, Node]]:
    """Each layer with a kernel outside branches, with the activation that its result flows into, unnormalised."""
    on_trunk = {node.index for node in linted.trunk}
    for node in kernels(linted):
        after = following(linted, node)
        if after is not None and after.op.group == "activation" and after.index in on_trunk:
            yield node, after


def before(linted: Linted, node: Node) -> Iterator[Node]:
    """The layers behind a node, back to the nearest one that joins or weighs; those are the last that it gives."""
    while node.inputs:
        yield node
        if node.op.joins or initialiser(node) is not None:
            return
        node = linted.graph.nodes[node.inputs[0]]
