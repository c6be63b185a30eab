"""Which comment belongs to which part of a tree.

A comment belongs to the innermost list that it stands in: the statements of a body, the settings of a section, the
arguments of a call, the entries of a list, the stages of a pipeline, the items of the file. There it stands at the end
of an entry's line, or on lines of its own before an entry or before the closing bracket. A comment within an entry,
where there is no list, as after the `=` of `x = # why`, goes before the entry.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import Any, NamedTuple

from specc.source import Span
from specc.syntax import tree as t

TAB = 8


class Entries(NamedTuple):
    """A list of a tree: what it is known by, from where to where its comments stand, and its entries."""

    key: Span
    start: int
    end: int
    entries: Sequence[Any]


class Note(NamedTuple):
    """A comment on a line of its own; `blank`: an empty line stands before it."""

    text: str
    blank: bool


def file_key(file: t.File) -> Span:
    """What the list of a file's items is known by."""
    return Span(file.source, 0, 0)


class Comments:
    """The comments of a file: above and behind entries, by their spans; behind and before the brackets of lists."""

    def __init__(self, file: t.File) -> None:
        self.leading: dict[Span, list[Span]] = {}
        self.trailing: dict[Span, list[Span]] = {}  # one, and those below that go on with it
        self.opening: dict[Span, list[Span]] = {}
        self.closing: dict[Span, list[Span]] = {}
        if file.comments:
            whole = Entries(file_key(file), 0, len(file.source.text), file.items)
            self._attach(whole, file.comments, in_pipe=False)

    def touch(self, key: Span, entries: Sequence[Any]) -> bool:
        """Whether a comment stands directly in a list."""
        own = key in self.opening or key in self.closing
        return own or any(entry.span in self.leading or entry.span in self.trailing for entry in entries)

    def above(self, entry: Any) -> tuple[list[Note], bool]:
        """The comments above an entry, and whether an empty line stands right before the entry itself."""
        notes, blank = [], blank_before(entry.span)
        for comment in self.leading.get(entry.span, ()):
            if comment.start < entry.span.start:
                notes.append(Note(comment.text.rstrip(), blank_before(comment)))
            else:  # from within the entry: the empty line before the entry is now before the comment
                notes.append(Note(comment.text.rstrip(), blank))
                blank = False
        return notes, blank

    def _attach(self, where: Entries, comments: Sequence[Span], in_pipe: bool) -> list[Span]:
        """Find the place of each comment in a list. Gives those that stand in a pipeline's first stage: they go above
        what holds the pipeline."""
        starts = [entry.span.start for entry in where.entries]
        inside: dict[int, list[Span]] = {}
        line: list[Span] | None = None  # the comment at the end of the line above, and what goes on with it
        for comment in comments:
            after = bisect_right(starts, comment.start) - 1
            if after >= 0 and comment.start < where.entries[after].span.end:
                inside.setdefault(after, []).append(comment)
                line = None
            else:
                line = self._between(where, after, comment, line)
        left = []
        for position, group in inside.items():
            entry = where.entries[position]
            rest = self._within(entry, group)
            if in_pipe and position == 0:
                left += rest
            elif rest:
                self.leading.setdefault(entry.span, []).extend(rest)
        return left

    def _between(self, where: Entries, after: int, comment: Span, line: list[Span] | None) -> list[Span] | None:
        """Place a comment behind entry `after` (-1: the opening bracket). Gives the list of the line that it ends."""
        if line and _goes_on(line[-1], comment):
            line.append(comment)
            return line
        if after >= 0 and not has_new_line(where.entries[after].span, comment):
            return self.trailing.setdefault(where.entries[after].span, [comment])
        if after < 0 and comment.source.text[: comment.start].rstrip(" \t\r\f")[-1:] in ("(", "[", "{"):
            return self.opening.setdefault(where.key, [comment])
        if after + 1 < len(where.entries):
            self.leading.setdefault(where.entries[after + 1].span, []).append(comment)
        else:
            self.closing.setdefault(where.key, []).append(comment)
        return None

    def _within(self, entry: Any, comments: Sequence[Span]) -> list[Span]:
        """Hand the comments within an entry to the lists in it; gives those that stand in none."""
        starts = [comment.start for comment in comments]
        rest: list[Span] = []
        done = 0
        for where, in_pipe in lists(entry):
            low = bisect_left(starts, where.start, done)
            high = bisect_left(starts, where.end, low)
            rest += comments[done:low]
            rest += self._attach(where, comments[low:high], in_pipe)
            done = high
        return [*rest, *comments[done:]]


def lists(node: Any) -> list[tuple[Entries, bool]]:
    """The outermost lists in a node, in the order of the text, and whether each is a pipeline."""
    found: list[tuple[Entries, bool]] = []
    todo = [node]
    while todo:
        match todo.pop():
            case Entries() as entries:
                found.append((entries, False))
            case t.Pipe(span=span, stages=stages):
                found.append((Entries(span, span.start, span.end, stages), True))
            case t.If(test=test, body=body, otherwise=otherwise):
                todo += [otherwise, *_around_else(body, otherwise), body, test]
            case Span():
                pass
            case tuple() as parts:
                own, inner = _own(parts)
                found += [(own, False)] if own else []
                todo += reversed(inner)
    return found


def _own(node: Any) -> tuple[Entries | None, Sequence[Any]]:
    """The list that a node itself holds, if any, and the parts in which there may be others."""
    match node:
        case t.Body():
            return _statements(node), ()
        case t.Sequence(span=span, items=items):
            return Entries(span, span.start, span.end, items), ()
        case t.Call(span=span, callee=callee, arguments=arguments, body=body, parens=parens):
            end = body.span.start if body else span.end
            return Entries(span, callee.end, end, arguments) if arguments or parens else None, (body,)
        case t.Block(span=span, name_span=name, parameters=parameters, body=body):
            return Entries(span, name.end, body.span.start, parameters), (body,)
        case t.Section(span=span, settings=settings) | t.Variant(span=span, settings=settings):
            return Entries(span, span.start, span.end, settings), ()
        case _:
            return None, node


def _statements(body: t.Body) -> Entries:
    return Entries(body.span, body.span.start, body.span.end, [part for branch in body.branches for part in branch])


def _around_else(body: t.Body, otherwise: Any) -> list[Entries]:
    """What stands before and behind `else` goes into the body that follows."""
    if otherwise is None:
        return []
    following = _statements(otherwise.body if isinstance(otherwise, t.If) else otherwise)
    return [following._replace(start=body.span.end, end=otherwise.span.start)]


def _goes_on(first: Span, second: Span) -> bool:
    """Whether a comment alone on its line goes on with the one above it, in the same column."""
    return second.line == first.line + 1 and column(first) == column(second) and _line_before(second).isspace()


def _line_before(span: Span) -> str:
    text = span.source.text
    return text[text.rfind("\n", 0, span.start) + 1 : span.start]


def column(span: Span) -> int:
    """Where a span begins on its line, tabs counted to their stops."""
    return len(_line_before(span).expandtabs(TAB))


def has_new_line(first: Span, second: Span) -> bool:
    """Whether a new line stands between two spans; never between two sources."""
    return first.source is second.source and "\n" in first.source.text[first.end : second.start]


def blank_before(span: Span) -> bool:
    """Whether the line before a span is empty. The `|` of a branch belongs to its first statement."""
    text, at, lines = span.source.text, span.start, 0
    while at > 0 and (text[at - 1].isspace() or text[at - 1] == "|"):
        at -= 1
        lines += text[at] == "\n"
    return lines > 1
