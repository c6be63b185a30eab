"""Nodes of the graph: their names, and their shapes by the rules of the layers."""

from typing import Any, NamedTuple

from specc.check.bind import Binder
from specc.check.evaluate import Work
from specc.check.problems import Problems
from specc.check.scope import Scope
from specc.diagnostics import Label
from specc.ir.graph import Frame, Head, Node
from specc.ops import OPS
from specc.ops.op import Op
from specc.source import Span
from specc.syntax import tree as t
from specc.values import UNKNOWN, Args
from specc.vocabulary.problem import Problem
from specc.vocabulary.shape import Shape, size_text


class Here(NamedTuple):
    """Where expansion stands: what names mean, which defaults hold, and how it came here."""

    scope: Scope
    labels: Scope  # names given by `as`
    defaults: tuple[tuple[str, t.Call, Scope], ...] = ()
    path: tuple[str, ...] = ()
    trail: tuple[Frame, ...] = ()
    head: str = ""
    depth: int = 0


class NodeBuilder(Binder):
    """Adds nodes to a graph. Positions in it are indices of nodes."""

    def __init__(self, problems: Problems, work: Work) -> None:
        super().__init__(problems, work)
        self.nodes: list[Node] = []
        self.heads: list[Head] = []
        self.counts: dict[str, int] = {}  # how many layers and blocks of a path have a name
        self.taken = {"input"}  # paths

    def _lost(self, at: int, span: Span, here: Here) -> int:
        """A node of unknown shape: what follows an error is not held against the user."""
        return self._node(OPS["identity"], Args(), (at,), UNKNOWN, span, here)

    def _checked_node(self, op: Op, args: Args, inputs: tuple[int, ...], call: t.Call, here: Here) -> int:
        return self._node(op, args, inputs, self._shape(op, args, inputs, call), call.span, here)

    def _shape(self, op: Op, args: Args, inputs: tuple[int, ...], call: t.Call) -> Any:
        """The shape by the op's rule; its problem is reported where the argument at fault stands."""
        shapes = [self.nodes[i].shape for i in inputs]
        if UNKNOWN in shapes or UNKNOWN in args.as_dict().values():
            return UNKNOWN
        try:
            return op.shape(shapes if op.joins else shapes[0], args)
        except Problem as problem:
            return self._shape_problem(problem, op, shapes, call)

    def _shape_problem(self, problem: Problem, op: Op, shapes: list[Shape], call: t.Call) -> Any:
        span, label, labels = call.callee, "", list[Label]()
        for position, argument in enumerate(call.arguments):
            named = argument.name or (op.params[position].name if position < len(op.params) else "")
            if problem.param and named == problem.param:
                span = argument.value.span
        if op.joins and call.body is not None:
            spans = [branch[0].span.to(branch[-1].span) if branch else call.body.span for branch in call.body.branches]
            labels = [Label(s, size_text(x)) for s, x in zip(spans, shapes[-len(spans) :], strict=False)]
        if len(labels) < len(shapes):
            label = f"{size_text(shapes[0])} flows in"
        return self.error(problem.code, problem.message, span, label=label, labels=tuple(labels), help=problem.help)

    def _node(self, op: Op, args: Args, inputs: tuple[int, ...], shape: Any, span: Span, here: Here) -> int:
        name = ".".join((*here.path, self._new_name(here.path, op.name)))
        index = len(self.nodes)
        self.nodes.append(Node(index, name, op, args, inputs, shape, span, here.trail, here.head))
        return index

    def _new_name(self, path: tuple[str, ...], name: str) -> str:
        """`conv2` for the second `conv` of a path; one that nothing else there has, such as a block called `conv`."""
        stem = ".".join((*path, name))
        while True:
            count = self.counts[stem] = self.counts.get(stem, 0) + 1
            if f"{stem}{count}" not in self.taken:
                self.taken.add(f"{stem}{count}")
                return f"{name}{count}"
