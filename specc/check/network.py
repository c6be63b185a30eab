"""A network's body to a graph: its input, and the layers that shape the graph but are no nodes of it."""

from collections.abc import Sequence
from typing import Any

from specc.check.evaluate import TooMuch
from specc.check.expand import MOST_STEPS, Expander
from specc.check.nodes import Here
from specc.check.scope import Scope
from specc.diagnostics import nearest
from specc.ir.graph import Frame, Graph, Head, Node
from specc.ops import OPS
from specc.ops.merge import add_to_input
from specc.ops.op import Op
from specc.source import Span
from specc.syntax import tree as t
from specc.values import UNKNOWN, Args
from specc.vocabulary.problem import Problem


def _first_stage(statement: Any) -> Any:
    return statement.stages[0] if isinstance(statement, t.Pipe) else statement


def _is_input(statement: Any) -> bool:
    first = _first_stage(statement)
    return isinstance(first, t.Call | t.Name) and first.name == "input"


def _first(call: t.Call) -> Span:
    """Where the first argument stands; the call itself where a `default` gave it."""
    return call.arguments[0].value.span if call.arguments else call.span


class NetworkExpander(Expander):
    """Expands a network. A method `_do_NAME` is what the layer NAME does instead of becoming a node."""

    def expand(self, network: t.Block, input_shape: Any) -> Graph | None:
        """The graph of a network, None where it has no input. `input_shape`: what the data say, None or UNKNOWN."""
        arguments = t.Call(network.name, (), None, network.name_span, network.name_span, False)
        here = Here(self.file_scope, Scope())
        for default in self.spec.defaults:
            here = self._with_default(default, here)
        scope = self._parameters(network, arguments, here, None)
        if scope is None:
            return None
        values = dict(scope.names)
        here, statements = self._before_input(network.body.statements, here._replace(scope=scope))
        if not self._input(network, statements, here, input_shape):
            return None
        at = self._body(network.body, 0, here, network.name, statements)
        return Graph(network.name, self.nodes, at, self.heads, values)

    def _before_input(self, statements: Sequence[Any], here: Here) -> tuple[Here, list[Any]]:
        """The lets and defaults before `input`, where nothing flows yet, are worked out; the rest is left."""
        rest = list(statements)
        while rest and isinstance(rest[0], t.Let | t.Default) and any(map(_is_input, rest)):
            statement = rest.pop(0)
            if isinstance(statement, t.Let):
                here = here._replace(
                    scope=here.scope.bind(statement.name, self.evaluate(statement.value, here.scope, None))
                )
            else:
                here = self._with_default(statement, here)
        return here, rest

    def _input(self, network: t.Block, statements: list[Any], here: Here, known: Any) -> bool:
        """Make node 0 from `input(…)` at the body's start, or from the data; take `input` off the statements."""
        op, args, span, shape = OPS["input"], Args(), network.name_span, known
        if statements and _is_input(statements[0]):
            first = statements.pop(0)
            stage, *others = first.stages if isinstance(first, t.Pipe) else (first,)
            call = stage if isinstance(stage, t.Call) else t.Call("input", (), None, stage.span, stage.span, False)
            if others:
                statements.insert(0, t.Pipe(tuple(others), first.span))
            bound = self._arguments(op, call, here, None)
            span, shape = call.span, UNKNOWN
            if bound is not None and UNKNOWN not in bound.as_dict().values():
                args, shape = bound, self._shape_of_input(op, bound, call)
        late = next((first for first in map(_first_stage, statements) if _is_input(first)), None)
        if late is not None:
            self._late_input(late.span)
            shape = UNKNOWN if shape is None else shape
        if shape is None and self.spec.is_broken:
            shape = UNKNOWN  # what cannot be read may have said it
        if shape is None:
            help = "begin the network with input(3, 32x32), or name a data source"
            if "data" in self.spec.sections:
                help = "how large the images are is not known before they are read: begin with input(3, 224x224)"
                help += ", and bring all to that size by resize = 224x224 in `data`"
            self.error("E308", f"nothing says what flows into `{network.name}`", network.name_span, help=help)
            return False
        self.nodes.append(Node(0, "input", op, args, (), shape, span))
        return True

    def _late_input(self, span: Span) -> None:
        help = "put it before every other layer of the network"
        self.error("E312", "`input` stands at the beginning of the network", span, help=help)

    def _shape_of_input(self, op: Op, args: Args, call: t.Call) -> Any:
        try:
            return op.shape(None, args)
        except Problem as problem:
            return self.error(problem.code, problem.message, call.span, help=problem.help)

    def _placed(self, op: Op, args: Args, call: t.Call, at: int, here: Here) -> int:
        special = getattr(self, "_do_" + op.name, None)
        position: int = special(op, args, call, at, here) if special else super()._placed(op, args, call, at, here)
        return position

    def _do_input(self, op: Op, args: Args, call: t.Call, at: int, here: Here) -> int:
        self._late_input(call.span)
        return at

    def _do_identity(self, op: Op, args: Args, call: t.Call, at: int, here: Here) -> int:
        return at

    def _do_residual(self, op: Op, args: Args, call: t.Call, at: int, here: Here) -> int:
        assert call.body is not None
        end = self._body(call.body, at, here, "residual")
        return self._node(
            OPS["add"], Args(), (at, end), self._shape(add_to_input, args, (at, end), call), call.span, here
        )

    def _do_repeat(self, op: Op, args: Args, call: t.Call, at: int, here: Here) -> int:
        assert call.body is not None
        count = next(iter(args.as_dict().values()))
        if count is UNKNOWN:  # a body that calls its own block might never end
            return self._lost(at, call.span, here)
        if count > MOST_STEPS:
            found = f"{count:,} turns are more than the {MOST_STEPS:,} layers and calls that a network may expand to"
            self.error("E214", found, _first(call), help="say how often the body is to be repeated")
            raise TooMuch
        for turn in range(1, count + 1):
            self._step(call.span, here)
            frame = Frame(f"in turn {turn} of `repeat` at line {call.span.line}", call.span)
            at = self._body(call.body, at, here._replace(trail=(*here.trail, frame)), "repeat")
        return at

    def _do_head(self, op: Op, args: Args, call: t.Call, at: int, here: Here) -> int:
        assert call.body is not None
        if UNKNOWN in args.as_dict().values():
            return at
        if here.head:
            help = "close the other head before it: heads stand one after the other"
            self.error("E223", "a head stands in no other head", call.callee, help=help)
        elif any(head.name == args.name for head in self.heads):
            help = "give it another name: its loss and accuracy are reported under it"
            self.error("E209", f"head `{args.name}` stands here a second time", call.callee, help=help)
        elif ".".join((*here.path, args.name)) in self.taken:
            self.error(
                "E209", f"a layer or block here is called `{args.name}`; the head needs its own name", call.callee
            )
        else:
            self.taken.add(".".join((*here.path, args.name)))
            inside = here._replace(path=(*here.path, args.name), head=args.name, labels=Scope(here.labels))
            self.heads.append(Head(args.name, args.weight, self._body(call.body, at, inside, "head")))
        return at

    def _do_as(self, op: Op, args: Args, call: t.Call, at: int, here: Here) -> int:
        if args.name is not UNKNOWN:
            here.labels.names[args.name] = at
        return at

    def _named(self, args: Args, call: t.Call, here: Here) -> int | None:
        """The position that `as(name)` named."""
        if args.name is UNKNOWN:
            return None
        found, position = here.labels.find(args.name)
        if found:
            index: int = position
            return index
        known = here.labels.all_names()
        help = nearest(args.name, known) or (f"named so far: {', '.join(known)}" if known else "name it with as(…)")
        self.error("E219", f"no tensor is named `{args.name}` here", _first(call), help=help)
        return None

    def _do_from(self, op: Op, args: Args, call: t.Call, at: int, here: Here) -> int:
        position = self._named(args, call, here)
        return self._lost(at, call.span, here) if position is None else position

    def _do_crop_to(self, op: Op, args: Args, call: t.Call, at: int, here: Here) -> int:
        position = self._named(args, call, here)
        if position is None:
            return self._lost(at, call.span, here)
        return self._checked_node(op, args, (at, position), call, here)

    def _do_expect(self, op: Op, args: Args, call: t.Call, at: int, here: Here) -> int:
        return at if self._shape(op, args, (at,), call) is not UNKNOWN else self._lost(at, call.span, here)
