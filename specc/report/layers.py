"""The layers of a network as a table for people and as plain data for programs."""

from collections.abc import Sequence
from typing import Any

from specc.check import Checked, Trainable
from specc.fit import fitted
from specc.ir.graph import Graph, Node
from specc.ir.weights import frozen_parameters
from specc.report.columns import columns as in_columns
from specc.vocabulary.shape import size_text

HEADINGS = ("layer", "op", "output", "parameters", "MACs", "receptive field", "memory")
BYTES_PER_NUMBER = 4  # activations in fp32


def layers_json(checked: Checked, graph: Graph) -> dict[str, Any]:
    """What `specc show --json` prints, without its `format`."""
    return {
        "network": graph.name,
        "variant": checked.variant,
        "input": list(graph.input),
        "output": list(graph.output_shape),
        "parameters": graph.parameters,
        "parameters_exported": graph.parameters_exported,
        "parameters_frozen": frozen(checked, graph),
        "macs": graph.total_macs,
        "passes": checked.train.passes if checked.train else 1,
        "activation_bytes": activation_bytes(graph),
        "layers": [_layer(graph, node) for node in graph.nodes[1:]],
    }


def _layer(graph: Graph, node: Node) -> dict[str, Any]:
    return {
        "name": node.name,
        "op": node.op.name,
        "output": list(node.shape),
        "parameters": graph.parameters_of(node),
        "macs": graph.macs(node),
        "receptive_field": node.receptive_field and list(node.receptive_field),
        "activation_bytes": _memory(node),
        "line": node.span.line,
        "head": node.head or None,
        "weights_of": weights_of_other(graph, node),
    }


def weights_of_other(graph: Graph, node: Node) -> str | None:
    """The layer whose weights a use of shared layers takes; None for one with weights of its own, or without any."""
    return node.owner.name if not node.owns and (graph.weights(node) or graph.statistics(node)) else None


def frozen(checked: Checked | Trainable, graph: Graph) -> int:
    """How many numbers do not learn, because of `trainable=false` or `freeze`."""
    return frozen_parameters(graph, checked.train.frozen if checked.train else ())


def _memory(node: Node) -> int:
    """Bytes of a layer's output for one image in fp32."""
    count = BYTES_PER_NUMBER
    for side in node.shape:
        count *= side
    return count


def activation_bytes(graph: Graph) -> int:
    """Bytes of all outputs for one image in fp32."""
    return sum(map(_memory, graph.nodes))


def layers_table(checked: Checked | Trainable, graph: Graph) -> str:
    """The layers and their totals, in columns."""
    words = totals(graph, frozen(checked, graph))
    if checked.train and checked.train.passes > 1:
        passes = checked.train.passes
        words += f"; a step of `{checked.train.optimizer.name}` passes each image {passes} times, forward and back"
    return f"{columns(HEADINGS, layer_rows(graph), texts=3)}\n\n{fitted(words)}"


def layer_rows(graph: Graph) -> list[Sequence[str]]:
    """A row for each layer, with the cells that HEADINGS names."""
    return [
        (
            _name(graph, node),
            node.op.name,
            size_text(node.shape),
            _count(graph.parameters_of(node)),
            _count(graph.macs(node)),
            "x".join(map(str, node.receptive_field)) if len(graph.input) == 3 and node.receptive_field else "",
            byte_text(_memory(node)),
        )
        for node in graph.nodes
    ]


def totals(graph: Graph, frozen: int) -> str:
    """`GoogLeNet: 3 x 224 x 224 -> 1000; 13,004,888 parameters (6,624,904 exported), 1.50 G MACs per image`."""
    exported = graph.parameters_exported
    counts = [f"{frozen:,} frozen"] * (frozen > 0) + [f"{exported:,} exported"] * (exported != graph.parameters)
    parameters = f"{graph.parameters:,} parameters" + (f" ({', '.join(counts)})" if counts else "")
    memory = byte_text(activation_bytes(graph))
    shapes = f"{graph.name}: {size_text(graph.input)} -> {size_text(graph.output_shape)}"
    return f"{shapes}; {parameters}, {_short(graph.total_macs)} MACs and {memory} of activations per image"


def _name(graph: Graph, node: Node) -> str:
    """`mlp2.conv1 = mlp1.conv1` of a layer that takes the weights of another; the name of its head behind it."""
    shared = weights_of_other(graph, node)
    name = f"{node.name} = {shared}" if shared else node.name
    return f"{name} ({node.head})" if node.head else name


def columns(headings: Sequence[str], rows: Sequence[Sequence[str]], texts: int) -> str:
    """A table. texts: how many columns, the first ones, hold names, to the left; numbers stand to the right."""
    return "\n".join(in_columns([headings, *rows], range(texts, len(headings))))


def _count(number: int) -> str:
    return f"{number:,}" if number else ""


def _short(number: float) -> str:
    for unit in ("", " k", " M", " G"):
        if number < 1000:
            return f"{number:.3g}{unit}"
        number /= 1000
    return f"{number:.4g} T"


def byte_text(count: float) -> str:
    """`12.3 kB`."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.4g} TB"
