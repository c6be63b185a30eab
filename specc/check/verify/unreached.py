"""Names in what nothing runs: blocks that are not called, branches that are not taken."""

from collections.abc import Iterator
from typing import Any

from specc.check.calls.arguments import unknown_argument
from specc.check.calls.missing import missing_layer
from specc.check.context import Context
from specc.check.expressions.functions import FUNCTIONS
from specc.check.gather.spec import Spec
from specc.ops import OPS
from specc.syntax import tree as t


def check_unreached(spec: Spec, context: Context) -> None:
    """Report calls of layers and blocks that are not there, and arguments that they do not have.

    What names mean follows from the text alone, so that nothing need run. Shapes and values do not.
    """
    for block in [*spec.blocks.values(), *([spec.network] if spec.network else [])]:
        bound = {parameter.name for parameter in block.parameters} | set(spec.lets)
        Names(spec, context).body(block.body, bound)


class Names:
    """Walks bodies. `bound`: the names that parameters, `let` and `for` give a meaning at that point."""

    def __init__(self, spec: Spec, context: Context) -> None:
        self.spec, self.context = spec, context

    def body(self, body: t.Body, bound: set[str]) -> None:
        for branch in body.branches:
            inside = bound | {statement.name for statement in branch if isinstance(statement, t.Let | t.Shared)}
            for statement in branch:
                for stage in statement.stages if isinstance(statement, t.Pipe) else (statement,):
                    self.stage(stage, inside)

    def stage(self, stage: Any, bound: set[str]) -> None:
        match stage:
            case t.If(body=body, otherwise=otherwise):
                self.body(body, bound)
                if isinstance(otherwise, t.If):
                    self.stage(otherwise, bound)
                elif otherwise is not None:
                    self.body(otherwise, bound)
            case t.For(target=target, body=body):
                self.body(body, bound | set(_targets(target)))
            case t.Call():
                self.call(stage, bound)
            case t.Name(name=name, span=span):
                self.call(t.Call(name, (), None, span, span, False), bound)

    def call(self, call: t.Call, bound: set[str]) -> None:
        if call.body is not None:
            self.body(call.body, bound)
        if call.name in bound:
            return
        if call.name in self.spec.blocks or call.name in OPS:
            names = self.spec.names_of(call.name)
            for argument in call.arguments:
                if argument.name and argument.name not in names:
                    unknown_argument(self.context, argument, names, call.name)
        elif call.name not in FUNCTIONS:
            missing_layer(self.context, call, self.spec.blocks, lambda: list(bound))


def _targets(target: Any) -> Iterator[str]:
    if isinstance(target, t.Name):
        yield target.name
    else:
        for item in target.items:
            yield from _targets(item)
