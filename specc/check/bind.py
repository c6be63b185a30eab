"""Arguments to parameters: who gets which value, and whether it is of the right kind."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from specc.check.evaluate import Evaluator, Flow
from specc.check.scope import Layer, Scope, describe
from specc.diagnostics import nearest
from specc.kinds import Kind, Unfit
from specc.ops.op import REQUIRED, Param, Problem, Trick
from specc.source import Span
from specc.syntax import tree as t
from specc.tricks import TRICKS
from specc.values import UNKNOWN, Args, Bound, Ref


class Given(NamedTuple):
    """An argument that a call gives: its value, where it stands, and whether the scope's `default` gave it."""

    value: Any
    span: Span


class Binder(Evaluator):
    """Binds calls to the vocabulary: layers, blocks, and the tricks of data and training."""

    def assign(
        self, call: t.Call, params: Sequence[str], what: str, scope: Scope, flow: Flow, rest: str = ""
    ) -> dict[str, Given] | None:
        """Which parameter gets which argument, evaluated; None where the call is wrong beyond that.

        `rest` names the parameter that takes all further positional arguments, as a list.
        """
        given: dict[str, Given] = {}
        fine, by_name = True, False
        for position, argument in enumerate(call.arguments):
            value = self.evaluate(argument.value, scope, flow)
            if argument.name:
                by_name, name = True, argument.name
                if name not in params:
                    self._unknown_argument(argument, params, what)
                    continue
            elif by_name:
                found = f"`{what}`: an argument by position stands after one by name"
                self.error("E204", found, argument.span, help="put it first, or give its name")
                fine = False
                continue
            elif rest:
                so_far = given[rest].value if rest in given else []
                given[rest] = Given([*so_far, value], call.span)
                continue
            elif position >= len(params):
                takes = f"at most {len(params)} argument{'s' * (len(params) != 1)}" if params else "no arguments"
                help = f"they are {', '.join(params)}" if params else ""
                self.error("E205", f"`{what}` takes {takes}", argument.span, help=help)
                fine = False
                break
            else:
                name = params[position]
            if name in given:
                self.error("E204", f"`{what}` gets `{name}` twice", argument.span)
                fine = False
                continue
            given[name] = Given(value, argument.value.span)
        return given if fine else None

    def _unknown_argument(self, argument: t.Argument, params: Sequence[str], what: str) -> None:
        known = f"its arguments are {', '.join(params)}" if params else f"`{what}` takes no arguments"
        help = nearest(argument.name, params) or known
        start = argument.span.start
        name_span = Span(argument.span.source, start, start + len(argument.name))
        self.error("E203", f"`{what}` has no argument `{argument.name}`", name_span, help=help)

    def convert(self, given: dict[str, Given], params: Sequence[Param], what: str, span: Span) -> Args | None:
        """The arguments as their parameters' kinds want them, with defaults; None where a required one is missing."""
        values: dict[str, Any] = {}
        missing = [param.name for param in params if param.name not in given and param.default is REQUIRED]
        for param in params:
            if param.name in given:
                value, where = given[param.name]
                values[param.name] = self.fit(value, param.kind, f"`{param.name}` of `{what}`", where)
            else:
                values[param.name] = param.default
        if missing:
            names = ", ".join(f"`{name}`" for name in missing)
            kind = next(param.kind for param in params if param.name == missing[0])
            self.error("E206", f"`{what}` needs {names}", span, help=f"`{missing[0]}` is {kind.needs}")
            return None
        return Args(**values)

    def fit(self, value: Any, kind: Kind, what: str, span: Span) -> Any:
        """A value converted to a kind, or UNKNOWN with a message that says what was found and what was needed."""
        if value is UNKNOWN:
            return UNKNOWN
        try:
            return kind.accept(value, self.bind)
        except Unfit:
            help = nearest(value.name, kind.symbols) if isinstance(value, Ref) else ""
            return self.error("E207", f"{what} must be {kind.needs}; this is {describe(value)}", span, help=help)

    # ---- tricks

    def bind(self, family: str, value: Any) -> Any:
        """A written call or pipeline of a family as a tuple of `Bound`; UNKNOWN where it has errors."""
        match value:
            case Ref(name=name, span=span):
                if name == "none" and "none" not in TRICKS[family]:
                    return ()
                call = t.Call(name, (), None, span, span, False)
                return self._all_of(family, [call], Scope())
            case Layer(expression=expression, scope=scope):
                stages = expression.stages if isinstance(expression, t.Pipe) else (expression,)
                return self._all_of(family, stages, scope)
            case _:
                raise Unfit

    def _all_of(self, family: str, stages: Sequence[Any], scope: Scope) -> Any:
        bound: list[Any] = []
        for stage in stages:
            if isinstance(stage, t.Call):
                bound.append(self._trick(family, stage, scope))
                continue
            value = self.evaluate(stage, scope, None)
            if isinstance(value, Ref) and isinstance(stage, t.Name) and value.span == stage.span:
                bound.append(self._trick(family, t.Call(stage.name, (), None, stage.span, stage.span, False), scope))
                continue
            inner = UNKNOWN if value is UNKNOWN else self.bind(family, value)
            bound += inner if isinstance(inner, tuple) and not isinstance(inner, Bound) else [inner]
        return UNKNOWN if UNKNOWN in bound else tuple(bound)

    def _trick(self, family: str, call: t.Call, scope: Scope) -> Any:
        is_bound, value = scope.find(call.name)
        if is_bound and not call.arguments and call.body is None:
            inner = UNKNOWN if value is UNKNOWN else self.bind(family, value)
            return inner[0] if isinstance(inner, tuple) and len(inner) == 1 else inner
        trick = TRICKS[family].get(call.name)
        if trick is None:
            known = TRICKS[family]
            help = nearest(call.name, known) or f"known: {', '.join(known)}"
            elsewhere = next((f for f, tricks in TRICKS.items() if call.name in tricks), "")
            note = f"; `{call.name}` is {article(elsewhere)}" if elsewhere else ""
            message = f"there is no {family.replace('_', ' ')} called `{call.name}`{note}"
            return self.error("E202", message, call.callee, help=help)
        return self._bind_trick(trick, call, scope)

    def _bind_trick(self, trick: Trick, call: t.Call, scope: Scope) -> Any:
        rest = next((param.name[1:] for param in trick.params if param.name.startswith("*")), "")
        params = [param._replace(name=param.name.lstrip("*")) for param in trick.params]
        given = self.assign(call, [param.name for param in params], trick.name, scope, None, rest)
        args = None if given is None else self.convert(given, params, trick.name, call.span)
        branches = self._trick_branches(trick, call, scope)
        if args is None or branches is UNKNOWN or UNKNOWN in args.as_dict().values():
            return UNKNOWN
        if trick.check is not None:
            try:
                trick.check(args)
            except Problem as problem:
                span = given[problem.param].span if given and problem.param in given else call.span
                return self.error(problem.code, problem.message, span, help=problem.help)
        return Bound(trick.name, args, call.span, branches)

    def _trick_branches(self, trick: Trick, call: t.Call, scope: Scope) -> Any:
        if call.body is None:
            if trick.body:
                help = f"write {trick.example}" if trick.example else ""
                return self.error("E208", f"`{trick.name}` needs a body in braces", call.span, help=help)
            return ()
        if not trick.body:
            return self.error("E208", f"`{trick.name}` takes no body", call.body.span)
        branches = []
        for branch in call.body.branches:
            stages = [stage for part in branch for stage in (part.stages if isinstance(part, t.Pipe) else (part,))]
            wrong = next((stage for stage in stages if isinstance(stage, t.Let | t.Default | t.If | t.For)), None)
            if wrong is not None:
                return self.error("E208", f"the body of `{trick.name}` holds only calls", wrong.span)
            branches.append(self._all_of(trick.family, stages, scope))
        return UNKNOWN if UNKNOWN in branches else tuple(branches)


def article(family: str) -> str:
    """`an optimizer`, `a schedule`."""
    words = family.replace("_", " ")
    return f"an {words}" if words[:1] in "aeiou" else f"a {words}"
