"""Evaluates expressions, without Python's `eval`."""

from collections.abc import Container
from typing import Any

from specc.check.context import Context
from specc.check.expressions.flow import Flow, flowing
from specc.check.expressions.functions import (
    FUNCTIONS,
    Misuse,
    TooLarge,
    bounded,
    extent,
    integer,
    is_sequence,
    number,
    operate,
)
from specc.check.expressions.scope import Layer, Scope, describe
from specc.check.expressions.sharing import Sharing
from specc.check.expressions.values import has_unknown, same
from specc.diagnostics import nearest
from specc.ops import OPS
from specc.source import Span
from specc.syntax import tree as t
from specc.tricks import COMPONENTS
from specc.values import UNKNOWN, Ref

TRUTHS = ("true", "false")  # which Python writes True and False
# How many entries of a list, and characters of a text, are looked at in the time that a small expression takes.
ENTRIES_A_UNIT = 2
CHARACTERS_A_UNIT = 100


class Evaluator:
    """Evaluates expressions, given the scope and the input shape at the place where they are used.

    blocks: the names of the blocks that may be meant, beside the words of the vocabulary.
    """

    def __init__(self, context: Context, blocks: Container[str] = ()) -> None:
        self.context = context
        self.error, self.spend = context.error, context.spend
        self.blocks = blocks

    def evaluate(self, expression: Any, scope: Scope, flow: Flow) -> Any:
        self.spend(1, expression.span)
        match expression:
            case t.Literal(value=value):
                return value
            case t.Name(name=name, span=span):
                bound, value = scope.find(name)
                return value if bound else Ref(name, span)
            case t.Group(value=inner):
                return self.evaluate(inner, scope, flow)
            case t.Flowing():
                return flowing(expression, flow, self.error)
            case t.Call(name=name) if name in FUNCTIONS and not scope.find(name)[0] and expression.body is None:
                return self._function(expression, scope, flow)
            case t.Call() | t.Pipe():
                scope.is_captured = True
                return Layer(expression, scope)
            case t.Conditional(then=then, test=test, otherwise=otherwise):
                holds = self.condition(test, scope, flow)
                return UNKNOWN if holds is UNKNOWN else self.evaluate(then if holds else otherwise, scope, flow)
            case t.Sequence(items=items, is_list=is_list):
                values = [self.evaluate(item, scope, flow) for item in items]
                return self.bounded(values if is_list else tuple(values), expression.span)
            case t.Index():
                return self._index(expression, scope, flow)
            case t.Prefix():
                return self._prefix(expression, scope, flow)
            case t.Operators():
                return self._operators(expression, scope, flow)
            case _:
                return self.error("E211", "this is not a value", expression.span)

    def bound(self, statement: t.Let | t.Shared, scope: Scope, flow: Flow) -> Any:
        """What a `let` or a `shared` statement binds its name to."""
        value = self.evaluate(statement.value, scope, flow)
        if isinstance(statement, t.Let) or value is UNKNOWN:
            return value
        sharing = Sharing(statement.name, statement.name_span)
        match value:
            case Layer():
                return value if value.sharing is not None else value._replace(sharing=sharing)
            case Ref(name=name, span=span):
                return Layer(t.Name(name, span), Scope(), sharing)
            case _:
                return self.error("E215", f"expected a layer, found {describe(value)}", statement.value.span)

    def tensor_name(self, expression: Any, scope: Scope, flow: Flow) -> Any:
        """The value of an argument that names a tensor.

        `x[i]` is the name `x` with an integer behind it, whatever a `let` calls `x`. A parameter that holds a name
        stands for that name, and an entry of a list of names for the name that it is.
        """
        if not isinstance(expression, t.Index):
            return self.evaluate(expression, scope, flow)
        named: Any = expression
        indices: list[Any] = []
        while isinstance(named, t.Index):
            indices.insert(0, named.index)
            named = named.value
        held: Any = scope.find(named.name)[1] if isinstance(named, t.Name) else None
        if not isinstance(named, t.Name) or (is_sequence(held) and all(isinstance(entry, Ref) for entry in held)):
            return self.evaluate(expression, scope, flow)
        values = [(self.evaluate(index, scope, flow), index.span) for index in indices]
        numbers = [
            self.unknown_name(value, scope) if isinstance(value, Ref) else self._whole(value, span)
            for value, span in values
        ]
        if UNKNOWN in numbers:
            return UNKNOWN
        name = held.name if isinstance(held, Ref) else named.name
        return Ref(name + "".join(f"[{number}]" for number in numbers), expression.span)

    def condition(self, test: Any, scope: Scope, flow: Flow) -> Any:
        """Whether a test holds, or UNKNOWN."""
        value = self.evaluate(test, scope, flow)
        if value is UNKNOWN or isinstance(value, bool):
            return value
        if isinstance(value, Ref):
            return self.unknown_name(value, scope)
        return self.error("E211", f"a condition must be `true` or `false`, found {describe(value)}", test.span)

    def unknown_name(self, ref: Ref, scope: Scope) -> Any:
        """Report a name that has no value."""

        def help() -> str:
            return nearest(ref.name, [*scope.all_names(), *TRUTHS])

        return self.error("E201", f"there is no value called `{ref.name}`", ref.span, help=help)

    def is_known(self, name: str) -> bool:
        """Whether a name stands for a block or for something of the vocabulary, though not for a value."""
        return name in self.blocks or name in OPS or any(name in components for components in COMPONENTS.values())

    def is_no_function(self, value: Any) -> bool:
        """Whether a value is a call of an unknown function, such as `flor(x / 2)`, which is then reported."""
        call = value.expression if isinstance(value, Layer) else None
        if not isinstance(call, t.Call) or self.is_known(call.name):
            return False
        is_bound, held = value.scope.find(call.name)
        if isinstance(held, Layer | Ref):
            return False
        if is_bound:
            self.takes_no_arguments(call, held)
        else:
            message = f"there is no function called `{call.name}`"
            self.error("E201", message, call.callee, help=lambda: nearest(call.name, FUNCTIONS))
        return True

    def takes_no_arguments(self, call: t.Call, value: Any) -> Any:
        """Report that what a name holds cannot be called with arguments or a body."""
        message = f"`{call.name}` is {describe(value)}, which takes no further arguments"
        help = f"to call it as {call.name}(…), bind `{call.name}` to a layer name without arguments"
        if is_sequence(value):
            help = f"to get an entry of the list, write {call.name}[…]"
        return self.error("E205", message, call.span, help=help)

    def bounded(self, value: Any, span: Span) -> Any:
        """The value, or UNKNOWN with a message where a list is too large."""
        try:
            self._spend_on(value, span)
        except TooLarge as error:
            return self.error("E222", str(error), span)
        return value

    def _spend_on(self, value: Any, span: Span) -> None:
        """Count the work of looking at a value. Raises `TooLarge`."""
        if is_sequence(value):
            self.spend(1 + extent(value) // ENTRIES_A_UNIT, span)
        elif isinstance(value, Layer):
            self.spend(1 + len(value.span.text) // CHARACTERS_A_UNIT, span)

    def _function(self, call: t.Call, scope: Scope, flow: Flow) -> Any:
        function = FUNCTIONS[call.name]
        values = [self.evaluate(argument.value, scope, flow) for argument in call.arguments]
        for argument, value in zip(call.arguments, values, strict=True):
            if argument.name:
                help = f"functions take their arguments by position: {call.name}(…)"
                return self.error("E203", f"`{call.name}` has no argument `{argument.name}`", argument.span, help=help)
            if isinstance(value, Ref):
                return self.unknown_name(value, scope)
            if self.is_no_function(value):
                return UNKNOWN
        if not function.least <= len(values) <= function.most:
            counts = str(function.least) if function.least == function.most else f"at least {function.least}"
            code = "E206" if len(values) < function.least else "E205"
            noun = "value" if counts.endswith(" 1") or counts == "1" else "values"
            return self.error(code, f"`{call.name}` takes {counts} {noun}, not {len(values)}", call.span)
        if any(has_unknown(value) for value in values):
            return UNKNOWN
        try:
            for value in values:
                self._spend_on(value, call.span)
            result = bounded(function.apply(*values))
            self._spend_on(result, call.span)
        except TooLarge as error:
            return self.error("E222", f"`{call.name}` exceeds a limit: {error}", call.span)
        except Misuse as misuse:
            taken = ", ".join(describe(value) for value in values[:3]) + ", …" * (len(values) > 3)
            return self.error("E211", f"`{call.name}` cannot take {taken}: {misuse}", call.span)
        return result

    def _index(self, expression: t.Index, scope: Scope, flow: Flow) -> Any:
        values = self.evaluate(expression.value, scope, flow)
        index = self.evaluate(expression.index, scope, flow)
        if values is UNKNOWN or index is UNKNOWN:
            return UNKNOWN
        if isinstance(values, Ref):
            return self.unknown_name(values, scope)
        if not is_sequence(values):
            return self.error("E211", f"only a list can be indexed, found {describe(values)}", expression.value.span)
        index = self._whole(index, expression.index.span)
        if index is UNKNOWN:
            return UNKNOWN
        if not -len(values) <= index < len(values):
            entries = "1 entry" if len(values) == 1 else f"{len(values)} entries"
            message = f"index {index} is out of range: the list has {entries}"
            help = f"the first entry is at 0, the last at {len(values) - 1} or -1" if values else ""
            return self.error("E211", message, expression.index.span, help=help)
        return values[index]

    def _whole(self, index: Any, span: Span) -> Any:
        """An index as an integer; UNKNOWN, with a message, where it is none."""
        if index is UNKNOWN:
            return UNKNOWN
        try:
            return integer(index)
        except Misuse:
            return self.error("E211", f"an index must be an integer, found {describe(index)}", span)

    def _prefix(self, expression: t.Prefix, scope: Scope, flow: Flow) -> Any:
        if expression.operator == "not":
            holds = self.condition(expression.operand, scope, flow)
            return UNKNOWN if holds is UNKNOWN else not holds
        value = self.evaluate(expression.operand, scope, flow)
        if value is UNKNOWN:
            return UNKNOWN
        if isinstance(value, Ref):
            return self.unknown_name(value, scope)
        try:
            return -number(value)
        except Misuse:
            return self.error("E211", f"`-` needs a number, found {describe(value)}", expression.operand.span)

    def _operators(self, expression: t.Operators, scope: Scope, flow: Flow) -> Any:
        if expression.operators[0] in ("and", "or"):
            return self._logic(expression, scope, flow)
        left = self.evaluate(expression.operands[0], scope, flow)
        for operator, operand in zip(expression.operators, expression.operands[1:], strict=True):
            right = self.evaluate(operand, scope, flow)
            if left is UNKNOWN or right is UNKNOWN:
                left = UNKNOWN
            elif operator in ("==", "!="):
                self._spend_on(left, expression.span)
                self._spend_on(right, expression.span)
                left = same(left, right) == (operator == "==")
            else:
                left = self._operate(operator, left, right, expression, scope)
        return left

    def _operate(self, operator: str, left: Any, right: Any, expression: t.Operators, scope: Scope) -> Any:
        for side in (left, right):
            if isinstance(side, Ref):
                return self.unknown_name(side, scope)
            if self.is_no_function(side):
                return UNKNOWN
        try:
            result = operate(operator, left, right)
            self._spend_on(result, expression.span)
            return result
        except TooLarge as error:
            return self.error("E222", f"`{operator}` exceeds a limit: {error}", expression.span)
        except Misuse as misuse:
            message = f"cannot apply `{operator}` to {describe(left)} and {describe(right)}: {misuse}"
            return self.error("E211", message, expression.span)

    def _logic(self, expression: t.Operators, scope: Scope, flow: Flow) -> Any:
        """`and` and `or` stop at the first operand that decides, as everywhere."""
        decisive = expression.operators[0] == "or"
        for operand in expression.operands:
            holds = self.condition(operand, scope, flow)
            if holds is UNKNOWN or holds == decisive:
                return holds
        return not decisive
