"""Arguments to parameters: who gets which value."""

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from specc.check.context import Context
from specc.check.expressions.evaluate import Evaluator
from specc.check.expressions.flow import Flow
from specc.check.expressions.scope import Scope
from specc.diagnostics import Label, nearest
from specc.ops import OPS
from specc.source import Span
from specc.syntax import tree as t

# A key among the arguments given: one could not be assigned to a parameter, so it is not known which are missing.
UNASSIGNED = ""


class Given(NamedTuple):
    """An argument of a call: its value, and where it is written."""

    value: Any
    span: Span


def assign(
    evaluator: Evaluator,
    call: t.Call,
    params: Sequence[str],
    what: str,
    scope: Scope,
    flow: Flow,
    rest: str = "",
    literal: Collection[str] = (),
    tensors: Collection[str] = (),
) -> dict[str, Given]:
    """Which parameter gets which argument, evaluated; `UNASSIGNED` is among them where that is not clear.

    `rest` names the parameter that takes all further positional arguments, as a list. `literal` are the parameters
    whose arguments stand for themselves where they are bare names, whatever these names hold; `tensors` those that name
    a tensor, as `x[i]` does.
    """
    given: dict[str, Given] = {}
    by_name = False
    for position, argument in enumerate(call.arguments):
        taker = argument.name or next(iter(params[position : position + 1]), "")
        evaluate = evaluator.tensor_name if taker in tensors else evaluator.evaluate
        value = evaluate(argument.value, Scope() if taker in literal else scope, flow)
        by_name = by_name or bool(argument.name)
        if rest and not by_name:
            given.setdefault(rest, Given([], call.span)).value.append(value)
            continue
        misspelled = argument.name and argument.name not in params
        taken = {*given, *(other.name for other in call.arguments)} if misspelled else ()
        name = _parameter(evaluator, argument, position, by_name, params, what, taken)
        if (
            name in given and name != UNASSIGNED and params.count(name) == 1
        ):  # two parameters of one name are reported elsewhere
            first = Label(given[name].span, "first given here")
            help = "remove one of them"
            evaluator.error(
                "E204", f"argument `{name}` of `{what}` is given twice", argument.span, labels=(first,), help=help
            )
            name = UNASSIGNED
        given[name] = Given(value, argument.value.span)
        if not name and not by_name:
            break  # too many arguments: one message will do
    return given


def _parameter(
    evaluator: Evaluator,
    argument: t.Argument,
    position: int,
    by_name: bool,
    params: Sequence[str],
    what: str,
    taken: Collection[str],
) -> str:
    """The parameter that an argument is for; `UNASSIGNED`, with a message, where there is none."""
    if argument.name in params:
        return argument.name
    if argument.name:
        unknown_argument(evaluator.context, argument, params, what, taken)
    elif by_name:
        message = f"positional argument of `{what}` after a named one"
        evaluator.error("E220", message, argument.span, help="put it before the named arguments, or name it")
    elif position < len(params):
        return params[position]
    else:
        takes = f"at most {len(params)} argument{'s' * (len(params) != 1)}" if params else "no arguments"
        help = f"they are {', '.join(params)}" if params else f"write just `{what}`"
        evaluator.error("E205", f"`{what}` takes {takes}", argument.span, help=help)
    return UNASSIGNED


def unknown_argument(
    context: Context, argument: t.Argument, params: Sequence[str], what: str, taken: Collection[str] = ()
) -> None:
    """Report E203 for an argument by a name that is no parameter's. `taken`: those that cannot be meant."""

    def free() -> list[str]:
        return [param for param in params if param not in taken]

    def help() -> str:
        known = f"its arguments are {', '.join(params)}" if params else f"`{what}` takes no arguments"
        from specc.check.calls.elsewhere import argument_elsewhere  # long tables, which only a mistake needs

        elsewhere = argument_elsewhere(argument.name, params, of_layer=what in OPS)
        return elsewhere or nearest(argument.name, params) or known

    start = argument.span.start
    name_span = Span(argument.span.source, start, start + len(argument.name))
    context.error("E203", f"`{what}` has no argument `{argument.name}`", name_span, help=help, known=free)
