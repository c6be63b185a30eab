"""Text to syntax tree."""

import re
from itertools import islice
from threading import Lock
from typing import Any, NamedTuple

from lark.exceptions import UnexpectedInput

from specc.diagnostics import Diagnostic
from specc.source import Source, Span
from specc.syntax import tree
from specc.syntax.build import Builder, TooDeepTree
from specc.syntax.depth import deep_recursion
from specc.syntax.grammar import parser
from specc.syntax.layout import GoOn, TooDeep, on_and_on
from specc.syntax.mistakes import span_of, too_deep

LARGEST = 1_000_000
MOST_WORDS = 60_000
WORD = re.compile(r'#.*|"(?:[^"\\\n]|\\.)*"|[0-9.]+%?|\w+|->|\*\*|//|[=!<>]=|\n|[^\s\w]')  # roughly a token


_parser_is_used = Lock()  # by one thread at a time: it holds the comments that it meets


class Parsed(NamedTuple):
    """A file's tree and its syntax errors. The tree leaves out what could not be read; None where that is too much."""

    tree: tree.File | None
    diagnostics: list[Diagnostic]


def parse(source: Source, go_on: GoOn = on_and_on) -> Parsed:
    """The tree of a source. Never raises on what a user wrote. go_on: called often; what it raises ends the parsing."""
    if (problem := _too_long(source)) is not None:
        return Parsed(None, [problem])
    with _parser_is_used, deep_recursion():
        parsed = _parse(source, go_on)
    return parsed._replace(diagnostics=[one.shortened() for one in parsed.diagnostics])


def _too_long(source: Source) -> Diagnostic | None:
    """E103: more text than can be read in a moment."""
    if len(source.text) > LARGEST:
        message = f"this file has {len(source.text):,} characters; a spec may have at most {LARGEST:,}"
        return Diagnostic("E103", message, Span(source, 0, 0), help="is this a spec?")
    if len(source.text) > MOST_WORDS:
        beyond = next(islice(WORD.finditer(source.text), MOST_WORDS, None), None)
        if beyond is not None:
            message = f"a spec may have at most {MOST_WORDS:,} tokens, and this is where the limit is exceeded"
            help = "shorten it with `repeat`, `for` and `block`"
            return Diagnostic("E103", message, Span(source, *beyond.span()), help=help)
    return None


def _parse(source: Source, go_on: GoOn) -> Parsed:
    lark, layout, comments = parser()
    layout.go_on = go_on
    comments.clear()
    problems: list[Diagnostic] = []
    try:
        try:
            parsed: Any = lark.parse(source.text)
        except UnexpectedInput:
            from specc.syntax.recover import recover

            comments.clear()
            parsed, problems = recover(source, lark, layout)
        if parsed is None:
            return Parsed(None, problems)
        builder = Builder(source, go_on)
        items = builder.all(parsed.children)
    except TooDeep as error:
        return Parsed(None, [too_deep(span_of(source, error.token))])
    except TooDeepTree as error:
        return Parsed(None, [too_deep(error.span)])
    problems += builder.problems
    return Parsed(tree.File(source, items, tuple(span_of(source, token) for token in comments)), problems)


def parse_expression(source: Source) -> tuple[Any, list[Diagnostic]]:
    """The tree of one expression, as `--set PATH=VALUE` gives it; None where it cannot be read."""
    before, behind = "let value = (", "\n)"
    parsed = parse(Source(source.path, before + source.text + behind))
    if parsed.tree is None or parsed.diagnostics:
        first = parsed.diagnostics[0]  # those after it are about the brackets around the value
        return None, [first._replace(span=_inside(first.span, source, len(before)))]
    match parsed.tree.items:
        case (tree.Let(value=tree.Group(value=value)),):
            return _moved(value, source, len(before)), []
        case _:
            whole = Span(source, 0, len(source.text))
            return None, [Diagnostic("E107", "expected a single value", whole, help="write a list as [1, 2]")]


def _inside(span: Span, source: Source, shift: int) -> Span:
    """A span of a text that has `shift` characters before the source's, as one of the source."""
    start, end = (min(max(0, place - shift), len(source.text)) for place in (span.start, span.end))
    return Span(source, start, end)


def _moved(node: Any, source: Source, shift: int) -> Any:
    """A tree with each of its spans moved by `_inside`."""
    if isinstance(node, Span):
        return _inside(node, source, shift)
    if isinstance(node, tuple):
        parts = [_moved(part, source, shift) for part in node]
        return type(node)(*parts) if hasattr(node, "_fields") else tuple(parts)
    return node
