"""The weights of a network by name, and the selectors that settings pick them by.

A selector is a kind of weight (`kernels`, `biases`, `norms`), a part of the network (`head`, the final layer and
auxiliary classifiers; `backbone`, the rest), the name of a layer or a block (`conv1`, `unit2.conv1`; without its
number, `unit`, every one of that name), or one of these with a weight's own name behind it: `conv1.weight`,
`norms.bias`. A layer or block that is called `head` or `backbone` takes the name over.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from specc.ir.graph import Graph
from specc.vocabulary.weight import Kind, WeightSpec

HEAD, BACKBONE = "head", "backbone"
KINDS: dict[str, Kind] = {"kernels": "kernel", "biases": "bias", "norms": "norm"}


class Weight(NamedTuple):
    """A weight at its place in a network.

    layer: the name of its layer. node: the layer's index. spec: as the layer declares it.
    is_last: a kernel behind which no other one follows: that of the classifier, or of a head.
    learns: its layer is not frozen by `trainable=false`. part: HEAD or BACKBONE; "" where a layer or block of the
    network has that name.
    """

    layer: str
    node: int
    spec: WeightSpec
    is_last: bool
    learns: bool
    part: str

    @property
    def name(self) -> str:
        """Its key in the state dict."""
        return f"{self.layer}.{self.spec.name}"

    @property
    def kind(self) -> Kind:
        return self.spec.kind


def weights_of(graph: Graph) -> list[Weight]:
    """All weights, frozen ones too, in the order in which their layers run; shared ones once, at their first use."""
    last, part_of = _last_kernels(graph), parts_of(graph)
    return [
        Weight(
            node.name,
            node.index,
            spec,
            spec.kind == "kernel" and not last.isdisjoint(indices),
            node.learns,
            part_of[node.name],
        )
        for node in graph.nodes
        if node.owns
        for indices in [[use.index for use in node.uses]]
        for spec in graph.weights(node)
    ]


def head_layers(graph: Graph) -> set[str]:
    """The layers that answer: of the last kernels, and all of auxiliary classifiers."""
    last = _last_kernels(graph)
    return {node.name for node in graph.nodes if node.index in last or node.head}


def parts_of(graph: Graph) -> dict[str, str]:
    """Of each layer whether it belongs to the head or to the backbone; "" where something else has that name."""
    heads = head_layers(graph)
    taken = {name for node in graph.nodes for name in node.name.split(".")}
    free = {part: "" if any(_is_called(name, part) for name in taken) else part for part in (HEAD, BACKBONE)}
    return {node.name: free[HEAD if node.name in heads else BACKBONE] for node in graph.nodes}


def _last_kernels(graph: Graph) -> set[int]:
    """The layers with kernels from which a way without another kernel leads to the logits."""
    last, seen = set[int](), set[int]()
    waiting = [graph.output, *(head.output for head in graph.heads)]
    while waiting:
        node = graph.nodes[waiting.pop()]
        if node.index in seen:
            continue
        seen.add(node.index)
        if graph.kernel(node) is not None:
            last.add(node.index)
        else:
            waiting += node.inputs
    return last


def learning(weights: Iterable[Weight], freeze: Iterable[str]) -> list[Weight]:
    """The weights that learn: whose layers do, and which the selectors of `freeze` do not pick."""
    selectors = tuple(freeze)
    return [weight for weight in weights if weight.learns and not any(selects(one, weight) for one in selectors)]


def statistics_of(graph: Graph) -> list[Weight]:
    """What layers keep without learning it, as selectors see it: as tensors of norms."""
    part_of = parts_of(graph)
    return [
        Weight(
            node.name,
            node.index,
            WeightSpec(kept.name, kept.shape, "norm", kept.start),
            False,
            node.learns,
            part_of[node.name],
        )
        for node in graph.nodes
        if node.owns
        for kept in graph.statistics(node)
    ]


def norm_parts(graph: Graph, weights: Sequence[Weight] | None = None) -> dict[str, list[Weight]]:
    """For each layer with running statistics all that can be frozen: its weights; where it has none, the statistics.

    weights: all weights of the graph, by whoever has them already.
    """
    parts: dict[str, list[Weight]] = {}
    weights = weights_of(graph) if weights is None else weights
    with_weights = {weight.layer for weight in weights}
    statistics = statistics_of(graph)
    for part in (*weights, *(one for one in statistics if one.layer not in with_weights)):
        parts.setdefault(part.layer, []).append(part)
    return {layer: parts[layer] for layer in dict.fromkeys(one.layer for one in statistics)}


def frozen_norms(graph: Graph, freeze: Iterable[str]) -> list[str]:
    """The layers with running statistics of which everything is frozen: in training too they use and keep these."""
    selectors = tuple(freeze)
    return [name for name, parts in norm_parts(graph).items() if not learning(parts, selectors)]


def frozen_parameters(graph: Graph, freeze: Iterable[str]) -> int:
    """How many numbers do not learn."""
    weights = weights_of(graph)
    return sum(weight.spec.size for weight in weights) - sum(w.spec.size for w in learning(weights, freeze))


def selects(selector: str, weight: Weight) -> bool:
    """Whether a selector picks a weight."""
    stem = selector.removesuffix(f".{weight.spec.name}")
    return _is_of(selector, weight) or (stem != selector and _is_of(stem, weight))


def _is_of(selector: str, weight: Weight) -> bool:
    """Whether a weight is of this kind, in this part, or of a layer or block of this name."""
    if selector in KINDS:
        return weight.kind == KINDS[selector]
    if selector == weight.part:
        return True
    path, names = selector.split("."), weight.layer.split(".")
    return len(path) <= len(names) and all(map(_is_called, names, path))


def _is_called(name: str, wanted: str) -> bool:
    """`unit2` is called `unit2`, and `unit`."""
    return name == wanted or (name.startswith(wanted) and name[len(wanted) :].isdecimal())


def selected(selectors: Iterable[str], weights: Iterable[Weight]) -> list[Weight]:
    """The weights that one of the selectors picks, in their own order."""
    wanted = tuple(selectors)
    return [weight for weight in weights if any(selects(selector, weight) for selector in wanted)]


def selectors_of(weights: Iterable[Weight]) -> list[str]:
    """All selectors that pick something, for the help of a misspelled one."""
    names = dict.fromkeys(name for name, kind in KINDS.items() if any(weight.kind == kind for weight in weights))
    names |= dict.fromkeys(weight.part for weight in weights if weight.part)
    for weight in weights:
        path = weight.layer.split(".")
        names |= dict.fromkeys([*(".".join(path[: i + 1]) for i in range(len(path))), weight.name])
    return list(names)
