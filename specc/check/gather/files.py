"""The texts of a spec: its own file, the file that it extends, and so on, each parsed."""

import re
from collections.abc import Callable
from typing import NamedTuple

from specc.check.expressions.scope import shorten
from specc.check.problems import Problems
from specc.check.trace import Trace
from specc.diagnostics import Label
from specc.source import Source, Span
from specc.syntax import tree as t
from specc.syntax.layout import GoOn, on_and_on
from specc.syntax.parse import parse

MOST_FILES = 50


class NoFiles(NamedTuple):
    """Why no file at all can be extended, and what to do instead."""

    why: str
    help: str


# Reads the file that `extends "path"` names, relative to the source that says so; why, where that fails.
Load = Callable[[str, Source], Source | str | NoFiles]


class Files(NamedTuple):
    """The trees of the file itself, the file that it extends, and so on; and the words that could not be read."""

    trees: list[t.File]
    unread: frozenset[str]


def parse_files(
    source: Source, load: Load | None, problems: Problems, trace: Trace | None = None, go_on: GoOn = on_and_on
) -> Files | None:
    """Parse a source and what it extends; None where one of them cannot be read or parsed. go_on: see `parse`."""
    trees: list[t.File] = [] if trace is None else trace.files
    unread: set[str] = set()
    current: Source | None = source
    while current is not None:
        parsed = parse(current, go_on)
        for diagnostic in parsed.diagnostics:
            problems.add(diagnostic)
            unread.update(_words(diagnostic.span))
        if parsed.tree is None:
            return None
        trees.append(parsed.tree)
        extends = [item for item in parsed.tree.items if isinstance(item, t.Extends)]
        if not extends:
            break
        unread.update(word for extra in extends[1:] for word in _words(extra.span))
        current = _base(extends, trees, load, problems)
        if current is None:
            return None
    return Files(trees, frozenset(unread))


def _words(span: Span) -> list[str]:
    """The words of the lines that a span touches."""
    first, last = (span.source.position(place)[0] for place in (span.start, span.end))
    return ["", *(word for line in range(first, last + 1) for word in re.findall(r"\w+", span.source.line(line)))]


def _base(extends: list[t.Extends], trees: list[t.File], load: Load | None, problems: Problems) -> Source | None:
    """The source that the last of the trees extends; None, with a message, where it cannot be had."""
    first = extends[0]
    for extra in extends[1:]:
        labels = (Label(first.span, "first `extends` here"),)
        help = "make the first file extend the other one"
        problems.report("E209", "a file can extend only one other file", extra.span, labels=labels, help=help)
    base = load(first.path, trees[-1].source) if load else NoFiles("no files can be read here", "")
    if len(trees) >= MOST_FILES:
        problems.report("E214", f"more than {MOST_FILES} files extend one another", first.span)
    elif isinstance(base, NoFiles):
        message = f'"{shorten(first.path, 100)}" cannot be read: {base.why}'
        problems.report("E218", message, first.span, help=base.help)
    elif isinstance(base, str):
        help = "the path is relative to the folder of the file that contains `extends`"
        if first.path.startswith("zoo:"):
            help = "run `specc zoo` to see all specs that come with specc"
        problems.report("E218", f'"{shorten(first.path, 100)}" cannot be read: {base}', first.span, help=help)
    elif base.path in [tree.source.path for tree in trees]:
        problems.report("E221", f'circular `extends`: "{first.path}" leads back to this file', first.span)
    else:
        return base
    return None
