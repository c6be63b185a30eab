"""The weights of a network by name, and the selectors that settings pick them by.

A selector is a kind of weight (`kernels`, `biases`, `norms`), the name of a layer or a block (`conv1`, `unit2.conv1`;
without its number, `unit`, every one of that name), or either of these with `.weight` or `.bias` behind it.
"""

from collections.abc import Iterable
from typing import NamedTuple

from specc.ir.graph import Graph

PARTS = ("weight", "bias")
KINDS = {"kernels": "kernel", "biases": "bias", "norms": "norm"}


class Weight(NamedTuple):
    """name: the key in the state dict. node: the index of its layer.

    kind: "kernel" and "bias" of convolutions and dense layers, "norm" for scales and shifts of norms, else "".
    is_last: a kernel behind which no other one follows: that of the classifier, or of a head.
    learns: its layer is not frozen by `trainable=false`.
    """

    name: str
    node: int
    kind: str
    is_last: bool
    learns: bool


def weights_of(graph: Graph) -> list[Weight]:
    """All weights, frozen ones too, in the order in which their layers run."""
    last, found = _last_kernels(graph), list[Weight]()
    for node in graph.nodes[1:]:
        a = node.args
        if not node.op.weights(graph.inputs_of(node), a):
            continue
        learns = getattr(a, "trainable", True)
        if hasattr(a, "init") and hasattr(a, "bias"):
            kinds = {"weight": "kernel", "bias": "bias"} if a.bias else {"weight": "kernel"}
        elif node.op.group == "normalization":
            kinds = {part: "norm" for part, is_there in (("weight", a.scale), ("bias", a.shift)) if is_there}
        else:
            kinds = {"weight": ""}
        found += [
            Weight(f"{node.name}.{part}", node.index, kind, kind == "kernel" and node.index in last, learns)
            for part, kind in kinds.items()
        ]
    return found


def _last_kernels(graph: Graph) -> set[int]:
    """The layers with kernels from which a way without another kernel leads to the logits."""
    found, seen = set[int](), set[int]()
    waiting = [graph.output, *(head.output for head in graph.heads)]
    while waiting:
        node = graph.nodes[waiting.pop()]
        if node.index in seen:
            continue
        seen.add(node.index)
        if hasattr(node.args, "init") and hasattr(node.args, "bias"):
            found.add(node.index)
        else:
            waiting += node.inputs
    return found


def selects(selector: str, weight: Weight) -> bool:
    """Whether a selector picks a weight."""
    *path, part = selector.split(".")
    if path and part in PARTS:
        if not weight.name.endswith(f".{part}"):
            return False
    else:
        path.append(part)
    if len(path) == 1 and path[0] in KINDS:
        return weight.kind == KINDS[path[0]]
    names = weight.name.split(".")[:-1]
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
    for weight in weights:
        path = weight.name.split(".")
        names |= dict.fromkeys(".".join(path[: i + 1]) for i in range(len(path)))
    return list(names)
