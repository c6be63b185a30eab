"""What the tests of the checker share: a spec in, and what it is worth. Lints are tested elsewhere."""

from typing import Any

from specc.check import Checked, check
from specc.diagnostics import Diagnostic
from specc.ir.graph import Graph
from specc.source import Source


def spec(text: str, **options: Any) -> Checked:
    """A whole spec, checked."""
    return check(Source("net.cnn", text), **options)


def net(body: str, before: str = "", input: str = "input(8, 16x16)", **options: Any) -> Checked:
    """A network with this body, behind other items of the file."""
    return spec(f"{before}\nnetwork Net {{\n{input}\n{body}\n}}\n", **options)


class Fine(Checked):
    """A spec without errors: there is a graph. Which sections there are, a test knows."""

    graph: Graph
    data: Any
    train: Any
    export: Any


def fine(checked: Checked) -> Fine:
    """The same, which must have no errors."""
    assert [(d.code, d.message) for d in checked.errors] == []
    assert checked.graph is not None
    return Fine(*checked)


def shape(body: str, before: str = "", **options: Any) -> tuple[int, ...]:
    """The shape that comes out of a body without errors."""
    return fine(net(body, before, **options)).graph.shape


def layers(checked: Checked) -> list[str]:
    """The names of the ops of a graph, without the input."""
    return [node.op.name for node in fine(checked).graph.nodes[1:]]


def codes(checked: Checked) -> list[str]:
    return [error.code for error in checked.errors]


def only(checked: Checked) -> Diagnostic:
    """The one error that there must be."""
    assert len(checked.errors) == 1, [(d.code, d.message) for d in checked.errors]
    return checked.errors[0]


def underlined(checked: Checked) -> str:
    """The text at which the one error points."""
    return only(checked).span.text


def numbers(expression: str, before: str = "") -> list[float]:
    """The numbers of a list that an expression gives."""
    graph = fine(net(f"for x in {expression} {{ scale(x) }}", before)).graph
    return [node.args.value for node in graph.nodes if node.op.name == "scale"]


def number(expression: str, before: str = "") -> float:
    [value] = numbers(f"[{expression}]", before)
    return value


def holds(expression: str, before: str = "") -> bool:
    """Whether a condition holds."""
    return layers(net(f"if {expression} {{ relu }} else {{ tanh }}", before)) == ["relu"]
