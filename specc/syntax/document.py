"""Text that knows where it may be broken into lines, and the choice of where it is.

After Wadler, "A prettier printer" (2003): a group stands on one line where it fits, else each of its breaks is a new
line. A `Fill` breaks only where the next item does not fit. A comment at a line's end is a `Suffix`: it takes no room
and waits for the next new line.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from specc.source import Span

WIDTH = 120
INDENT = 2
DEEPEST = 80  # columns; what is nested deeper is indented no further


class Break(NamedTuple):
    """`flat` if its group is on one line, else a new line; `blank` leaves an empty line before that."""

    flat: str = " "
    blank: bool = False
    always: bool = False


class Group(NamedTuple):
    """On one line where it fits, unless `broken`. `within`: it has several lines in any case, though its own breaks may
    not be among them."""

    doc: Any
    broken: bool = False
    within: bool = False


class Indent(NamedTuple):
    """A part that is indented if the group is broken."""

    doc: Any


class IfBroken(NamedTuple):
    """Text that is printed only if the group is broken."""

    text: str


class Suffix(NamedTuple):
    """Comments at the end of the line: the first on it, the others below the first."""

    comments: tuple[Span, ...]


class Item(NamedTuple):
    """One item of a `Fill`; `begins_line`: the author, or a comment, has it begin a line."""

    doc: Any
    begins_line: bool = False
    blank: bool = False


class Fill(NamedTuple):
    """Items with spaces between them, broken where the next one does not fit. `hanging`: later lines are indented."""

    items: Sequence[Item]
    hanging: bool = False
    at: int = 0

    def following(self) -> list[Any]:
        """The fill from the next item on, if there is one."""
        return [self._replace(at=self.at + 1)] if self.at + 1 < len(self.items) else []


HARD = Break(always=True)
Doc = str | list[Any] | Break | Group | Indent | IfBroken | Suffix | Fill
Stack = list[tuple[int, bool, Doc]]


class Line(NamedTuple):
    """A line of the result: its text with indentation, and the comment at its end."""

    text: str
    comment: Span | None = None


class Writer:
    """The lines so far, and the one that is being written."""

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self.parts: list[str] = []
        self.column = 0
        self.comments: list[Span] = []

    def write(self, text: str) -> None:
        self.parts.append(text)
        self.column += len(text)

    def end_line(self, indent: int, blank: bool) -> None:
        self.lines.append(Line("".join(self.parts), self.comments[0] if self.comments else None))
        self.lines += [Line("", comment) for comment in self.comments[1:]]
        if blank:
            self.lines.append(Line(""))
        self.parts, self.comments, self.column = [" " * indent], [], indent


def render(doc: Doc) -> list[Line]:
    """The lines of a document."""
    writer = Writer()
    stack: Stack = [(0, True, doc)]
    while stack:
        indent, broken, doc = stack.pop()
        match doc:
            case str():
                writer.write(doc)
            case list():
                stack += [(indent, broken, part) for part in reversed(doc)]
            case Break(flat=flat, blank=blank, always=always):
                if broken or always:
                    writer.end_line(indent, blank)
                else:
                    writer.write(flat)
            case Group(doc=inner):
                stack.append((indent, doc.broken or not _fits(WIDTH - writer.column, doc, stack), inner))
            case Indent(doc=inner):
                stack.append((min(indent + INDENT * broken, DEEPEST), broken, inner))
            case IfBroken(text=text):
                writer.write(text if broken else "")
            case Suffix(comments=comments):
                writer.comments += comments
            case Fill():
                _fill(doc, indent, broken, stack, writer)
    writer.end_line(0, blank=False)
    return writer.lines


def _fill(fill: Fill, indent: int, broken: bool, stack: Stack, writer: Writer) -> None:
    """Write the space or new line before the next item of a fill; put the item and the rest on the stack."""
    item, following = fill.items[fill.at], fill.following()
    if fill.at:
        if item.begins_line or not _fits(WIDTH - writer.column - 1, item.doc, [] if following else stack):
            indent = min(indent + INDENT * fill.hanging, DEEPEST)
            following = [rest._replace(hanging=False) for rest in following]
            writer.end_line(indent, item.blank)
        else:
            writer.write(" ")
    stack += [(indent, broken, part) for part in (*following, item.doc)]


def _fits(room: int, doc: Doc, rest: Stack) -> bool:
    """Whether `doc` on one line, and what follows it up to the first place where a line may end, fit into `room`."""
    todo: list[tuple[bool, Doc]] = [(False, doc)]
    following = len(rest)
    while room >= 0:
        if not todo:
            if following == 0:
                return True
            following -= 1
            todo.append(rest[following][1:])
        broken, doc = todo.pop()
        if isinstance(doc, str):
            room -= len(doc)
        elif isinstance(doc, Break):
            if broken or doc.always:
                return True
            room -= len(doc.flat)
        elif isinstance(doc, Fill):
            if doc.at and (broken or doc.items[doc.at].begins_line):
                return True
            room -= bool(doc.at)
            todo += [(broken, part) for part in (*doc.following(), doc.items[doc.at].doc)]
        elif isinstance(doc, IfBroken):
            room -= len(doc.text) * broken
        elif isinstance(doc, list):
            todo += [(broken, part) for part in reversed(doc)]
        elif isinstance(doc, Group | Indent):
            todo.append((broken or (isinstance(doc, Group) and doc.broken), doc.doc))
    return False


def on_one_line(doc: Doc) -> str | None:
    """The text of a document that stands on one line and fits there; None where it does not."""
    return render(doc)[0].text if not has_lines(doc) and _fits(WIDTH, doc, []) else None


def has_lines(doc: Doc) -> bool:
    """Whether a document has several lines however much room there is."""
    todo: list[Any] = [doc]
    while todo:
        match todo.pop():
            case list() as parts:
                todo += parts
            case Break(always=True) | Group(broken=True) | Group(within=True) | Suffix():
                return True
            case Indent(doc=inner):
                todo.append(inner)
            case Fill(items=items):
                if any(item.begins_line for item in items):
                    return True
                todo += [item.doc for item in items]
    return False
