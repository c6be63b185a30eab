"""Bodies to graph nodes: blocks are called, loops are unrolled, and shapes are inferred along the way."""

from collections.abc import Iterator, Sequence
from typing import Any

from specc.check.calls.missing import missing_layer
from specc.check.context import Context, TooMuch
from specc.check.expand.branches import Branch, branches_of, has_branches, takers
from specc.check.expand.builder import GraphBuilder
from specc.check.expand.expansions import MOST_STEPS, Expansions
from specc.check.expand.here import Here
from specc.check.expand.mismatch import Mismatch
from specc.check.expand.names import NameTable
from specc.check.expand.parameters import ParameterBinder
from specc.check.expand.sharing import SharedLayers
from specc.check.expressions.evaluate import ENTRIES_A_UNIT, Evaluator
from specc.check.expressions.functions import FUNCTIONS, is_sequence
from specc.check.expressions.scope import Layer, Scope, describe, shorten, written
from specc.check.gather.spec import Spec
from specc.check.trace import Passage
from specc.ir.graph import Call, Frame
from specc.ops import OPS
from specc.ops.op import Op
from specc.source import Span
from specc.syntax import tree as t
from specc.syntax.build import BROKEN
from specc.values import UNKNOWN, Ref, Size

DEEPEST_CALLS = 100
WORK_OF_A_STEP = 10


class Expander:
    """Turns bodies into nodes: statements, calls of blocks and layers. `at` is the tensor that flows there."""

    def __init__(self, spec: Spec, parameters: ParameterBinder, graph: GraphBuilder) -> None:
        self.spec, self.parameters, self.graph = spec, parameters, graph
        self.evaluator: Evaluator = parameters.evaluator
        self.context: Context = parameters.context
        self.names = NameTable(spec, self.context)
        self.expansions = Expansions(self, graph, self.names, Mismatch(spec, self.names, self.context))
        self.shared = SharedLayers(self, graph, self.names)
        self.steps = 0

    # ---- statements

    def statements(self, statements: Sequence[Any], at: int, here: Here) -> int:
        """Run statements one after the other in a scope of their own; the position after the last."""
        here = here._replace(scope=Scope(here.scope))
        for statement in statements:
            match statement:
                case t.Let(name=name) | t.Shared(name=name):
                    self.step(statement.span, here)
                    bound = self.evaluator.bound(statement, here.scope, self.graph.nodes[at].shape)
                    here = here._replace(scope=here.scope.bind(name, bound))
                    self.context.spend(len(here.scope.names) // ENTRIES_A_UNIT, statement.span)
                case t.Default():
                    self.step(statement.span, here)
                    here = self.parameters.with_default(statement, here)
                case _:
                    at = self.stage(statement, at, here)
        return at

    def body(self, body: t.Body, at: int, here: Here, owner: str, statements: Sequence[Any] | None = None) -> int:
        """A body without branches; `statements` where not all of them are to run."""
        if body.is_branched:
            help = f"only {takers()} take branches"
            if owner in ("for", "if", "else"):
                help += f", and `{owner}` has some only where it is a whole branch of theirs"
            self.context.error("E208", f"the body of `{owner}` cannot have branches", body.span, help=help)
            return self.graph.lost(at, body.span, here)
        return self.statements(body.statements if statements is None else statements, at, here)

    def step(self, span: Span, here: Here) -> None:
        self.steps += 1
        self.context.trail = here.trail
        self.context.spend(WORK_OF_A_STEP, span)
        if self.steps > MOST_STEPS or here.depth > DEEPEST_CALLS:
            what = f"expands to more than {MOST_STEPS:,} layers and calls"
            help = "check whether a loop runs longer than intended"
            if here.depth > DEEPEST_CALLS:
                what = f"nests block calls more than {DEEPEST_CALLS} levels deep"
                help = "to end a recursion, put its call inside an `if`"
                span = here.trail[-1].span if here.trail else span
            self.context.error("E214", f"this network {what}", span, help=help)
            raise TooMuch

    def stage(self, stage: Any, at: int, here: Here) -> int:
        self.step(stage.span, here)
        first = len(self.graph.nodes)
        end = self._run(stage, at, here)
        self.context.trail = here.trail  # problems of the whole stage are reported from here, not from inside it
        if self.context.trace is not None:
            self.context.trace.passages.append(Passage(stage.span, at, end, first, len(self.graph.nodes)))
        return end

    def _run(self, stage: Any, at: int, here: Here) -> int:
        match stage:
            case t.Pipe(stages=stages):
                for part in stages:
                    at = self.stage(part, at, here)
                return at
            case t.If():
                return self._if(stage, at, here)
            case t.For():
                return self._for(stage, at, here)
            case t.Call(name=name, span=span) | t.Name(name=name, span=span) if name == BROKEN:
                return self.graph.lost(at, span, here)
            case t.Call():
                return self._call(stage, at, here)
            case t.Name(name=name, span=span):
                return self._call(t.Call(name, (), None, span, span, False), at, here)
            case _:
                return self._apply(
                    self.evaluator.evaluate(stage, here.scope, self.graph.nodes[at].shape), stage.span, at, here
                )

    def _apply(self, value: Any, span: Span, at: int, here: Here) -> int:
        """Use a value as a layer."""
        match value:
            case Layer(sharing=sharing) if sharing is not None:
                return self.shared.use(value, sharing, span, at, here)
            case Layer(expression=expression, scope=scope):
                if scope.labels is None:  # a `let` of the file: names of tensors are those at the place of use
                    scope = Scope(scope, labels=here.labels)
                return self.stage(expression, at, here._replace(scope=scope, depth=here.depth + 1))
            case Ref(name=name, span=written_at):
                call = t.Call(name, (), None, written_at, written_at, False)
                return self._call_declared(call, at, here)
            case _:
                if value is not UNKNOWN:
                    self.context.error("E215", f"expected a layer, found {describe(value)}", span)
                return self.graph.lost(at, span, here)

    def holds(self, stage: t.If, at: int, here: Here) -> Any:
        """Whether the condition of an `if` holds, or UNKNOWN."""
        return self.evaluator.condition(stage.test, here.scope, self.graph.nodes[at].shape)

    def _if(self, stage: t.If, at: int, here: Here) -> int:
        holds = self.holds(stage, at, here)
        if holds is UNKNOWN:
            return self.graph.lost(at, stage.span, here)
        if holds:
            return self.body(stage.body, at, here, "if")
        if isinstance(stage.otherwise, t.If):
            return self.stage(stage.otherwise, at, here)
        return at if stage.otherwise is None else self.body(stage.otherwise, at, here, "else")

    def _for(self, stage: t.For, at: int, here: Here) -> int:
        for inside in self.turns(stage, at, here):
            if inside is None:
                return self.graph.lost(at, stage.span, here)
            at = self.body(stage.body, at, inside, "for")
        return at

    def turns(self, stage: t.For, at: int, here: Here) -> Iterator[Here | None]:
        """The place of each iteration of a loop, with its names bound; None, with a message, where that fails."""
        values = self.evaluator.evaluate(stage.iterable, here.scope, self.graph.nodes[at].shape)
        if isinstance(values, Ref):
            values = self.evaluator.unknown_name(values, here.scope)
        elif values is not UNKNOWN and not is_sequence(values):
            message = f"`for` must loop over a list, found {describe(values)}"
            count = values if type(values) is int and values > 0 else "n"
            help = f"to loop {count} times, write range({count})"
            values = self.context.error("E211", message, stage.iterable.span, help=help)
        if values is UNKNOWN:
            yield None
            return
        for turn, value in enumerate(values, 1):
            self.step(stage.span, here)
            scope = Scope(here.scope)
            if not self._unpack(stage.target, value, scope):
                yield None
                return
            frame = Frame(f"in iteration {turn} of `for` on line {stage.span.line}", stage.span)
            yield here._replace(scope=scope, trail=(*here.trail, frame))

    def _unpack(self, target: Any, value: Any, scope: Scope) -> bool:
        if isinstance(target, t.Name):
            scope.names[target.name] = value
            return True
        if value is UNKNOWN:
            return all(self._unpack(item, UNKNOWN, scope) for item in target.items)
        if not is_sequence(value) or len(value) != len(target.items):
            message = f"cannot unpack {describe(value)} into {len(target.items)} names"
            self.context.error("E211", message, target.span)
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
            self.evaluator.takes_no_arguments(call, value)
            return self.graph.lost(at, call.span, here)
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
            self.context.error("E215", f"expected a layer, found the function `{call.name}`", call.span)
        else:
            missing_layer(self.context, call, self.spec.blocks, here.scope.all_names)
        return self.graph.lost(at, call.span, here)

    def _block(self, block: t.Block, call: t.Call, at: int, here: Here) -> int:
        if call.body is not None:
            help = "a block takes layers as arguments: block wrap(inner) { inner -> relu }"
            self.context.error("E208", f"block `{block.name}` takes no body", call.body.span, help=help)
        scope = self.parameters.of_block(block, call, here, self.graph.nodes[at].shape)
        if scope is None:
            return self.graph.lost(at, call.span, here)
        values = ", ".join(shorten(written(value), 30) for value in list(scope.names.values())[: len(call.arguments)])
        text = f"in {block.name}{f'({values})' if values else ''}, called at {call.span.place}"
        path = (*here.path, self.graph.new_name(here.path, block.name))
        plain = {name: value for name, value in scope.names.items() if isinstance(value, int | float | Size)}
        optional = frozenset(parameter.name for parameter in block.parameters if parameter.default is not None)
        inside = Here(
            scope,
            here.defaults,
            path,
            (*here.trail, Frame(text, call.span, Call(".".join(path), block.name, plain, optional))),
            here.head,
            here.depth + 1,
        )
        return self.body(block.body, at, inside, block.name)

    # ---- layers

    def _layer(self, op: Op, call: t.Call, at: int, here: Here) -> int:
        if bool(op.body) != (call.body is not None):
            if op.body:
                self.context.error(
                    "E208", f"`{op.name}` needs a body in braces", call.span, help=f"for example: {op.example}"
                )
            else:
                assert call.body is not None
                self.context.error("E208", f"`{op.name}` takes no body", call.body.span)
            return self.graph.lost(at, call.span, here)
        args = self.parameters.of_layer(op, call, here, self.graph.nodes[at].shape)
        if args is None:
            return self.graph.lost(at, call.span, here)
        return self.expansions.carry_out(op, args, call, at, here)

    def branches(self, call: t.Call, at: int, here: Here) -> list[Branch] | None:
        """The branches of a layer's body; None, with a message, where it has none."""
        assert call.body is not None
        if not has_branches(call.body):
            help = f"begin each branch with `|`: {call.name} {{ | … | … }}"
            if not self.spec.is_broken:  # else the bar may be what cannot be read
                self.context.error(
                    "E208", f"the body of `{call.name}` must consist of branches", call.callee, help=help
                )
            return None
        branches = branches_of(call.body, at, here, self)
        self.context.trail = here.trail
        if branches is not None and not branches:
            help = "add a branch that is always there, or put the whole layer inside an `if`"
            message = f"`{call.name}` has no branches here: no `for` and no `if` in it gives one"
            self.context.error("E229", message, call.callee, help=help)
        return branches or None
