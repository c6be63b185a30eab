"""Passes over the finished graph. None of them names a layer: they ask each op."""

from specc.ir.graph import Graph, Node
from specc.values import UNKNOWN, Args


def is_whole(graph: Graph) -> bool:
    """Whether every shape is known: nothing in the graph is erroneous."""
    return all(node.shape is not UNKNOWN for node in graph.nodes)


def keep_reachable(graph: Graph) -> list[Node]:
    """Drop the nodes that neither the output nor a head needs, and renumber the rest; gives the dropped ones."""
    needed = {0, graph.output, *(head.output for head in graph.heads)}
    for node in reversed(graph.nodes):
        if node.index in needed:
            needed.update(node.inputs)
    dropped = [node for node in graph.nodes if node.index not in needed]
    if dropped:
        for uses in {id(node.uses): node.uses for node in graph.nodes}.values():
            uses[:] = [node for node in uses if node.index in needed] or uses
        graph.nodes = [node for node in graph.nodes if node.index in needed]
        place = {node.index: position for position, node in enumerate(graph.nodes)}
        for node in graph.nodes:
            node.index, node.inputs = place[node.index], tuple(place[i] for i in node.inputs)
        graph.output = place[graph.output]
        graph.heads = [head._replace(output=place[head.output]) for head in graph.heads]
    return dropped


def settle_biases(graph: Graph) -> None:
    """`bias=auto` becomes false where every reader of the layer subtracts a mean that would cancel the bias.

    Of shared layers, where that holds for all uses.
    """
    readers: dict[int, list[Node]] = {}
    for node in graph.nodes:
        for i in node.inputs:
            readers.setdefault(i, []).append(node)
    ends = {graph.output, *(head.output for head in graph.heads)}

    def is_canceled(node: Node) -> bool:
        following = readers.get(node.index, [])
        return bool(following) and node.index not in ends and all(reader.op.cancels_bias for reader in following)

    for node in graph.nodes:
        if node.op.takes("bias") and node.args.bias == "auto":
            args = Args(**{**node.args.as_dict(), "bias": not all(map(is_canceled, node.uses))})
            for use in node.uses:
                use.args = args


def source(graph: Graph, index: int) -> int:
    """The node whose value node `index` has: itself, or what it passes on where it leaves no module."""
    while (node := graph.nodes[index]).op.torch is None and node.inputs:
        index = node.inputs[0]
    return index


def logits_of(graph: Graph, output: int) -> int:
    """The node that holds the logits of a classifier: a final softmax is folded into the loss."""
    node = graph.nodes[output]
    return source(graph, node.inputs[0] if node.op.is_softmax else output)


def trunk(graph: Graph) -> list[Node]:
    """The nodes that lie on every way from input to output, in the order in which they run.

    Nodes run in an order in which inputs come first; so a node is passed by where an edge begins before it and ends
    behind it.
    """
    passed = [0] * (len(graph.nodes) + 1)  # how many edges begin or cease to pass here
    for node in graph.nodes[: graph.output + 1]:
        if not node.head:
            for i in node.inputs:
                passed[i + 1] += 1
                passed[node.index] -= 1
    passing, nodes = 0, []
    for node in graph.nodes[: graph.output + 1]:
        passing += passed[node.index]
        if passing == 0 and not node.head:
            nodes.append(node)
    return nodes
