"""The one canonical layout of a spec: comments and empty lines kept, meaning kept, idempotent."""

from typing import Any, NamedTuple

from specc.diagnostics import Diagnostic
from specc.source import Source, Span
from specc.syntax import tree as t
from specc.syntax.comments import column
from specc.syntax.depth import deep_recursion
from specc.syntax.document import Line, render
from specc.syntax.parse import parse
from specc.syntax.print_file import FilePrinter


class Formatted(NamedTuple):
    """The text in the canonical layout; None where there are syntax errors, which are then in `diagnostics`."""

    text: str | None
    diagnostics: list[Diagnostic]


def format_source(source: Source) -> Formatted:
    """A spec in the canonical layout. What it means plays no part, so that one with semantic errors is fine.

    Raises RuntimeError where the result would mean something else than the source: that is a bug in this module.
    """
    parsed = parse(source)
    if parsed.tree is None or parsed.diagnostics:
        return Formatted(None, parsed.diagnostics)
    text = format_file(parsed.tree)
    again = parse(Source(source.path, text))
    if again.tree is None:  # the commas and lines that were put in made it longer than a spec may be
        return Formatted(None, again.diagnostics)
    if not same(parsed.tree, again.tree):
        raise RuntimeError("formatting would change the meaning of the spec, so it is left unchanged")
    return Formatted(text, [])


def format_file(file: t.File) -> str:
    """The text of a tree, which may be put together from several sources."""
    with deep_recursion():
        text = "\n".join(_with_comments(render(FilePrinter(file).file())))
    return text + "\n" if text else ""


def _with_comments(lines: list[Line]) -> list[str]:
    """The lines with the comments at their ends, two spaces behind the text.

    Comments that stood in one column, with no empty line between them, stand in one column again.
    """
    out = [line.text for line in lines]
    runs: list[list[tuple[int, Span]]] = [[]]
    for position, line in enumerate(lines):
        if line.comment is None:
            if not line.text:
                runs.append([])
        elif runs[-1] and column(runs[-1][-1][1]) == column(line.comment):
            runs[-1].append((position, line.comment))
        else:
            runs.append([(position, line.comment)])
    for run in runs:
        wide = max((len(out[position]) for position, _ in run), default=0)
        for position, comment in run:
            out[position] = f"{out[position]:<{wide}}  {comment.text.rstrip()}"
    return out


def same(a: t.File, b: t.File) -> bool:
    """Whether two files have the same trees, wherever they stand, and the same comments."""
    texts = [sorted(comment.text.rstrip() for comment in file.comments) for file in (a, b)]
    todo: list[tuple[Any, Any]] = [(a.items, b.items)]
    while todo:
        left, right = todo.pop()
        if type(left) is not type(right):
            return False
        if isinstance(left, tuple) and not isinstance(left, Span):
            if len(left) != len(right):
                return False
            todo += zip(left, right, strict=True)
        elif not isinstance(left, Span) and left != right:
            return False
    return texts[0] == texts[1]
