"""Values to the kinds of their parameters, and written calls of data and training to what they bind."""

from collections.abc import Sequence
from typing import Any

from specc.check.calls.arguments import UNASSIGNED, Given, assign
from specc.check.calls.families import FAMILIES, article
from specc.check.expressions.evaluate import TRUTHS, Evaluator
from specc.check.expressions.flow import Flow
from specc.check.expressions.functions import is_sequence
from specc.check.expressions.scope import Layer, Scope, describe
from specc.check.expressions.values import has_unknown
from specc.diagnostics import nearest
from specc.source import Span
from specc.syntax import tree as t
from specc.syntax.build import BROKEN
from specc.tricks import COMPONENTS
from specc.tricks.sections import SECTIONS
from specc.values import UNKNOWN, Args, Bound, Ref, Several, Size, show
from specc.vocabulary.component import Component
from specc.vocabulary.kinds import Float, Kind, Maybe, Text, Unfit
from specc.vocabulary.param import REQUIRED, Param
from specc.vocabulary.problem import Problem


class Binder:
    """Converts arguments to the kinds of their parameters, and written calls to components of the vocabulary."""

    def __init__(self, evaluator: Evaluator) -> None:
        self.evaluator, self.context = evaluator, evaluator.context
        self.error, self.spend = evaluator.error, evaluator.spend

    def convert(
        self, given: dict[str, Given], params: Sequence[Param], what: str, span: Span, scope: Scope, flow: Flow
    ) -> Args | None:
        """The arguments as their parameters' kinds want them, with defaults; None where some are missing or wrong."""
        values: dict[str, Any] = {}
        missing = [param.name for param in params if param.name not in given and param.default is REQUIRED]
        for param in params:
            if param.name in given:
                value, where = given[param.name]
                values[param.name] = self.fit(value, param.kind, f"`{param.name}` of `{what}`", where, scope, flow)
            else:
                values[param.name] = param.default
        if UNASSIGNED in given:
            return None
        if missing:
            names = ", ".join(f"`{name}`" for name in missing)
            first = next(param for param in params if param.name == missing[0])
            help = f"`{first.name}` is {first.kind.needs}" + (f": {first.doc}" if first.doc else "")
            self.error("E206", f"`{what}` needs {names}", span, help=help)
            return None
        return Args(**values)

    def fit(self, value: Any, kind: Kind, what: str, span: Span, scope: Scope, flow: Flow = None) -> Any:
        """A value converted to a kind, or UNKNOWN with a message that says what was found and what was needed."""
        if has_unknown(value) or self.evaluator.bounded(value, span) is UNKNOWN:
            return UNKNOWN

        def bind(family: str, written: Any) -> Any:
            return self.bind(family, written, flow)

        try:
            return kind.accept(value, bind)
        except Unfit:
            return self._unfit(value, kind, what, span, scope)

    def _unfit(self, value: Any, kind: Kind, what: str, span: Span, scope: Scope) -> Any:
        if (
            isinstance(value, Ref)
            and not kind.symbols
            and not isinstance(kind, Text)
            and not self.evaluator.is_known(value.name)
        ):
            return self.evaluator.unknown_name(value, scope)
        if self.evaluator.is_no_function(value):
            return UNKNOWN

        def help() -> str:
            if isinstance(value, Ref) and value.name == "none" and kind.instead_of_none:
                return f"write `{kind.instead_of_none}`"
            if isinstance(value, Ref):
                quoted = f'write "{value.name}"' if isinstance(kind, Text) else ""
                return quoted or nearest(value.name, [*kind.symbols, *scope.all_names(), *TRUTHS])
            family = getattr(kind.kind if isinstance(kind, Maybe) else kind, "family", "")
            if isinstance(value, str) and value in COMPONENTS.get(family, ()):
                return f"write {value}, without quotes"
            if isinstance(value, str) and family == "source":
                return _as_source(value)
            if isinstance(value, str) and value in kind.symbols:
                return f"write {value}, without quotes"
            return _as_size(value, kind) or _as_percent(value, kind) or _as_call(value, family)

        known, name = ((lambda: kind.symbols), value.name) if isinstance(value, Ref) else (None, None)
        message = f"{what} must be {kind.needs}, found {describe(value)}"
        return self.error("E207", message, span, help=help, known=known, name=name)

    # ---- components

    def bind(self, family: str, value: Any, flow: Flow) -> Any:
        """A written call or pipeline of a family as a tuple of `Bound`; UNKNOWN where it has errors."""
        match value:
            case Ref(name=name, span=span):
                if name == "none" and "none" not in COMPONENTS[family]:
                    return ()
                call = t.Call(name, (), None, span, span, False)
                return self._all_of(family, [call], Scope(), flow)
            case Layer(expression=expression, scope=scope):
                stages = expression.stages if isinstance(expression, t.Pipe) else (expression,)
                return self._all_of(family, stages, scope, flow)
            case _:
                raise Unfit

    def _all_of(self, family: str, stages: Sequence[Any], scope: Scope, flow: Flow) -> Any:
        bound: list[Any] = []
        for stage in stages:
            if isinstance(stage, t.Call | t.Name):
                inner = self._stage_of(family, stage, scope, flow)
            else:
                value = self.evaluator.evaluate(stage, scope, flow)
                inner = UNKNOWN if value is UNKNOWN else self.bind(family, value, flow)
            bound += inner if isinstance(inner, tuple) and not isinstance(inner, Bound) else [inner]
        return UNKNOWN if UNKNOWN in bound else tuple(bound)

    def _stage_of(self, family: str, stage: Any, scope: Scope, flow: Flow) -> Any:
        """One call of a pipeline: of a component, or of a name that holds one or several."""
        self.spend(1, stage.span)
        call = stage if isinstance(stage, t.Call) else t.Call(stage.name, (), None, stage.span, stage.span, False)
        if call.name == BROKEN:
            return UNKNOWN
        is_bound, value = scope.find(call.name)
        if not is_bound:
            return self._component(family, call, scope, flow)
        if value is UNKNOWN:
            return UNKNOWN
        if not call.arguments and call.body is None:
            return self.bind(family, value, flow)
        if isinstance(value, Ref):
            return self._component(family, call._replace(name=value.name), scope, flow)
        return self.evaluator.takes_no_arguments(call, value)

    def _component(self, family: str, call: t.Call, scope: Scope, flow: Flow) -> Any:
        component = COMPONENTS[family].get(call.name)
        if component is not None:
            return self._bind_component(component, call, scope, flow)

        def help() -> str:
            known = [*COMPONENTS[family], *(["none"] if _takes_none(family) else [])]
            return nearest(call.name, [*known, *scope.all_names()]) or f"available: {', '.join(known)}"

        elsewhere = next((f for f, components in COMPONENTS.items() if call.name in components), "")
        note = f"; `{call.name}` is {article(elsewhere)}" if elsewhere else ""
        message = f"there is no {FAMILIES.get(family, family)} called `{call.name}`{note}"
        known = None if elsewhere else lambda: [*COMPONENTS[family], *scope.all_names()]
        return self.error("E202", message, call.callee, help=help, known=known, name=call.name)

    def _bind_component(self, component: Component, call: t.Call, scope: Scope, flow: Flow) -> Any:
        rest = next((param.name[1:] for param in component.params if param.name.startswith("*")), "")
        params = [param._replace(name=param.name.lstrip("*")) for param in component.params]
        names = [param.name for param in params]
        literal = [param.name for param in params if param.kind.is_literal]
        given = assign(self.evaluator, call, names, component.name, scope, flow, rest, literal)
        args = self.convert(given, params, component.name, call.span, scope, flow)
        if rest and args is not None and args.as_dict()[rest] is not UNKNOWN:
            args = Args(**args.as_dict() | {rest: Several(args.as_dict()[rest])})
        branches = self._branches(component, call, scope, flow)
        if args is None or branches is UNKNOWN or UNKNOWN in args.as_dict().values():
            return UNKNOWN
        if component.check is not None:
            try:
                component.check(args)
            except Problem as problem:
                span = given[problem.param].span if problem.param in given else call.span
                return self.error(problem.code, problem.message, span, help=problem.help)
        return Bound(component.name, args, call.span, branches)

    def _branches(self, component: Component, call: t.Call, scope: Scope, flow: Flow) -> Any:
        if call.body is None:
            if component.body:
                help = f"write {component.example}" if component.example else ""
                return self.error("E208", f"`{component.name}` needs a body in braces", call.span, help=help)
            return ()
        if not component.body:
            return self.error("E208", f"`{component.name}` takes no body", call.body.span)
        if call.body.is_branched != (component.body == "branches"):
            rule = (
                "must consist of branches, each starting with `|`"
                if component.body == "branches"
                else "cannot have branches"
            )
            return self.error("E208", f"the body of `{component.name}` {rule}", call.callee, help=component.example)
        branches = []
        for branch in call.body.branches:
            stages = [stage for part in branch for stage in (part.stages if isinstance(part, t.Pipe) else (part,))]
            no_calls = t.Let | t.Shared | t.Default | t.If | t.For
            wrong = next((stage for stage in stages if isinstance(stage, no_calls)), None)
            if wrong is not None:
                return self.error("E208", f"the body of `{component.name}` can only contain calls", wrong.span)
            branches.append(self._all_of(component.family, stages, scope, flow))
        return UNKNOWN if UNKNOWN in branches else tuple(branches)


def _takes_none(family: str) -> bool:
    """Whether a setting that takes a call of a family takes `none`, too."""
    kinds = [param.kind for params in SECTIONS.values() for param in params]
    return any(isinstance(kind, Maybe) and getattr(kind.kind, "family", "") == family for kind in kinds)


def _as_source(path: str) -> str:
    """The help for a path without the name of its source."""
    if path.lower().endswith((".csv", ".parquet")):
        return f'write csv("{path}", image=COLUMN, label=COLUMN)'
    return f'write folder("{path}") for folders of images, or npz("{path}") for a NumPy archive'


def _as_size(value: Any, kind: Kind) -> str:
    """The help for `kernel=(3, 3)`: `3x3` would do."""
    if not is_sequence(value) or len(value) != 2 or not all(type(side) is int for side in value):
        return ""
    try:
        kind.accept(Size(*value), lambda family, written: UNKNOWN)
    except Unfit:
        return ""
    return f"write a size as {Size(*value)}"


def _as_percent(value: Any, kind: Kind) -> str:
    """The help for `dropout(50)`: `50%` would do."""
    kind = kind.kind if isinstance(kind, Maybe) else kind
    if not isinstance(kind, Float) or not isinstance(value, int | float) or not 2 <= value <= 100:
        return ""
    try:
        kind.accept(value / 100, lambda family, written: UNKNOWN)
    except Unfit:
        return ""
    return f"did you mean {value:g}%?"


def _as_call(value: Any, family: str) -> str:
    """The help for `validation = 20%`: `split(20%)` would do, where it is the only call that takes such a value."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return ""
    calls = [component.name for component in COMPONENTS.get(family, {}).values() if _takes(component, value)]
    return f"did you mean {calls[0]}({show(value)})?" if len(calls) == 1 else ""


def _takes(component: Component, value: Any) -> bool:
    """Whether a component may be called with the value as its only argument."""
    if not component.params or any(param.default is REQUIRED for param in component.params[1:]):
        return False
    try:
        component.params[0].kind.accept(value, lambda family, written: UNKNOWN)
    except Unfit:
        return False
    return True
