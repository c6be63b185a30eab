"""Bodies to graph nodes: blocks are called, loops are turned, and shapes are inferred on the way."""

from collections.abc import Sequence
from typing import Any

from specc.check.bind import MUDDLED, Given
from specc.check.evaluate import ENTRIES_A_UNIT, TooMuch, Work
from specc.check.functions import FUNCTIONS, is_sequence
from specc.check.missing import missing_layer
from specc.check.nodes import Here, NodeBuilder
from specc.check.problems import Problems
from specc.check.scope import Layer, Scope, describe, shorten, written
from specc.check.spec import Spec
from specc.diagnostics import Label
from specc.ir.graph import Call, Frame
from specc.ops import OPS
from specc.ops.op import Op
from specc.source import Span
from specc.syntax import tree as t
from specc.syntax.build import BROKEN
from specc.values import UNKNOWN, Args, Ref, Size

DEEPEST_CALLS = 100
MOST_STEPS = 50_000
WORK_OF_A_STEP = 10


class Expander(NodeBuilder):
    """Turns bodies into nodes: statements, calls of blocks and layers. Positions in the graph are indices of nodes."""

    def __init__(self, spec: Spec, problems: Problems, work: Work, scope: Scope) -> None:
        super().__init__(problems, work)
        self.spec = spec
        self.file_scope = scope
        self.steps = 0

    def is_known(self, name: str) -> bool:
        return name in self.spec.blocks or super().is_known(name)

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
            missing_layer(self, call, self.spec.blocks, list)
            return here
        for argument in call.arguments:
            if not argument.name:
                found = "`default` gives arguments by name only"
                self.error("E220", found, argument.span, help="default conv(init=he_normal)")
            elif argument.name not in self.spec.names_of(call.name):
                self.unknown_argument(argument, self.spec.names_of(call.name), call.name)
        here.scope.is_captured = True
        return here._replace(defaults=(*here.defaults, (call.name, call, here.scope)))

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
            case t.Call(name=name, span=span) | t.Name(name=name, span=span) if name == BROKEN:
                return self._lost(at, span, here)
            case t.Call():
                return self._call(stage, at, here)
            case t.Name(name=name, span=span):
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
            missing_layer(self, call, self.spec.blocks, here.scope.all_names)
        return self._lost(at, call.span, here)

    def _block(self, block: t.Block, call: t.Call, at: int, here: Here) -> int:
        if call.body is not None:
            help = "a block takes layers as arguments: block wrap(inner) { inner -> relu }"
            self.error("E208", f"block `{block.name}` takes no body", call.body.span, help=help)
        scope = self._parameters(block, call, here, self.nodes[at].shape)
        if scope is None:
            return self._lost(at, call.span, here)
        values = ", ".join(shorten(written(value), 30) for value in list(scope.names.values())[: len(call.arguments)])
        text = f"in {block.name}{f'({values})' if values else ''}, called at {call.span.place}"
        path = (*here.path, self._new_name(here.path, block.name))
        plain = {name: value for name, value in scope.names.items() if isinstance(value, int | float | Size)}
        optional = frozenset(parameter.name for parameter in block.parameters if parameter.default is not None)
        inside = Here(
            scope,
            Scope(here.labels),
            here.defaults,
            path,
            (*here.trail, Frame(text, call.span, Call(".".join(path), block.name, plain, optional))),
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
        return self._placed(op, args, call, at, here)

    def _placed(self, op: Op, args: Args, call: t.Call, at: int, here: Here) -> int:
        """A layer whose arguments are bound, at its place in the graph; the position after it."""
        inputs: tuple[int, ...] = (at,)
        if op.body:
            joined = self._branches(op, call, at, here)
            if joined is None:
                return self._lost(at, call.span, here)
            inputs = joined
        return self._checked_node(op, args, inputs, call, here)

    def _branches(self, op: Op, call: t.Call, at: int, here: Here) -> tuple[int, ...] | None:
        assert call.body is not None
        if not call.body.is_branched:
            help = f"begin each branch with `|`: {op.name} {{ | … | … }}"
            if not self.spec.is_broken:  # else the bar may be what cannot be read
                self.error("E208", f"the body of `{op.name}` holds branches", call.callee, help=help)
            return None
        # Not a generator: each would cost C stack where blocks nest deeply.
        return tuple([self._statements(branch, at, here) for branch in call.body.branches])
