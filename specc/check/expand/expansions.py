"""The one place that carries out the expansion that an op declares (`Op.expands`)."""

from typing import Any, NoReturn, Protocol

from specc.check.context import Context, TooMuch
from specc.check.expand.branches import Branch
from specc.check.expand.builder import GraphBuilder
from specc.check.expand.builder import ShapeCheck as Check
from specc.check.expand.here import Here
from specc.check.expand.mismatch import Mismatch
from specc.check.expand.names import NameTable, first_argument
from specc.check.expressions.labels import Labels
from specc.check.expressions.scope import Scope
from specc.ir.graph import Frame, Head
from specc.ops.expansion import (
    AroundBody,
    AuxiliaryHead,
    Branches,
    NamedTensor,
    NamesTensor,
    NetworkInput,
    OneNode,
    PassOn,
    Repeat,
    ShapeCheck,
    WithNamed,
)
from specc.ops.op import Op
from specc.source import Span
from specc.syntax import tree as t
from specc.values import UNKNOWN, Args

MOST_STEPS = 50_000


class Bodies(Protocol):
    """Expands what a layer holds in braces."""

    def body(self, body: t.Body, tensor: int, here: Here, owner: str) -> int:
        """A body without branches; the tensor that comes out."""

    def branches(self, call: t.Call, tensor: int, here: Here) -> list[Branch] | None:
        """The branches of a layer's body; None, with a message, where it has none."""

    def step(self, span: Span, here: Here) -> None:
        """Count a step. Raises `TooMuch` where a network takes too many."""


class Expansions:
    """Carries out expansions: each takes the tensor that flows in, and gives the one that flows on."""

    def __init__(self, bodies: Bodies, graph: GraphBuilder, names: NameTable, mismatch: Mismatch) -> None:
        self.bodies, self.graph, self.names, self.mismatch = bodies, graph, names, mismatch
        self.context = graph.context

    def carry_out(self, op: Op, args: Args, call: t.Call, tensor: int, here: Here) -> int:
        """What a call of an op whose arguments are bound becomes; the tensor that flows on."""
        graph = self.graph
        match op.expands:
            case OneNode():
                return graph.node(op, args, (tensor,), call, here)
            case Branches():
                branches = self.bodies.branches(call, tensor, here)
                if branches is None:
                    return graph.lost(tensor, call.span, here)
                call = call._replace(
                    body=call.body._replace(branches=tuple([branch.statements for branch in branches]))
                )
                return graph.node(op, args, tuple([branch.end for branch in branches]), call, here, self.mismatch)
            case AroundBody(join=join):
                end = self.bodies.body(call.body, tensor, here, op.name)
                return graph.node(join, Args(), (tensor, end), call, here, self.mismatch)
            case WithNamed(name=name):
                if getattr(args, name) is None:
                    return graph.node(op, args, (tensor,), call, here)
                named = self.names.find(getattr(args, name), call, here)
                if named is None:
                    return graph.lost(tensor, call.span, here)
                return graph.node(op, args, (tensor, named), call, here)
            case Repeat(count=count):
                return self._repeat(getattr(args, count), call, tensor, here, op.name)
            case _:
                return self._nothing(op, args, call, tensor, here)

    def _nothing(self, op: Op, args: Args, call: t.Call, tensor: int, here: Here) -> int:
        """What adds no node of its own."""
        match op.expands:
            case PassOn():
                pass
            case NamesTensor(name=name):
                self.names.give(getattr(args, name), tensor, call, here)
            case NamedTensor(name=name):
                named = self.names.find(getattr(args, name), call, here)
                return self.graph.lost(tensor, call.span, here) if named is None else named
            case ShapeCheck():
                if self.graph.expect(Check(tensor, op, args, call)) is UNKNOWN:
                    return self.graph.lost(tensor, call.span, here)
            case AuxiliaryHead(name=name, weight=weight):
                self._head(getattr(args, name), getattr(args, weight), call, tensor, here, op.name)
            case NetworkInput():
                late_input(call.span, self.context)
            case expansion:
                raise AssertionError(f"unknown expansion {expansion}")
        return tensor

    def _repeat(self, count: Any, call: t.Call, tensor: int, here: Here, name: str) -> int:
        if count is UNKNOWN:  # a body that calls its own block might never end
            return self.graph.lost(tensor, call.span, here)
        if count > MOST_STEPS:
            self._too_often(count, call)
        for turn in range(1, count + 1):
            self.bodies.step(call.span, here)
            frame = Frame(f"in iteration {turn} of `{name}` on line {call.span.line}", call.span)
            tensor = self.bodies.body(call.body, tensor, here._replace(trail=(*here.trail, frame)), name)
        return tensor

    def _too_often(self, count: int, call: t.Call) -> NoReturn:
        message = f"{count:,} repetitions exceed the limit of {MOST_STEPS:,} layers and calls in a network"
        self.context.error("E214", message, first_argument(call), help="repeat the body fewer times")
        raise TooMuch

    def _head(self, name: Any, weight: Any, call: t.Call, tensor: int, here: Here, owner: str) -> None:
        if UNKNOWN in (name, weight):
            return
        graph = self.graph
        path = ".".join((*here.path, name))
        if here.head:
            help = "end the outer head first, and put this one after it"
            self.context.error("E223", "a head cannot be inside another head", call.callee, help=help)
        elif any(head.name == name for head in graph.heads):
            help = "choose another name: the loss and accuracy of a head are reported under its name"
            self.context.error("E209", f"there is already a head called `{name}`", call.callee, help=help)
        elif path in graph.taken:
            message = f"the name `{name}` is already taken by a layer or block here; give the head another one"
            self.context.error("E209", message, call.callee)
        else:
            graph.taken.add(path)
            scope = Scope(here.scope, labels=Labels(here.labels))
            inside = here._replace(scope=scope, path=(*here.path, name), head=name)
            graph.heads.append(Head(name, weight, self.bodies.body(call.body, tensor, inside, owner)))


def late_input(span: Span, context: Context) -> None:
    """Report an input that does not come first."""
    help = "move it before all other layers"
    context.error("E312", "`input` must come first in the network", span, help=help)
