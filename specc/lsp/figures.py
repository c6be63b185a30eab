"""What the stages of a text give: shapes, parameters, work and receptive field."""

from collections.abc import Sequence
from typing import NamedTuple

from specc.check import Checked
from specc.ir.graph import Graph, Node
from specc.lsp.analysis import Analysis, Flow
from specc.vocabulary.shape import size_text

MOST_USES = 4  # of a stage that are listed
UNITS = (("G", 10**9), ("M", 10**6), ("k", 10**3))


class Figures(NamedTuple):
    """One use of a stage: shapes without the batch, learned numbers, multiply-accumulates of one image, and the pixels
    that its output sees; None where the network has errors."""

    input: str
    output: str
    parameters: int | None
    macs: int | None
    receptive_field: tuple[int, int] | None


def figures(flow: Flow, graph: Graph | None) -> Figures:
    """The figures of a use. graph: of the whole network; None where it has errors."""
    ends = size_text(flow.before.shape), size_text(flow.after.shape)
    if graph is None:
        return Figures(*ends, None, None, None)
    nodes = [node for node in flow.nodes if _is_in(node, graph)]
    parameters, macs = sum(map(graph.parameters_of, nodes)), sum(map(graph.macs, nodes))
    field = flow.after.receptive_field if _is_in(flow.after, graph) else None
    return Figures(*ends, parameters, macs, field)


def figures_text(analysis: Analysis, start: int) -> list[str]:
    """What the stage that begins at an offset gives, a line of Markdown for each of its uses; none for what is none."""
    flows = stage_at(analysis, start)
    each = [_line(figures(flow, analysis.shown.graph)) for flow in flows]
    lines = list(dict.fromkeys(each))
    if len(flows) == 1:
        return each
    used = f"used {len(flows)} times" + (f" in variant {analysis.shown.variant}" if analysis.shown.variant else "")
    rest = [f"- … and {len(lines) - MOST_USES} more"] if len(lines) > MOST_USES else []
    return [used + ":", *(f"- {line}" for line in lines[:MOST_USES]), *rest] if flows else []


def stage_at(analysis: Analysis, start: int) -> Sequence[Flow]:
    """The uses of the smallest stage that begins at an offset."""
    ends = [end for at, end in analysis.flows if at == start]
    return analysis.flows[start, min(ends)] if ends else ()


def summary(checked: Checked) -> str:
    """`269.7 k parameters, 40.8 M MACs, 3 x 32 x 32 -> 10`; what is wrong where there is no network."""
    graph = checked.graph
    if graph is None:
        return "has errors" if checked.errors else "no network"
    ends = f"{size_text(graph.input)} → {size_text(graph.output_shape)}"
    return f"{short(graph.parameters)} parameters, {short(graph.total_macs)} MACs, {ends}"


def short(number: int) -> str:
    """`25.6 M`, with three digits or four."""
    for unit, size in UNITS:
        if number >= size:
            return f"{number / size:.3g} {unit}" if number < 999.5 * size else f"{number / size:.0f} {unit}"
    return str(number)


def _line(one: Figures) -> str:
    parts = [f"`{one.input} → {one.output}`"]
    if one.parameters is not None and one.macs is not None:
        parts += [f"{one.parameters:,} parameters", f"{one.macs:,} MACs"]
    if one.receptive_field is not None:
        height, width = one.receptive_field
        parts.append(f"sees {height} x {width} pixels")
    return ", ".join(parts)


def _is_in(node: Node, graph: Graph) -> bool:
    return node.index < len(graph.nodes) and graph.nodes[node.index] is node
