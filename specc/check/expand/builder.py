"""The graph under construction: nodes, their names, and their shapes by the rules of the layers."""

from typing import Any, NamedTuple

from specc.check.context import Context
from specc.check.expand.here import Here
from specc.check.expand.mismatch import Advice, Mismatch
from specc.diagnostics import Label
from specc.ir.graph import Frame, Head, Node
from specc.ops.op import Op
from specc.ops.structure import identity
from specc.source import Span
from specc.syntax import tree as t
from specc.values import UNKNOWN, Args
from specc.vocabulary.problem import Problem
from specc.vocabulary.shape import Shape, size_text


class ShapeCheck(NamedTuple):
    """A layer such as `expect`, which becomes no node, and the tensor that it looks at."""

    tensor: int
    op: Op
    args: Args
    call: t.Call


class GraphBuilder:
    """Adds nodes to a graph. A tensor is the index of the node that gives it."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.nodes: list[Node] = []
        self.heads: list[Head] = []
        self.counts: dict[str, int] = {}  # how many layers and blocks of a path have a name
        self.taken = {"input"}  # paths
        self.checks: list[ShapeCheck] = []
        self.assumed: dict[int, Shape] = {}  # of nodes whose shape is UNKNOWN: what it is once an argument is changed

    def start(self, op: Op, args: Args, shape: Any, span: Span) -> None:
        """Add node 0, the network's input."""
        self.nodes.append(Node(0, "input", op, args, (), shape, span))

    def node(
        self,
        op: Op,
        args: Args,
        inputs: tuple[int, ...],
        call: t.Call,
        here: Here,
        mismatch: Mismatch | None = None,
    ) -> int:
        """Add a node; its shape follows from the op's rule. mismatch: explains why branches do not fit."""
        shape = self.shape(op, args, inputs, call, mismatch)
        node = self._add(op, args, inputs, shape, call.span, here)
        if shape is UNKNOWN and self.assumed:
            self._assume(node, call)
        return node

    def expect(self, check: ShapeCheck) -> Any:
        """The shape of a tensor; UNKNOWN, with a message, where a check refuses it."""
        self.checks.append(check)
        return self.shape(check.op, check.args, (check.tensor,), check.call)

    def inputs_of(self, node: Node) -> Any:
        """The input shape of a node; for a joining op, the list of them."""
        shapes = [self.nodes[i].shape for i in node.inputs]
        return shapes if node.op.joins else shapes[0]

    def again(self, node: Node, name: str, inputs: tuple[int, ...], trail: tuple[Frame, ...], head: str) -> int:
        """Add a node that has the arguments and the weights of an earlier one, under another name."""
        self.context.trail = trail
        call = t.Call(node.op.name, (), None, node.span, node.span, False)
        shape = UNKNOWN if node.shape is UNKNOWN else self.shape(node.op, node.args, inputs, call)
        index = len(self.nodes)
        self.taken.add(name)
        self.nodes.append(Node(index, name, node.op, node.args, inputs, shape, node.span, trail, head))
        self.nodes[index].uses = node.uses
        node.uses.append(self.nodes[index])
        return index

    def lost(self, tensor: int, span: Span, here: Here) -> int:
        """A tensor of unknown shape: what follows from an error is not reported."""
        return self._add(identity, Args(), (tensor,), UNKNOWN, span, here)

    def shape(self, op: Op, args: Args, inputs: tuple[int, ...], call: t.Call, mismatch: Mismatch | None = None) -> Any:
        """The shape by the op's rule; its problem is reported at the argument at fault."""
        shapes = [self.nodes[i].shape for i in inputs]
        if UNKNOWN in shapes or UNKNOWN in args.as_dict().values():
            return UNKNOWN
        try:
            return op.shape(shapes if op.joins else shapes[0], args)
        except Problem as problem:
            advice = mismatch.advice(self.nodes, op, args, inputs, call) if mismatch else Advice()
            if problem.shape is not None:
                self.assumed[len(self.nodes)] = problem.shape
            return self._report(problem, op, shapes, call, advice)

    def _report(self, problem: Problem, op: Op, shapes: list[Shape], call: t.Call, advice: Advice) -> Any:
        span, label, labels = call.callee, "", list[Label]()
        for position, argument in enumerate(call.arguments):
            named = argument.name or (op.params[position].name if position < len(op.params) else "")
            if problem.param and named == problem.param:
                span = argument.value.span
        if op.joins and call.body is not None:
            spans = [branch[0].span.to(branch[-1].span) if branch else call.body.span for branch in call.body.branches]
            texts: dict[Span, dict[str, None]] = {}  # a branch in a loop has a shape for each iteration
            for branch, shape in zip(spans, shapes[-len(spans) :], strict=False):
                texts.setdefault(branch, {})[size_text(shape)] = None
            labels = [Label(branch, ", ".join(text)) for branch, text in texts.items()]
        if not labels or len(call.body.branches) < len(shapes):
            label = f"input: {size_text(shapes[0])}"
        labels += [more for more in advice.labels if more not in labels]
        help = advice.help or problem.help
        return self.context.error(problem.code, problem.message, span, label=label, labels=tuple(labels), help=help)

    def _assume(self, index: int, call: t.Call) -> None:
        """Follow the shapes after a layer whose mistake certainly does not change its output shape.

        What else does not fit is reported only if it is such a mistake, too.
        """
        node = self.nodes[index]
        shapes = [self.assumed.get(i, self.nodes[i].shape) for i in node.inputs]
        if index in self.assumed or UNKNOWN in shapes or UNKNOWN in node.args.as_dict().values():
            return
        try:
            self.assumed[index] = node.op.shape(shapes if node.op.joins else shapes[0], node.args)
        except Problem as problem:
            if problem.shape is not None:
                self.assumed[index] = problem.shape
                self._report(problem, node.op, shapes, call, Advice())

    def _add(self, op: Op, args: Args, inputs: tuple[int, ...], shape: Any, span: Span, here: Here) -> int:
        name = ".".join((*here.path, self.new_name(here.path, op.name)))
        index = len(self.nodes)
        self.nodes.append(Node(index, name, op, args, inputs, shape, span, here.trail, here.head))
        return index

    def new_name(self, path: tuple[str, ...], name: str) -> str:
        """`conv2` for the second `conv` of a path; one that nothing else there has, such as a block called `conv`."""
        stem = ".".join((*path, name))
        while True:
            count = self.counts[stem] = self.counts.get(stem, 0) + 1
            if f"{stem}{count}" not in self.taken:
                self.taken.add(f"{stem}{count}")
                return f"{name}{count}"
