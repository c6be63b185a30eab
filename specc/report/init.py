"""How each kernel starts, and why: as a table for people and as plain data for programs."""

import math
from typing import Any

from specc.check import Checked
from specc.fit import fitted
from specc.ir.graph import Graph
from specc.ir.init import Choice, choices
from specc.report.layers import columns
from specc.values import Bound, show
from specc.vocabulary.family import Initializer
from specc.vocabulary.registry import component
from specc.vocabulary.weight import Drawn

HEADINGS = ("layer", "op", "init", "why", "size")

GUIDE = "size: root mean square of the weights at the start; biases start at 0"


def init_json(checked: Checked, graph: Graph) -> dict[str, Any]:
    """What `specc show --init --json` prints, without its `format`."""
    return {
        "network": graph.name,
        "variant": checked.variant,
        "kernels": [_kernel(graph, index, choice) for index, choice in choices(graph).items()],
    }


def _kernel(graph: Graph, index: int, choice: Choice) -> dict[str, Any]:
    node, size = graph.nodes[index], _size(graph, index, choice.init)
    return {
        "name": node.name,
        "op": node.op.name,
        "init": call_text(choice.init),
        "chosen_by": "spec" if choice.written else "auto",
        "gives_logits": choice.gives_logits,
        "followed_by": [
            {"kind": follower.activity.kind.name.lower(), "layer": graph.nodes[follower.node].name}
            for follower in choice.followers
        ],
        "why": _why(graph, choice),
        "size": size if size is not None and math.isfinite(size) else None,
        "line": node.span.line,
        "head": node.head or None,
    }


def init_table(graph: Graph) -> str:
    """The kernels in columns, and what the last column is."""
    rows = []
    for index, choice in choices(graph).items():
        node, size = graph.nodes[index], _size(graph, index, choice.init)
        name = f"{node.name} ({node.head})" if node.head else node.name
        shown = "from images" if size is None else f"{size:.3g}"
        rows.append((name, node.op.name, call_text(choice.init), _why(graph, choice), shown))
    if not rows:
        return "no layer of this network has a kernel that is drawn"
    return f"{columns(HEADINGS, rows, texts=4)}\n\n{fitted(GUIDE)}"


def call_text(init: Bound) -> str:
    """An initializer as one would write it: what has its default is left out."""
    params = component(Initializer, init).params
    given = init.args.as_dict()
    changed = [(p.name, given[p.name]) for p in params if given[p.name] != p.default]
    shown = [text if name == params[0].name else f"{name}={text}" for name, value in changed if (text := _text(value))]
    return f"{init.name}({', '.join(shown)})" if shown else init.name


def _text(value: Any) -> str:
    return call_text(value) if isinstance(value, Bound) else show(value)


def _why(graph: Graph, choice: Choice) -> str:
    if choice.written:
        return "as written"
    if choice.gives_logits:
        return "gives the logits"
    first, *others = (_follower(graph, follower.node) for follower in choice.followers)
    return first + (f" (also {', '.join(others)})" if others else "")


def _follower(graph: Graph, index: int) -> str:
    """`before relu1`, or another kernel: `before conv2, without an activation`."""
    node = graph.nodes[index]
    return f"before {node.name}" + (", without an activation" if graph.kernel(node) is not None else "")


def _size(graph: Graph, index: int, init: Bound) -> float | None:
    """The root mean square of the weights at the start; None where it depends on the training images."""
    kernel, variance = graph.kernel(graph.nodes[index]), component(Initializer, init).variance
    assert kernel is not None and isinstance(kernel.start, Drawn)
    try:
        return math.sqrt(variance(kernel.start.fans, init.args)) if variance else None
    except OverflowError:
        return math.inf
