"""Bodies to graph nodes: blocks are called, loops are turned, and shapes are inferred on the way."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from specc.check.bind import MUDDLED, Binder, Given, article
from specc.check.evaluate import ENTRIES_A_UNIT, TooMuch, Work
from specc.check.functions import FUNCTIONS, is_sequence
from specc.check.problems import Problems
from specc.check.scope import Layer, Scope, describe, shorten, written
from specc.check.spec import Spec
from specc.diagnostics import Label, nearest
from specc.ir.graph import Frame, Graph, Head, Node
from specc.ops import OPS
from specc.ops.merge import add_to_input
from specc.ops.op import Op, Problem, Shape, size_text
from specc.source import Span
from specc.syntax import tree as t
from specc.syntax.build import BROKEN
from specc.tricks import TRICKS
from specc.values import UNKNOWN, Args, Ref

# What other frameworks and papers call a layer, where that is not near to its name here.
ELSEWHERE = {
    "linear": "dense",
    "fc": "dense",
    "fully_connected": "dense",
    "bn": "batch_norm",
    "lrn": "local_response_norm",
    "gap": "global_avg_pool",
    "global_average_pooling2d": "global_avg_pool",
    "swish": "silu",
    "deconv": "conv_transpose",
    "shortcut": "residual",
    "skip": "residual",
}
DEEPEST_CALLS = 100
MOST_STEPS = 50_000
WORK_OF_A_STEP = 10


class Here(NamedTuple):
    """Where expansion stands: what names mean, which defaults hold, and how it came here."""

    scope: Scope
    labels: Scope  # names given by `as`
    defaults: tuple[tuple[str, t.Call, Scope], ...] = ()
    path: tuple[str, ...] = ()
    trail: tuple[Frame, ...] = ()
    head: str = ""
    depth: int = 0


def _first_stage(statement: Any) -> Any:
    return statement.stages[0] if isinstance(statement, t.Pipe) else statement


def _is_input(statement: Any) -> bool:
    first = _first_stage(statement)
    return isinstance(first, t.Call | t.Name) and first.name == "input"


class Expander(Binder):
    """Turns a network's body into nodes. Positions in the graph are indices of nodes."""

    def __init__(self, spec: Spec, problems: Problems, work: Work, scope: Scope) -> None:
        super().__init__(problems, work)
        self.spec = spec
        self.file_scope = scope
        self.nodes: list[Node] = []
        self.heads: list[Head] = []
        self.counts: dict[str, int] = {}  # how many layers and blocks of a path have a name
        self.taken = {"input"}  # paths
        self.steps = 0

    def is_known(self, name: str) -> bool:
        return name in self.spec.blocks or super().is_known(name)

    def network(self, network: t.Block, input_shape: Any) -> Graph | None:
        """The graph of a network, None where it has no input. `input_shape`: what the data say, None or UNKNOWN."""
        arguments = t.Call(network.name, (), None, network.name_span, network.name_span, False)
        here = Here(self.file_scope, Scope())
        for default in self.spec.defaults:
            here = self._with_default(default, here)
        scope = self._parameters(network, arguments, here, None)
        if scope is None:
            return None
        here, statements = self._before_input(network.body.statements, here._replace(scope=scope))
        if not self._input(network, statements, here, input_shape):
            return None
        at = self._body(network.body, 0, here, network.name, statements)
        return Graph(network.name, self.nodes, at, self.heads)

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

    # ---- statements

    def _statements(self, statements: Sequence[Any], at: int, here: Here) -> int:
        """Run statements one after the other in a scope of their own; the position after the last."""
        here = here._replace(scope=Scope(here.scope))
        for statement in statements:
            match statement:
                case t.Let(name=name, value=value):
                    self._step(statement.span, here)
                    worth = self.evaluate(value, here.scope, self.nodes[at].shape)
                    here = here._replace(scope=here.scope.bind(name, worth))
                    self.spend(len(here.scope.names) // ENTRIES_A_UNIT, statement.span)
                case t.Default():
                    self._step(statement.span, here)
                    here = self._with_default(statement, here)
                case _:
                    at = self._stage(statement, at, here)
        return at

    def _with_default(self, default: t.Default, here: Here) -> Here:
        call = default.call
        if call.body is not None:
            self.error("E208", "`default` gives arguments, not a body", call.body.span, help="default conv(bias=false)")
        if call.name not in OPS and call.name not in self.spec.blocks:
            help = nearest(call.name, [*OPS, *self.spec.blocks])
            self.error("E201", f"there is no layer or block called `{call.name}`", call.callee, help=help)
            return here
        for argument in call.arguments:
            if not argument.name:
                found = "`default` gives arguments by name only"
                self.error("E220", found, argument.span, help="default conv(init=he_normal)")
            elif argument.name not in self._names_of(call.name):
                self._unknown_argument(argument, self._names_of(call.name), call.name)
        here.scope.is_captured = True
        return here._replace(defaults=(*here.defaults, (call.name, call, here.scope)))

    def _names_of(self, callee: str) -> list[str]:
        block = self.spec.blocks.get(callee)
        parameters: Sequence[Any] = block.parameters if block else OPS[callee].params
        return [parameter.name for parameter in parameters]

    def _body(self, body: t.Body, at: int, here: Here, owner: str, statements: Sequence[Any] | None = None) -> int:
        """A body without branches; `statements` where not all of them are to run."""
        if body.is_branched:
            help = "`add`, `multiply` and `concat` take branches"
            self.error("E208", f"the body of `{owner}` has no branches", body.span, help=help)
            return self._lost(at, body.span, here)
        return self._statements(body.statements if statements is None else statements, at, here)

    def _step(self, span: Span, here: Here) -> None:
        self.steps += 1
        self.trail = here.trail
        self.spend(WORK_OF_A_STEP, span)
        if self.steps > MOST_STEPS or here.depth > DEEPEST_CALLS:
            what = f"expands to more than {MOST_STEPS:,} layers and calls"
            help = "is a loop longer than it was meant to be?"
            if here.depth > DEEPEST_CALLS:
                what = f"nests more than {DEEPEST_CALLS} calls of blocks"
                help = "a recursion ends by an `if` around its call"
                span = here.trail[-1].span if here.trail else span
            self.error("E214", f"this network {what}", span, help=help)
            raise TooMuch

    def _stage(self, stage: Any, at: int, here: Here) -> int:
        self._step(stage.span, here)
        end = self._run(stage, at, here)
        self.trail = here.trail  # what is said about the whole comes from here, not from within it
        return end

    def _run(self, stage: Any, at: int, here: Here) -> int:
        match stage:
            case t.Pipe(stages=stages):
                for part in stages:
                    at = self._stage(part, at, here)
                return at
            case t.If():
                return self._if(stage, at, here)
            case t.For():
                return self._for(stage, at, here)
            case t.Call():
                return self._call(stage, at, here)
            case t.Name(name=name, span=span):
                if name == BROKEN:
                    return self._lost(at, span, here)
                return self._call(t.Call(name, (), None, span, span, False), at, here)
            case _:
                return self._apply(self.evaluate(stage, here.scope, self.nodes[at].shape), stage.span, at, here)

    def _apply(self, value: Any, span: Span, at: int, here: Here) -> int:
        """Use a value as a layer."""
        match value:
            case Layer(expression=expression, scope=scope):
                return self._stage(expression, at, here._replace(scope=scope, depth=here.depth + 1))
            case Ref(name=name, span=written_at):
                call = t.Call(name, (), None, written_at, written_at, False)
                return self._call_declared(call, at, here)
            case _:
                if value is not UNKNOWN:
                    self.error("E215", f"a layer is needed here, but this is {describe(value)}", span)
                return self._lost(at, span, here)

    def _lost(self, at: int, span: Span, here: Here) -> int:
        """A node of unknown shape: what follows an error is not held against the user."""
        return self._node(OPS["identity"], Args(), (at,), UNKNOWN, span, here)

    def _if(self, stage: t.If, at: int, here: Here) -> int:
        holds = self.condition(stage.test, here.scope, self.nodes[at].shape)
        if holds is UNKNOWN:
            return self._lost(at, stage.span, here)
        if holds:
            return self._body(stage.body, at, here, "if")
        if isinstance(stage.otherwise, t.If):
            return self._stage(stage.otherwise, at, here)
        return at if stage.otherwise is None else self._body(stage.otherwise, at, here, "else")

    def _for(self, stage: t.For, at: int, here: Here) -> int:
        values = self.evaluate(stage.iterable, here.scope, self.nodes[at].shape)
        if values is UNKNOWN:
            return self._lost(at, stage.span, here)
        if isinstance(values, Ref):
            self.unknown_name(values, here.scope)
            return self._lost(at, stage.span, here)
        if not is_sequence(values):
            found = f"`for` runs over a list, but this is {describe(values)}"
            count = values if type(values) is int and values > 0 else "n"
            help = f"range({count}) lists the integers from 0 up to, not including, {count}"
            self.error("E211", found, stage.iterable.span, help=help)
            return self._lost(at, stage.span, here)
        for turn, value in enumerate(values, 1):
            self._step(stage.span, here)
            scope = Scope(here.scope)
            if not self._unpack(stage.target, value, scope):
                return self._lost(at, stage.span, here)
            frame = Frame(f"in turn {turn} of `for` at line {stage.span.line}", stage.span)
            at = self._body(stage.body, at, here._replace(scope=scope, trail=(*here.trail, frame)), "for")
        return at

    def _unpack(self, target: Any, value: Any, scope: Scope) -> bool:
        if isinstance(target, t.Name):
            scope.names[target.name] = value
            return True
        if value is UNKNOWN:
            return all(self._unpack(item, UNKNOWN, scope) for item in target.items)
        if not is_sequence(value) or len(value) != len(target.items):
            found = f"{len(target.items)} names stand here, but this turn has {describe(value)}"
            self.error("E211", found, target.span)
            return False
        return all(self._unpack(item, part, scope) for item, part in zip(target.items, value, strict=True))

    # ---- calls

    def _call(self, call: t.Call, at: int, here: Here) -> int:
        """Call what a name means here: a parameter or `let` that holds a layer, a block, or a layer."""
        bound, value = here.scope.find(call.name)
        if not bound:
            return self._call_declared(call, at, here)
        if not call.arguments and call.body is None:
            return self._apply(value, call.span, at, here)
        if isinstance(value, Ref):
            return self._call_declared(call._replace(name=value.name), at, here)
        if isinstance(value, Layer):
            self.takes_no_arguments(call, value)
            return self._lost(at, call.span, here)
        return self._apply(value, call.span, at, here)

    def _call_declared(self, call: t.Call, at: int, here: Here) -> int:
        """Call a block of the file or a layer of the vocabulary."""
        block = self.spec.blocks.get(call.name)
        if block is not None:
            return self._block(block, call, at, here)
        op = OPS.get(call.name)
        if op is not None:
            return self._layer(op, call, at, here)
        if call.name in FUNCTIONS:
            self.error("E215", f"`{call.name}` gives a value, but a layer is needed here", call.span)
        else:
            message = f"there is no layer or block called `{call.name}`"
            known = lambda: [*OPS, *self.spec.blocks, *here.scope.all_names()]  # noqa: E731
            self.error("E201", message, call.callee, help=lambda: self._near_layer(call.name, here), known=known)
        return self._lost(at, call.span, here)

    def _near_layer(self, name: str, here: Here) -> str:
        if name.lower() in ELSEWHERE:
            return f"here this layer is called `{ELSEWHERE[name.lower()]}`"
        elsewhere = next((family for family, tricks in TRICKS.items() if name in tricks), "")
        if elsewhere:
            return f"`{name}` is {article(elsewhere)}, not a layer"
        return nearest(name, [*OPS, *self.spec.blocks, *here.scope.all_names()])

    def _block(self, block: t.Block, call: t.Call, at: int, here: Here) -> int:
        if call.body is not None:
            help = "a block takes layers as arguments: block wrap(inner) { inner -> relu }"
            self.error("E208", f"block `{block.name}` takes no body", call.body.span, help=help)
        scope = self._parameters(block, call, here, self.nodes[at].shape)
        if scope is None:
            return self._lost(at, call.span, here)
        values = ", ".join(shorten(written(value), 30) for value in list(scope.names.values())[: len(call.arguments)])
        text = f"in {block.name}{f'({values})' if values else ''}, called at {call.span.place}"
        inside = Here(
            scope,
            Scope(here.labels),
            here.defaults,
            (*here.path, self._new_name(here.path, block.name)),
            (*here.trail, Frame(text, call.span)),
            here.head,
            here.depth + 1,
        )
        return self._body(block.body, at, inside, block.name)

    def _parameters(self, block: t.Block, call: t.Call, here: Here, flow: Any) -> Scope | None:
        """The scope of a block's body: its parameters with the call's arguments, the scope's defaults or their own."""
        names = [parameter.name for parameter in block.parameters]
        given = self.assign(call, names, block.name, here.scope, flow)
        self._add_defaults(given, block.name, here, flow)
        if MUDDLED in given:
            return None
        missing = [p.name for p in block.parameters if p.name not in given and p.default is None]
        if missing:
            listed = ", ".join(f"`{name}`" for name in missing)
            labels = () if block.is_network else (Label(block.name_span, f"`{block.name}` is declared here"),)
            help = f"give it a default, or a value with --set network.{missing[0]}=…" if block.is_network else ""
            self.error("E206", f"`{block.name}` needs {listed}", call.span, labels=labels, help=help)
            return None
        scope = Scope(self.file_scope)
        for parameter in block.parameters:
            if parameter.name in given:
                scope.names[parameter.name] = given[parameter.name].value
            else:
                scope.names[parameter.name] = self.evaluate(parameter.default, scope, flow)
        return scope

    def _add_defaults(self, given: dict[str, Given], callee: str, here: Here, flow: Any) -> None:
        """Fill in what `default` statements say; the innermost and latest wins."""
        for name, call, scope in reversed(here.defaults):
            if name == callee:
                for argument in call.arguments:
                    if argument.name and argument.name not in given:
                        given[argument.name] = Given(self.evaluate(argument.value, scope, flow), argument.value.span)

    def _arguments(self, op: Op, call: t.Call, here: Here, flow: Any) -> Args | None:
        names = [param.name for param in op.params]
        given = self.assign(call, names, op.name, here.scope, flow)
        self._add_defaults(given, op.name, here, flow)
        return self.convert(given, op.params, op.name, call.span, here.scope, flow)

    # ---- layers

    def _layer(self, op: Op, call: t.Call, at: int, here: Here) -> int:
        if bool(op.body) != (call.body is not None):
            if op.body:
                self.error("E208", f"`{op.name}` needs a body in braces", call.span, help=f"for example: {op.example}")
            else:
                assert call.body is not None
                self.error("E208", f"`{op.name}` takes no body", call.body.span)
            return self._lost(at, call.span, here)
        args = self._arguments(op, call, here, self.nodes[at].shape)
        if args is None:
            return self._lost(at, call.span, here)
        special = getattr(self, "_do_" + op.name, None)
        if special is not None:
            position: int = special(op, args, call, at, here)
            return position
        inputs: tuple[int, ...] = (at,)
        if op.body:
            joined = self._branches(op, call, at, here)
            if joined is None:
                return self._lost(at, call.span, here)
            inputs = joined
        return self._checked_node(op, args, inputs, call, here)

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

    def _branches(self, op: Op, call: t.Call, at: int, here: Here) -> tuple[int, ...] | None:
        assert call.body is not None
        if not call.body.is_branched:
            help = f"begin each branch with `|`: {op.name} {{ | … | … }}"
            if not self.spec.is_broken:  # else the bar may be what cannot be read
                self.error("E208", f"the body of `{op.name}` holds branches", call.callee, help=help)
            return None
        # Not a generator: each would cost C stack where blocks nest deeply.
        return tuple([self._statements(branch, at, here) for branch in call.body.branches])

    # ---- layers that the graph has no node for

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
            self.error("E214", found, call.arguments[0].span, help="say how often the body is to be repeated")
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
        self.error("E219", f"no tensor is named `{args.name}` here", call.arguments[0].value.span, help=help)
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
