"""Why joined branches have different shapes: finds the argument that makes them match, by trying it on the graph."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any, NamedTuple

from specc.check.context import Context
from specc.check.expand.names import NameTable
from specc.check.expressions.scope import shorten
from specc.check.gather.spec import Spec
from specc.diagnostics import Label
from specc.ir.graph import Node
from specc.ops.op import Op
from specc.source import Span
from specc.syntax import tree as t
from specc.syntax.tree import walk
from specc.values import UNKNOWN, Args, Size
from specc.vocabulary.problem import Problem
from specc.vocabulary.shape import Shape, size_text

MOST_TRIED = 8  # arguments
MOST_LAYERS = 500  # between the branches' ends and what they share
MOST_TOGETHER = 3  # layers that are advised to be changed at once


class Advice(NamedTuple):
    """More about branches whose shapes differ. help: "" where the layer's own help is better."""

    labels: tuple[Label, ...] = ()
    help: str = ""


class Change(NamedTuple):
    """An argument of a node with another value."""

    node: Node
    param: str
    value: Any


class Mismatch:
    """Explains where shapes diverge. Each call of a joining layer is explained once."""

    def __init__(self, spec: Spec, names: NameTable, context: Context) -> None:
        self.spec, self.names, self.context = spec, names, context
        self.explained: set[Span] = set()

    def advice(self, nodes: Sequence[Node], op: Op, args: Args, inputs: tuple[int, ...], call: t.Call) -> Advice:
        """Where named branches got their names, and which change makes the branches agree."""
        if call.span in self.explained:
            return Advice()
        self.explained.add(call.span)
        shapes = [nodes[i].shape for i in inputs]
        labels = tuple(self._origins(call, inputs, shapes))
        own = _own(nodes, inputs)
        if len(own) > MOST_LAYERS or any(len(shape) != len(shapes[0]) for shape in shapes):
            return Advice(labels)
        trial = Trial(nodes, own, op, args, inputs)
        if len({shape[1:] for shape in shapes}) > 1:
            changes = self._padding(trial, call)
            where = [_step(nodes, change.node) for change in changes]
            calls = " and ".join(f"`{_text(change.node)}` on line {change.node.span.line}" for change in changes)
            help = f"with {changes[0].param}={changes[0].value} in {calls}, the branches match" if changes else ""
        else:
            changes = self._channels(trial, shapes, call)
            where = [size_text(change.node.shape) for change in changes]
            help = self._one_number(changes[0]) if changes else ""
        places = [Label(change.node.span, text) for change, text in zip(changes, where, strict=True)]
        return Advice((*labels, *places), help)

    def _origins(self, call: t.Call, inputs: tuple[int, ...], shapes: Sequence[Shape]) -> Iterator[Label]:
        """Where each branch that is a named tensor got its name."""
        branches = call.body.branches
        ends = zip(branches, inputs[-len(branches) :], shapes[-len(branches) :], strict=True)
        sizes: dict[Span, list[str]] = {}  # in a loop, one call names several
        for branch, end, shape in ends:
            origin = self.names.origins.get((branch[0].span, end)) if len(branch) == 1 else None
            if origin is not None:
                sizes.setdefault(origin, []).append(size_text(shape))
        for origin, texts in sizes.items():
            yield Label(origin, f"named here: {', '.join(texts)}")

    def _padding(self, trial: "Trial", call: t.Call) -> list[Change]:
        """The layers without padding that must be padded; none where that is not what is wrong."""
        changes = [
            Change(node, param.name, "same")
            for node in trial.own
            for param in node.op.params
            if "same" in param.kind.symbols and isinstance(getattr(node.args, param.name), Size)
        ]
        if len(changes) > MOST_TRIED:
            return []
        for change in changes:
            self.context.spend(len(trial.own), call.callee)
            if trial.agrees([change]):
                return [change]
        spans = {change.node.span for change in changes}
        return changes if 1 < len(spans) <= MOST_TOGETHER and trial.agrees(changes) else []

    def _channels(self, trial: "Trial", shapes: Sequence[Shape], call: t.Call) -> list[Change]:
        """The layer whose number of channels the rest of the text does not have; none where that is not certain."""
        numbers = {shape[0] for shape in shapes}
        if len(numbers) != 2:
            return []
        for odd in numbers:
            [wanted] = numbers - {odd}
            related = odd % wanted == 0 or wanted % odd == 0  # a block that makes 256 of 64 means it
            if related or self._elsewhere(odd, trial) or not self._elsewhere(wanted, trial):
                continue
            for node in trial.own[-MOST_TRIED:]:
                for param in node.op.params:
                    change = Change(node, param.name, wanted)
                    self.context.spend(1 + len(trial.own) // 10, call.callee)
                    is_written = getattr(node.args, param.name) == odd and re.search(rf"\b{odd}\b", node.span.text)
                    if is_written and trial.agrees([change]):
                        return [change]
        return []

    def _elsewhere(self, channels: int, trial: "Trial") -> bool:
        """Whether layers before the branches have so many channels, or the text has the number more than once."""
        own = {node.index for node in trial.own}
        before = any(
            node.shape is not UNKNOWN and node.shape[0] == channels for node in trial.nodes if node.index not in own
        )
        return before or self._written[channels] > 1

    def _one_number(self, change: Change) -> str:
        odd = getattr(change.node.args, change.param)
        place = f"`{_text(change.node)}` on line {change.node.span.line}"
        return f"only {place} has {odd} channels; with {change.value}, as elsewhere, the branches match"

    @cached_property
    def _written(self) -> Counter[int]:
        """How often each integer occurs in the network and its blocks."""
        parts = walk([self.spec.network, *self.spec.blocks.values(), *self.spec.lets.values()])
        return Counter(part.value for part in parts if isinstance(part, t.Literal) and type(part.value) is int)


class Trial:
    """Shapes recomputed with other arguments. own: the nodes that are not shared by all branches, in order."""

    def __init__(self, nodes: Sequence[Node], own: list[Node], op: Op, args: Args, inputs: tuple[int, ...]) -> None:
        self.nodes, self.own, self.op, self.args, self.inputs = nodes, own, op, args, inputs

    def agrees(self, changes: Sequence[Change]) -> bool:
        """Whether the branches can be joined after these changes."""
        shapes: dict[int, Shape] = {}

        def inputs_of(op: Op, inputs: tuple[int, ...]) -> Any:
            values = [shapes.get(i, self.nodes[i].shape) for i in inputs]
            return values if op.joins else values[0]

        try:
            for node in self.own:
                changed = {change.param: change.value for change in changes if change.node is node}
                args = Args(**{**node.args.as_dict(), **changed}) if changed else node.args
                shapes[node.index] = node.op.shape(inputs_of(node.op, node.inputs), args)
            self.op.shape(inputs_of(self.op, self.inputs), self.args)
        except Problem:
            return False
        return True


def _own(nodes: Sequence[Node], ends: tuple[int, ...]) -> list[Node]:
    """The nodes on the way to some of the ends that are not on the way to all of them, in order."""
    ways = [_ancestors(nodes, end) for end in ends]
    indices = set[int].union(*ways) - set[int].intersection(*ways)
    return [nodes[i] for i in sorted(indices) if nodes[i].inputs]


def _ancestors(nodes: Sequence[Node], end: int) -> set[int]:
    """A node and all that it depends on."""
    ancestors, rest = {end}, [end]
    while rest:
        for i in nodes[rest.pop()].inputs:
            if i not in ancestors:
                ancestors.add(i)
                rest.append(i)
    return ancestors


def _step(nodes: Sequence[Node], node: Node) -> str:
    return f"{size_text(nodes[node.inputs[0]].shape[1:])} becomes {size_text(node.shape[1:])}"


def _text(node: Node) -> str:
    return shorten(node.span.text, 40)
