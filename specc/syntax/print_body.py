"""Expressions, bodies and their statements as documents in the canonical layout.

What the author wrote on several lines stays on several lines: a body with a new line in it, brackets with a new line
after the opening one (then their rows are kept, too), a pipeline with a new line at an arrow, a sum in parentheses with
one at a sign, and the brackets around such entries. What stands on one line is broken only where it does not fit. So
every new line that is put in is one that would be kept: the layout of a layout is the same.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from specc.source import Span
from specc.syntax import tree as t
from specc.syntax.comments import Comments, blank_before, has_new_line
from specc.syntax.document import HARD, Break, Doc, Fill, Group, IfBroken, Indent, Item, Suffix, has_lines


class BodyPrinter:
    """Prints nodes with their comments. `free`: the node stands in ( ) or [ ], where a new line means nothing."""

    def __init__(self, comments: Comments) -> None:
        self.comments = comments

    # ---- expressions

    def expression(self, node: Any, free: bool = False) -> Doc:
        match node:
            case t.Literal(span=span):
                return span.text
            case t.Name(name=name):
                return name
            case t.Flowing(field=field):
                return f"in.{field}"
            case t.Prefix(operator=operator, operand=operand):
                return [operator, " " if operator == "not" else "", self.expression(operand, free)]
            case t.Operators(operands=operands, operators=operators):
                return self.row(operands, ("", *(f"{operator} " for operator in operators)), free)
            case t.Conditional():
                return self.conditional(node, free)
            case t.Group(value=value, span=span):
                inner = self.expression(value, free=True)
                within = has_lines(inner)
                broken = has_new_line(_start(span), value.span) or (within and not _hugs([value]))
                return Group(["(", Indent([Break(""), inner]), Break(""), ")"], broken, within)
            case t.Sequence():
                return self.sequence(node)
            case t.Index(value=value, index=index):
                return [self.expression(value, free), "[", self.expression(index, free=True), "]"]
            case t.Call():
                return self.call(node)
            case t.Pipe():
                return self.pipe(node, free)
            case _:
                raise TypeError(f"{type(node).__name__} is no expression")

    def row(self, nodes: Sequence[Any], signs: Sequence[str], free: bool) -> Doc:
        """Nodes, each behind its sign, with spaces between them; where a new line means nothing they may be broken."""
        docs = [[sign, self.expression(node, free)] for sign, node in zip(signs, nodes, strict=True)]
        if not free:
            return [docs[0], *([" ", doc] for doc in docs[1:])]
        rows = [False, *(has_new_line(one.span, other.span) for one, other in pairwise(nodes))]
        return Fill([Item(doc, begins_line) for doc, begins_line in zip(docs, rows, strict=True)], hanging=True)

    def conditional(self, node: t.Conditional, free: bool) -> Doc:
        """`a if b else c if d else e`, however many there are."""
        nodes, rest = [node.then, node.test], node.otherwise
        while isinstance(rest, t.Conditional):
            nodes += [rest.then, rest.test]
            rest = rest.otherwise
        return self.row([*nodes, rest], ["", *(("if ", "else ") * (len(nodes) // 2))], free)

    def sequence(self, node: t.Sequence) -> Doc:
        if node.is_list:
            return self.brackets("[]", node.items, node.span, _start(node.span), last=IfBroken(","))
        last = "," if len(node.items) == 1 else ""
        return self.brackets("()", node.items, node.span, _start(node.span), last)

    def call(self, call: t.Call) -> Doc:
        parts: list[Any] = [call.name]
        if call.arguments or call.parens:
            parts.append(self.brackets("()", call.arguments, call.span, call.callee))
        if call.body is not None:
            parts += [" ", Group(self.body(call.body), self.is_broken(call.body))]
        return parts

    def brackets(self, pair: str, nodes: Sequence[Any], key: Span, before: Span, last: Doc = "") -> Doc:
        """A list known by `key`; `before`: what stands before its entries; `last`: what stands behind the last one."""
        docs = [self.entry(node) for node in nodes]
        lines = list(map(has_lines, docs))
        broken = self.comments.touch(key, nodes) or (any(lines) and not _hugs(nodes))
        broken = broken or (len(nodes) > 0 and has_new_line(before, nodes[0].span))
        items = []
        for position, (node, doc) in enumerate(zip(nodes, docs, strict=True)):
            above, blank = self.above(node)
            comma = "," if position + 1 < len(nodes) else ""
            new_row = broken and position > 0 and has_new_line(nodes[position - 1].span, node.span)
            begins_line = new_row or bool(above) or lines[position]
            items.append(Item([*above, doc, comma, self.behind(node)], begins_line, blank and begins_line))
        inner = [Break(""), Fill(items), last] if items else []
        inner += self.closing(key, is_empty=not items)
        return Group([pair[0], self.opening(key), Indent(inner), Break(""), pair[1]], broken, any(lines))

    def entry(self, node: Any) -> Doc:
        """An argument of a call, a parameter of a block, an entry of a list."""
        match node:
            case t.Argument(name="", value=value) | t.Parameter(name=value, default=None):
                return value if isinstance(value, str) else self.expression(value, free=True)
            case t.Argument(name=name, value=value) | t.Parameter(name=name, default=value):
                return [f"{name}=", self.expression(value, free=True)]
            case _:
                return self.expression(node, free=True)

    def pipe(self, pipe: t.Pipe, free: bool = False) -> Doc:
        """Stages, broken before the arrows."""
        items = [Item([self.statement(pipe.stages[0], free), self.behind(pipe.stages[0])])]
        for previous, stage in pairwise(pipe.stages):
            above, _ = self.above(stage, with_blanks=False)
            has_comment = bool(above) or previous.span in self.comments.trailing
            begins_line = has_comment or has_new_line(previous.span, stage.span)
            items.append(Item([*above, "-> ", self.statement(stage, free), self.behind(stage)], begins_line))
        return Fill(items, hanging=True)

    # ---- statements

    def statement(self, node: Any, free: bool = False) -> Doc:
        match node:
            case t.Let(name=name, value=value):
                return [f"let {name} = ", self.expression(value)]
            case t.Shared(name=name, value=value):
                return [f"shared {name} = ", self.expression(value)]
            case t.Default(call=call):
                return ["default ", self.expression(call)]
            case t.If():
                return Group(self.chain(node), self.is_broken(node))
            case t.For(target=target, iterable=iterable, body=body):
                head = ["for ", self.expression(target), " in ", self.expression(iterable), " "]
                return [*head, Group(self.body(body), self.is_broken(body))]
            case _:
                return self.expression(node, free)

    def chain(self, node: t.If) -> list[Any]:
        """`if`, and what follows `else`: all of it on one line, or all bodies broken."""
        parts = ["if ", self.expression(node.test), " ", self.body(node.body)]
        match node.otherwise:
            case None:
                return parts
            case t.If():
                return [*parts, " else ", *self.chain(node.otherwise)]
            case _:
                return [*parts, " else ", self.body(node.otherwise)]

    def is_broken(self, node: t.Body | t.If | None) -> bool:
        """Whether a body, or one of the bodies of an `if`, was written on several lines or has comments."""
        match node:
            case None:
                return False
            case t.If(body=body, otherwise=otherwise):
                return self.is_broken(body) or self.is_broken(otherwise)
            case t.Body(branches=branches, span=span):
                statements = [part for branch in branches for part in branch]
                return self.comments.touch(span, statements) or (len(statements) > 0 and "\n" in span.text)

    def body(self, body: t.Body) -> list[Any]:
        """Braces and what they hold; the group in which its breaks stand is the caller's."""
        parts: list[Any] = []
        for branch in body.branches:
            for position, statement in enumerate(branch):
                above, blank = self.above(statement)
                gap = Break(" " if position == 0 else "; ", blank and len(parts) > 0)
                line = [self.statement(statement), self.behind(statement)]
                if not body.is_branched:
                    parts += [gap, *above, *line]
                elif position == 0:
                    parts += [gap, *above, "| ", Indent(line)]
                else:
                    parts.append(Indent([gap, *above, *line]))
        return self.braces(parts, body.span)

    def braces(self, parts: list[Any], key: Span) -> list[Any]:
        """Braces around lines, each behind its own break."""
        return ["{", self.opening(key), Indent([*parts, *self.closing(key, not parts)]), Break(" "), "}"]

    # ---- comments

    def above(self, node: Any, with_blanks: bool = True) -> tuple[list[Any], bool]:
        """The comments above an entry, each with its new line; whether an empty line stands before all of it."""
        notes, blank = self.comments.above(node)
        blanks = [with_blanks and note.blank for note in notes] + [with_blanks and blank]
        lines: list[Any] = []
        for note, blank_after in zip(notes, blanks[1:], strict=True):
            lines += [note.text, HARD._replace(blank=blank_after)]
        return lines, blanks[0]

    def behind(self, node: Any) -> Doc:
        """The comment at the end of an entry's line."""
        return _suffix(self.comments.trailing.get(node.span))

    def opening(self, key: Span) -> Doc:
        """The comment behind an opening bracket."""
        return _suffix(self.comments.opening.get(key))

    def closing(self, key: Span, is_empty: bool) -> list[Any]:
        """The comments before a closing bracket, each behind its new line."""
        comments = self.comments.closing.get(key, [])
        lines: list[Any] = []
        for position, comment in enumerate(comments):
            blank = blank_before(comment) and not (is_empty and position == 0)
            lines += [HARD._replace(blank=blank), comment.text.rstrip()]
        return lines


def _suffix(comments: Sequence[Span] | None) -> Doc:
    return Suffix(tuple(comments)) if comments else ""


def _start(span: Span) -> Span:
    """The place where a span begins."""
    return span._replace(end=span.start)


def _hugs(nodes: Sequence[Any]) -> bool:
    """Whether brackets stay close around several lines: around a list or a call alone in them."""
    node = nodes[0].value if isinstance(nodes[0], t.Argument) else nodes[0]
    return len(nodes) == 1 and isinstance(node, t.Sequence | t.Call)
