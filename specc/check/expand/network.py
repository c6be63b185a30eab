"""The beginning of a network: the statements before its input, and the input itself."""

from collections.abc import Sequence
from typing import Any

from specc.check.context import Context
from specc.check.expand.builder import GraphBuilder
from specc.check.expand.expansions import late_input
from specc.check.expand.here import Here
from specc.check.expand.parameters import ParameterBinder
from specc.check.gather.spec import Spec
from specc.ops import OPS
from specc.ops.expansion import NetworkInput
from specc.ops.op import Op
from specc.ops.structure import input_
from specc.syntax import tree as t
from specc.values import UNKNOWN, Args, Size
from specc.vocabulary.problem import Problem


def before_input(statements: Sequence[Any], here: Here, parameters: ParameterBinder) -> tuple[Here, list[Any]]:
    """Evaluate the lets and defaults before `input`; the scope after them, and the statements that remain."""
    rest = list(statements)
    while rest and isinstance(rest[0], t.Let | t.Shared | t.Default) and any(map(_is_input, rest)):
        statement = rest.pop(0)
        if isinstance(statement, t.Let | t.Shared):
            value = parameters.evaluator.bound(statement, here.scope, None)
            here = here._replace(scope=here.scope.bind(statement.name, value))
        else:
            here = parameters.with_default(statement, here)
    return here, rest


def add_input(
    spec: Spec,
    network: t.Block,
    statements: list[Any],
    here: Here,
    images: Any,
    graph: GraphBuilder,
    parameters: ParameterBinder,
) -> list[Any] | None:
    """Add node 0, from `input(…)` at the body's start or from the data; the statements without it.

    images: their shape, or UNKNOWN; or a text, what to write where nothing tells it.
    None, with a message, where the shape is unknown.
    """
    context = parameters.context
    args, span = Args(), network.name_span
    shape = None if isinstance(images, str) else images
    if statements and _is_input(statements[0]):
        first, *statements = statements
        stage, *others = first.stages if isinstance(first, t.Pipe) else (first,)
        call = stage if isinstance(stage, t.Call) else t.Call(stage.name, (), None, stage.span, stage.span, False)
        if others:
            statements.insert(0, t.Pipe(tuple(others), first.span))
        bound = parameters.of_layer(input_, call, here, None)
        span, shape = call.span, UNKNOWN
        if bound is not None and UNKNOWN not in bound.as_dict().values():
            args, shape = bound, _shape(input_, bound, call, context)
    late = next((first for first in map(_first_stage, statements) if _is_input(first)), None)
    if late is not None:
        late_input(late.span, context)
        shape = UNKNOWN if shape is None else shape
    if shape is None and spec.is_broken:
        shape = UNKNOWN  # it may be in the part that cannot be parsed
    if shape is None:
        context.error("E308", f"the input shape of `{network.name}` is unknown", network.name_span, help=images)
        return None
    if shape is not UNKNOWN and not args.as_dict():
        args = Args(channels=shape[0], size=Size(*shape[1:]))  # as if it were written
    graph.start(input_, args, shape, span)
    return statements


def _shape(op: Op, args: Args, call: t.Call, context: Context) -> Any:
    try:
        return op.shape(None, args)
    except Problem as problem:
        return context.error(problem.code, problem.message, call.span, help=problem.help)


def _first_stage(statement: Any) -> Any:
    return statement.stages[0] if isinstance(statement, t.Pipe) else statement


def _is_input(statement: Any) -> bool:
    first = _first_stage(statement)
    if not isinstance(first, t.Call | t.Name) or first.name not in OPS:
        return False
    return isinstance(OPS[first.name].expands, NetworkInput)
