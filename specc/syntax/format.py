"""A syntax tree back to text, in the one canonical layout."""

from collections.abc import Iterable
from typing import Any

from specc.syntax import tree as t
from specc.values import Percent, Size

INDENT = "  "
WIDTH = 100


def expression(node: Any) -> str:
    """An expression on one line."""
    match node:
        case t.Literal(value=value):
            return _literal(value, node)
        case t.Name(name=name):
            return name
        case t.Flowing(field=field):
            return f"in.{field}"
        case t.Prefix(operator=operator, operand=operand):
            return f"{operator}{' ' if operator == 'not' else ''}{expression(operand)}"
        case t.Operators(operands=operands, operators=operators):
            rest = (f" {op} {expression(operand)}" for op, operand in zip(operators, operands[1:], strict=True))
            return expression(operands[0]) + "".join(rest)
        case t.Conditional(then=then, test=test, otherwise=otherwise):
            return f"{expression(then)} if {expression(test)} else {expression(otherwise)}"
        case t.Group(value=value):
            return f"({expression(value)})"
        case t.Sequence(items=items, is_list=is_list):
            inner = ", ".join(map(expression, items))
            return f"[{inner}]" if is_list else f"({inner}{',' if len(items) == 1 else ''})"
        case t.Index(value=value, index=index):
            return f"{expression(value)}[{expression(index)}]"
        case t.Call():
            return _call(node)
        case t.Pipe(stages=stages):
            return " -> ".join(map(expression, stages))
        case _:
            return " ".join(statement(node, 0))


def _literal(value: Any, node: t.Literal) -> str:
    match value:
        case bool():
            return str(value).lower()
        case str():
            escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
            return f'"{escaped}"'
        case Size():
            return str(value)
        case Percent() | float() | int():
            return node.span.text
        case _:
            return str(value)


def _call(call: t.Call) -> str:
    text = call.name
    if call.arguments:
        text += "(" + ", ".join(map(_argument, call.arguments)) + ")"
    if call.body is not None:
        text += " " + " ".join(_body(call.body, 0, inline=True))
    return text


def _argument(argument: t.Argument) -> str:
    value = expression(argument.value)
    return f"{argument.name}={value}" if argument.name else value


def statement(node: Any, depth: int) -> list[str]:
    """The lines of a statement in a body, the first without its indentation."""
    match node:
        case t.Let(name=name, value=value):
            return [f"let {name} = {expression(value)}"]
        case t.Default(call=call):
            return [f"default {expression(call)}"]
        case t.If(test=test, body=body, otherwise=otherwise):
            lines = _after(f"if {expression(test)} ", _body(body, depth))
            if otherwise is not None:
                following = statement(otherwise, depth) if isinstance(otherwise, t.If) else _body(otherwise, depth)
                lines = [*lines[:-1], *_after(lines[-1] + " else ", following)]
            return lines
        case t.For(target=target, iterable=iterable, body=body):
            return _after(f"for {expression(target)} in {expression(iterable)} ", _body(body, depth))
        case t.Pipe(stages=stages):
            lines = [""]
            for position, stage in enumerate(stages):
                arrow = " -> " if position else ""
                lines = [*lines[:-1], *_after(lines[-1] + arrow, statement(stage, depth))]
            return lines
        case t.Call(body=body) if body is not None:
            return _after(_call(node._replace(body=None)) + " ", _body(body, depth))
        case _:
            return [expression(node)]


def _after(text: str, lines: list[str]) -> list[str]:
    return [text + lines[0], *lines[1:]]


def _body(body: t.Body, depth: int, inline: bool = False) -> list[str]:
    """The lines of a body: on one line where it was written on one line, else a statement a line."""
    if not any(body.branches):
        return ["{ }"] if not body.is_branched else ["{ " + "| " * len(body.branches) + "}"]
    if inline or ("\n" not in body.span.text and len(body.span.text) < WIDTH):
        bar = "| " if body.is_branched else ""
        branches = (bar + "; ".join(" ".join(statement(part, 0)) for part in branch) for branch in body.branches)
        return ["{ " + " ".join(branches) + " }"]
    inner = INDENT * (depth + 1)
    lines = ["{"]
    for branch in body.branches:
        for position, part in enumerate(branch):
            bar = "" if not body.is_branched else "| " if position == 0 else "  "
            first, *rest = statement(part, depth + 1 + bool(bar))
            lines += [inner + bar + first, *rest]
    return [*lines, INDENT * depth + "}"]


def block(node: t.Block) -> str:
    """A block or network."""
    parameters = ", ".join(
        p.name if p.default is None else f"{p.name}={expression(p.default)}" for p in node.parameters
    )
    head = f"{'network' if node.is_network else 'block'} {node.name}{f'({parameters})' if parameters else ''} "
    return "\n".join(_after(head, _body(node.body, 0)))


def section(name: str, settings: Iterable[t.Setting]) -> str:
    """A section with its settings aligned."""
    rows = [(".".join(setting.path), expression(setting.value)) for setting in settings]
    width = max((len(path) for path, _ in rows), default=0)
    return "\n".join([f"{name} {{", *(f"{INDENT}{path:<{width}} = {value}" for path, value in rows), "}"])
