"""Uses of shared layers: the first one is expanded, and later ones repeat its nodes with the same weights."""

from typing import Any, Protocol

from specc.check.context import Context
from specc.check.expand.builder import GraphBuilder
from specc.check.expand.here import Here
from specc.check.expand.names import NameTable
from specc.check.expressions.labels import Labels
from specc.check.expressions.scope import Layer, Scope
from specc.check.expressions.sharing import FirstUse, Sharing
from specc.diagnostics import Label
from specc.ir.graph import Call, Frame, Node
from specc.source import Span
from specc.values import UNKNOWN
from specc.vocabulary.shape import size_text

APART = "use `let` for layers that have weights of their own at each use"


class Stages(Protocol):
    """Expands the stages of a pipeline."""

    context: Context

    def stage(self, stage: Any, at: int, here: Here) -> int:
        """One stage; the tensor that comes out."""

    def step(self, span: Span, here: Here) -> None:
        """Count a step. Raises `TooMuch` where a network takes too many."""


class SharedLayers:
    """Carries out uses of shared layers."""

    def __init__(self, stages: Stages, graph: GraphBuilder, names: NameTable) -> None:
        self.stages, self.graph, self.names, self.context = stages, graph, names, stages.context

    def use(self, layer: Layer, sharing: Sharing, span: Span, at: int, here: Here) -> int:
        """A use at some place of the network; the tensor that comes out."""
        if sharing.is_broken:
            return self.graph.lost(at, span, here)
        if sharing.is_open:
            help = f"to apply them several times, repeat their use: repeat(3) {{ {sharing.name} }}"
            sharing.is_broken = True
            self.context.error("E230", f"the shared layers `{sharing.name}` use themselves", span, help=help)
            return self.graph.lost(at, span, here)
        path = (*here.path, self.graph.new_name(here.path, sharing.name))
        name = ".".join(path)
        origin = ".".join(sharing.first.path) if sharing.first else name
        text = f"in {sharing.name}, used at {span.place}"
        frame = Frame(text, span, Call(name, sharing.name, {}, frozenset(), sharing=origin))
        inside = here._replace(path=path, trail=(*here.trail, frame), depth=here.depth + 1)
        if sharing.first is None:
            return self._first(layer, sharing, span, at, inside)
        return self._again(sharing.first, sharing.name, span, at, inside)

    def _first(self, layer: Layer, sharing: Sharing, span: Span, at: int, here: Here) -> int:
        """Work out the layers where they are first used. Names of tensors that they give are their own."""
        start, heads, checked = len(self.graph.nodes), len(self.graph.heads), len(self.graph.checks)
        labels = Labels(layer.scope.labels or here.labels)
        outside: list[Span] = []
        self.names.borders.append((self.names.given, outside))
        sharing.is_open = True
        end = self.stages.stage(layer.expression, at, here._replace(scope=Scope(layer.scope, labels=labels)))
        sharing.is_open = False
        self.names.borders.pop()
        nodes, checks = slice(start, len(self.graph.nodes)), slice(checked, len(self.graph.checks))
        sharing.first = FirstUse(nodes, checks, at, end, here.path, here.trail, span)
        if outside:
            help = "join it with what flows in before they are used, or with what comes out of them"
            message = f"the shared layers `{sharing.name}` take a tensor besides what flows in"
            self.context.error("E231", message, outside[0], help=help)
            sharing.is_broken = True
            return self.graph.lost(at, span, here)
        if len(self.graph.heads) > heads:
            message = f"the shared layers `{sharing.name}` hold a head, which can be in a network only once"
            self.context.error("E232", message, sharing.span, help="put the head behind a use of them")
            sharing.is_broken = True
            return self.graph.lost(at, span, here)
        return end

    def _again(self, first: FirstUse, name: str, span: Span, at: int, here: Here) -> int:
        """The nodes of the first use once more, for another tensor."""
        place = {first.inflow: at}
        frames = dict[int, Frame]()
        stem = len(".".join(first.path))
        for node in self.graph.nodes[first.nodes]:
            self.stages.step(span, here)
            for frame in node.trail[len(first.trail) :]:
                if id(frame) not in frames:
                    call = frame.call and frame.call._replace(path=".".join(here.path) + frame.call.path[stem:])
                    frames[id(frame)] = frame._replace(call=call)
            trail = (*here.trail, *(frames[id(frame)] for frame in node.trail[len(first.trail) :]))
            inputs = tuple([place[i] for i in node.inputs])
            renamed = ".".join(here.path) + node.name[stem:]
            place[node.index] = self.graph.again(node, renamed, inputs, trail, here.head)
            if not self._fits(first, name, node, self.graph.nodes[place[node.index]], span):
                return self.graph.lost(at, span, here)
        self.context.trail = here.trail
        for check in self.graph.checks[first.checks]:
            if self.graph.expect(check._replace(tensor=place[check.tensor])) is UNKNOWN:
                return self.graph.lost(at, span, here)
        return place[first.end]

    def _fits(self, first: FirstUse, name: str, before: Node, now: Node, span: Span) -> bool:
        """Whether a later use of a layer takes the weights that the first one has, and is the same module."""
        if UNKNOWN in (before.shape, now.shape) or UNKNOWN in now.args.as_dict().values():
            return True
        one, other = (self.graph.inputs_of(node) for node in (before, now))
        kept = before.op.weights(one, before.args), before.op.weights(other, now.args)
        for mine, yours in zip(*kept, strict=True):
            if mine.shape != yours.shape:
                layer = before.name[len(".".join(first.path)) + 1 :]
                weight = f"`{layer}.{mine.name}`"
                message = f"`{name}` shares its weights with an earlier use, but this one needs others"
                labels = (Label(first.span, f"first use: {weight} is {size_text(mine.shape)}"),)
                label = f"here it would be {size_text(yours.shape)}"
                self.context.error("E320", message, span, label=label, labels=labels, help=self._same(one, other))
                return False
        if before.op.torch is None:
            return True
        targets = before.op.torch(one, before.args), before.op.torch(other, now.args)
        if targets[0] == targets[1]:
            return True
        message = f"`{name}` is one module, but this use of it needs another `{before.op.name}`"
        labels = (Label(first.span, f"first use: its input is {_sizes(one)}"),)
        label = f"here it is {_sizes(other)}"
        self.context.error("E321", message, span, label=label, labels=labels, help=self._same(one, other))
        return False

    def _same(self, one: Any, other: Any) -> str:
        if _sizes(one) == _sizes(other):
            return APART
        return f"bring both inputs to one shape, or {APART}"


def _sizes(shapes: Any) -> str:
    """The shape of a node's input, or those of all of them."""
    return ", ".join(map(size_text, shapes)) if isinstance(shapes, list) else size_text(shapes)
