"""Layers that share their weights wherever they are used: what `shared` gives a name."""

from typing import NamedTuple

from specc.ir.graph import Frame
from specc.source import Span


class FirstUse(NamedTuple):
    """Where shared layers were worked out.

    nodes, checks: which of `GraphBuilder.nodes` and `GraphBuilder.checks` they became. inflow, end: the tensors that
    flow in and out. path: what the names of the nodes begin with. trail: the calls that led into them.
    """

    nodes: slice
    checks: slice
    inflow: int
    end: int
    path: tuple[str, ...]
    trail: tuple[Frame, ...]
    span: Span


class Sharing:
    """One set of weights: of one run of a `shared` statement.

    first: None until they are used. is_open: while the layers are being worked out. is_broken: they cannot be shared,
    which has been reported.
    """

    __slots__ = ("first", "is_broken", "is_open", "name", "span")

    def __init__(self, name: str, span: Span) -> None:
        self.name, self.span = name, span
        self.first: FirstUse | None = None
        self.is_open = self.is_broken = False
