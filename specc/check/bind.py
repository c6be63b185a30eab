"""Arguments to parameters: who gets which value, and whether it is of the right kind."""

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from specc.check.evaluate import TRUTHS, Evaluator, Flow, has_unknown
from specc.check.functions import is_sequence
from specc.check.scope import Layer, Scope, describe
from specc.diagnostics import Label, nearest
from specc.source import Span
from specc.syntax import tree as t
from specc.syntax.build import BROKEN
from specc.tricks import COMPONENTS
from specc.values import UNKNOWN, Args, Bound, Ref, Size
from specc.vocabulary.component import Component
from specc.vocabulary.kinds import Float, Kind, Maybe, Text, Unfit
from specc.vocabulary.param import REQUIRED, Param
from specc.vocabulary.problem import Problem

# What messages call the families that are named after a setting.
FAMILIES = {
    "source": "data source",
    "normalize": "normalization",
    "augment": "augmentation",
    "validation": "validation part",
    "init": "initializer",
    "regularizer": "regularizer",
    "evaluate": "way to evaluate",
}

# Among the arguments given: some could not be told apart, so that what the call lacks is not known either.
MUDDLED = ""


class Given(NamedTuple):
    """An argument that a call gives: its value, where it stands, and whether the scope's `default` gave it."""

    value: Any
    span: Span


class Binder(Evaluator):
    """Binds calls to the vocabulary: layers, blocks, and the tricks of data and training."""

    def assign(
        self, call: t.Call, params: Sequence[str], what: str, scope: Scope, flow: Flow, rest: str = ""
    ) -> dict[str, Given]:
        """Which parameter gets which argument, evaluated; `MUDDLED` is among them where that is not clear.

        `rest` names the parameter that takes all further positional arguments, as a list.
        """
        given: dict[str, Given] = {}
        by_name = False
        for position, argument in enumerate(call.arguments):
            value = self.evaluate(argument.value, scope, flow)
            by_name = by_name or bool(argument.name)
            if rest and not by_name:
                given.setdefault(rest, Given([], call.span)).value.append(value)
                continue
            misspelled = argument.name and argument.name not in params
            taken = {*given, *(other.name for other in call.arguments)} if misspelled else ()
            name = self._parameter(argument, position, by_name, params, what, taken)
            if name in given and name != MUDDLED and params.count(name) == 1:  # two of one name were told already
                first = Label(given[name].span, "first here")
                help = "leave one of them out"
                self.error("E204", f"`{what}` gets `{name}` twice", argument.span, labels=(first,), help=help)
                name = MUDDLED
            given[name] = Given(value, argument.value.span)
            if not name and not by_name:
                break  # too many arguments: one message will do
        return given

    def _parameter(
        self,
        argument: t.Argument,
        position: int,
        by_name: bool,
        params: Sequence[str],
        what: str,
        taken: Collection[str],
    ) -> str:
        """The parameter that an argument is for; `MUDDLED`, with a message, where there is none."""
        if argument.name in params:
            return argument.name
        if argument.name:
            self.unknown_argument(argument, params, what, taken)
        elif by_name:
            found = f"`{what}`: an argument by position stands after one by name"
            self.error("E220", found, argument.span, help="put it first, or give its name")
        elif position < len(params):
            return params[position]
        else:
            takes = f"at most {len(params)} argument{'s' * (len(params) != 1)}" if params else "no arguments"
            help = f"they are {', '.join(params)}" if params else f"write `{what}` alone"
            self.error("E205", f"`{what}` takes {takes}", argument.span, help=help)
        return MUDDLED

    def unknown_argument(
        self, argument: t.Argument, params: Sequence[str], what: str, taken: Collection[str] = ()
    ) -> None:
        """Report E203 for an argument by a name that is no parameter's. `taken`: those that it cannot have meant."""

        def free() -> list[str]:
            return [param for param in params if param not in taken]

        def help() -> str:
            known = f"its arguments are {', '.join(params)}" if params else f"`{what}` takes no arguments"
            return nearest(argument.name, params) or known

        start = argument.span.start
        name_span = Span(argument.span.source, start, start + len(argument.name))
        self.error("E203", f"`{what}` has no argument `{argument.name}`", name_span, help=help, known=free)

    def convert(
        self, given: dict[str, Given], params: Sequence[Param], what: str, span: Span, scope: Scope, flow: Flow
    ) -> Args | None:
        """The arguments as their parameters' kinds want them, with defaults; None where some are missing or muddled."""
        values: dict[str, Any] = {}
        missing = [param.name for param in params if param.name not in given and param.default is REQUIRED]
        for param in params:
            if param.name in given:
                value, where = given[param.name]
                values[param.name] = self.fit(value, param.kind, f"`{param.name}` of `{what}`", where, scope, flow)
            else:
                values[param.name] = param.default
        if MUDDLED in given:
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
        if has_unknown(value) or self.bounded(value, span) is UNKNOWN:
            return UNKNOWN

        def bind(family: str, written: Any) -> Any:
            return self.bind(family, written, flow)

        try:
            return kind.accept(value, bind)
        except Unfit:
            return self._unfit(value, kind, what, span, scope)

    def _unfit(self, value: Any, kind: Kind, what: str, span: Span, scope: Scope) -> Any:
        if isinstance(value, Ref) and not kind.symbols and not isinstance(kind, Text) and not self.is_known(value.name):
            return self.unknown_name(value, scope)
        if self.is_no_function(value):
            return UNKNOWN

        def help() -> str:
            if isinstance(value, Ref):
                quoted = f'write "{value.name}"' if isinstance(kind, Text) else ""
                return quoted or nearest(value.name, [*kind.symbols, *scope.all_names(), *TRUTHS])
            family = getattr(kind.kind if isinstance(kind, Maybe) else kind, "family", "")
            if isinstance(value, str) and value in COMPONENTS.get(family, ()):
                return f"write {value}, without quotes"
            if isinstance(value, str) and family == "source":
                return f'images in folders: folder("{value}"); a NumPy archive: npz("{value}")'
            if isinstance(value, str) and value in kind.symbols:
                return f"write {value}, without quotes"
            return _as_size(value, kind) or _as_percent(value, kind)

        known = (lambda: kind.symbols) if isinstance(value, Ref) else None
        found = f"{what} must be {kind.needs}; this is {describe(value)}"
        return self.error("E207", found, span, help=help, known=known)

    # ---- tricks

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
                value = self.evaluate(stage, scope, flow)
                inner = UNKNOWN if value is UNKNOWN else self.bind(family, value, flow)
            bound += inner if isinstance(inner, tuple) and not isinstance(inner, Bound) else [inner]
        return UNKNOWN if UNKNOWN in bound else tuple(bound)

    def _stage_of(self, family: str, stage: Any, scope: Scope, flow: Flow) -> Any:
        """One call of a pipeline: of a trick, or of a name that holds one or several."""
        self.spend(1, stage.span)
        call = stage if isinstance(stage, t.Call) else t.Call(stage.name, (), None, stage.span, stage.span, False)
        if call.name == BROKEN:
            return UNKNOWN
        is_bound, value = scope.find(call.name)
        if not is_bound:
            return self._trick(family, call, scope, flow)
        if value is UNKNOWN:
            return UNKNOWN
        if not call.arguments and call.body is None:
            return self.bind(family, value, flow)
        if isinstance(value, Ref):
            return self._trick(family, call._replace(name=value.name), scope, flow)
        return self.takes_no_arguments(call, value)

    def _trick(self, family: str, call: t.Call, scope: Scope, flow: Flow) -> Any:
        trick = COMPONENTS[family].get(call.name)
        if trick is not None:
            return self._bind_trick(trick, call, scope, flow)

        def help() -> str:
            known = COMPONENTS[family]
            return nearest(call.name, [*known, *scope.all_names()]) or f"known: {', '.join(known)}"

        elsewhere = next((f for f, tricks in COMPONENTS.items() if call.name in tricks), "")
        note = f"; `{call.name}` is {article(elsewhere)}" if elsewhere else ""
        message = f"there is no {FAMILIES.get(family, family)} called `{call.name}`{note}"
        known = None if elsewhere else lambda: [*COMPONENTS[family], *scope.all_names()]
        return self.error("E202", message, call.callee, help=help, known=known)

    def _bind_trick(self, trick: Component, call: t.Call, scope: Scope, flow: Flow) -> Any:
        rest = next((param.name[1:] for param in trick.params if param.name.startswith("*")), "")
        params = [param._replace(name=param.name.lstrip("*")) for param in trick.params]
        given = self.assign(call, [param.name for param in params], trick.name, scope, flow, rest)
        args = self.convert(given, params, trick.name, call.span, scope, flow)
        branches = self._trick_branches(trick, call, scope, flow)
        if args is None or branches is UNKNOWN or UNKNOWN in args.as_dict().values():
            return UNKNOWN
        if trick.check is not None:
            try:
                trick.check(args)
            except Problem as problem:
                span = given[problem.param].span if problem.param in given else call.span
                return self.error(problem.code, problem.message, span, help=problem.help)
        return Bound(trick.name, args, call.span, branches)

    def _trick_branches(self, trick: Component, call: t.Call, scope: Scope, flow: Flow) -> Any:
        if call.body is None:
            if trick.body:
                help = f"write {trick.example}" if trick.example else ""
                return self.error("E208", f"`{trick.name}` needs a body in braces", call.span, help=help)
            return ()
        if not trick.body:
            return self.error("E208", f"`{trick.name}` takes no body", call.body.span)
        if call.body.is_branched != (trick.body == "branches"):
            holds = "branches, each begun with `|`" if trick.body == "branches" else "no branches"
            return self.error("E208", f"the body of `{trick.name}` holds {holds}", call.callee, help=trick.example)
        branches = []
        for branch in call.body.branches:
            stages = [stage for part in branch for stage in (part.stages if isinstance(part, t.Pipe) else (part,))]
            wrong = next((stage for stage in stages if isinstance(stage, t.Let | t.Default | t.If | t.For)), None)
            if wrong is not None:
                return self.error("E208", f"the body of `{trick.name}` holds only calls", wrong.span)
            branches.append(self._all_of(trick.family, stages, scope, flow))
        return UNKNOWN if UNKNOWN in branches else tuple(branches)


def _as_size(value: Any, kind: Kind) -> str:
    """The help for `kernel=(3, 3)`: `3x3` would do."""
    if not is_sequence(value) or len(value) != 2 or not all(type(side) is int for side in value):
        return ""
    try:
        return f"a size is written {kind.accept(Size(*value), lambda family, written: UNKNOWN)}"
    except Unfit:
        return ""


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


def article(family: str) -> str:
    """`an optimizer`, `a schedule`."""
    words = FAMILIES.get(family, family)
    return f"an {words}" if words[:1] in "aeiou" else f"a {words}"
