"""Text to syntax tree."""

from typing import Any, NamedTuple

from lark.exceptions import UnexpectedInput

from specc.diagnostics import Diagnostic
from specc.source import Source, Span
from specc.syntax import tree
from specc.syntax.build import Builder
from specc.syntax.grammar import parser
from specc.syntax.layout import TooDeep
from specc.syntax.mistakes import span_of, too_deep
from specc.syntax.recover import recover

LARGEST = 1_000_000


class Parsed(NamedTuple):
    """A file's tree and its syntax errors. The tree leaves out what could not be read; None where that is too much."""

    tree: tree.File | None
    diagnostics: list[Diagnostic]


def parse(source: Source) -> Parsed:
    """The tree of a source. Never raises on what a user wrote."""
    start = Span(source, 0, 0)
    if len(source.text) > LARGEST:
        found = f"this file has {len(source.text):,} characters; a spec has at most {LARGEST:,}"
        return Parsed(None, [Diagnostic("E103", found, start, help="is this a spec?")])
    lark, layout, comments = parser()
    comments.clear()
    problems: list[Diagnostic] = []
    try:
        try:
            parsed: Any = lark.parse(source.text)
        except UnexpectedInput:
            comments.clear()
            parsed, problems = recover(source, lark, layout)
        if parsed is None:
            return Parsed(None, problems)
        builder = Builder(source)
        items = builder.all(parsed.children)
    except TooDeep as error:
        return Parsed(None, [too_deep(span_of(source, error.token))])
    except RecursionError:
        return Parsed(None, [too_deep(start)])
    problems += builder.problems
    return Parsed(tree.File(source, items, tuple(span_of(source, token) for token in comments)), problems)


def parse_expression(source: Source) -> tuple[Any, list[Diagnostic]]:
    """The tree of one expression, as `--set PATH=VALUE` gives it; None where it cannot be read."""
    prefix = "let value = "
    parsed = parse(Source(source.path, prefix + source.text))
    if parsed.tree is None:
        return None, parsed.diagnostics
    match parsed.tree.items:
        case (tree.Let(value=value),):
            return value, []
        case _:
            return None, [Diagnostic("E101", "this is not one value", Span(source, 0, len(source.text)))]
