"""How problems look: with their source lines for people, one line each for tools, plain data for JSON."""

import os
from collections.abc import Sequence
from typing import Any, NamedTuple, TextIO
from unicodedata import category, east_asian_width

from specc.diagnostics import Diagnostic
from specc.errors import HIDDEN, clean
from specc.fit import LEAST, fitted, width_of
from specc.source import Source, Span

WIDTH = 120  # columns of a source line that are shown; the rest is cut
EDGE = 12  # columns beside it: line number, bar, what says that it is cut
TAB = 4
_COLORS = {"error": "1;31", "warning": "1;33", "bold": "1", "frame": "34", "note": "1;36"}


class Style(NamedTuple):
    """What a stream can show. Without color and Unicode the text is the same everywhere."""

    color: bool = False
    unicode: bool = False
    width: int = 0  # of the terminal; 0: lines are as long as they are

    @property
    def dots(self) -> str:
        return "…" if self.unicode else "..."

    def paint(self, text: str, color: str) -> str:
        return f"\x1b[{_COLORS[color]}m{text}\x1b[0m" if self.color and text else text


PLAIN = Style()


def style_of(stream: TextIO) -> Style:
    """Color and Unicode for a terminal, unless NO_COLOR is set; plain text for everything else."""
    fancy = stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    is_utf8 = (stream.encoding or "").lower().replace("-", "") == "utf8"
    return Style(fancy, fancy and is_utf8, width_of(stream))


class _Mark(NamedTuple):
    """A span to underline, with what is said about it."""

    span: Span
    text: str
    main: bool


class _Piece(NamedTuple):
    """The part of a mark that lies on one line: columns `start` up to, not including, `end`, from 0, in characters."""

    line: int
    start: int
    end: int
    text: str
    main: bool


def render(diagnostic: Diagnostic, style: Style = PLAIN) -> str:
    """A problem with its source lines, its spans underlined, its notes and its help; no line ending at the end."""
    d = diagnostic
    marks = [_Mark(d.span, d.label, True), *(_Mark(label.span, label.text, False) for label in d.labels)]
    sources = list(dict.fromkeys(mark.span.source for mark in marks))
    pieces = {source: [p for mark in marks if mark.span.source is source for p in _pieces(mark)] for source in sources}
    gutter = max(len(str(piece.line)) for found in pieces.values() for piece in found)
    lines = [headline(d.code, d.message, d.severity, style)]
    for source in sources:
        place = next(mark.span.place for mark in marks if mark.span.source is source)
        arrow = "-->" if source is d.span.source else ":::"
        lines.append(f"{' ' * gutter}{style.paint(arrow, 'frame')} {clean(place)}")
        lines += _snippet(source, pieces[source], gutter, d.severity, style)
    if d.notes or d.help:
        lines.append(_edge(gutter, "", style))
    lines += [_remark(note, gutter, style) for note in d.notes]
    if d.help:
        lines.append(_remark(f"help: {d.help}", gutter, style))
    return "\n".join(lines)


def headline(code: str, message: str, severity: str = "error", style: Style = PLAIN) -> str:
    """`error[E301]: the branches of `add` have different shapes`."""
    head = f"{severity}[{code}]"
    first, *rest = fitted(f"{head}: {clean(message)}", style.width, "  ").split("\n")
    lines = [style.paint(head, severity) + style.paint(first.removeprefix(head), "bold")]
    return "\n".join([*lines, *(style.paint(line, "bold") for line in rest)])


def render_error(code: str, message: str, help: str = "", style: Style = PLAIN) -> str:
    """A problem that has no place in a source. What follows the first line of the message stands below it."""
    first, _, rest = message.partition("\n")
    remarks = [text for text in (rest, help and f"help: {help}") if text]
    return "\n".join([headline(code, first, style=style), *(_remark(text, 1, style) for text in remarks)])


def concise(diagnostic: Diagnostic) -> str:
    """`net.cnn:14:3: error[E301]: the branches of `add` have different shapes (32 x 8 x 8, 16 x 8 x 8)`.

    Shapes that stand under the source elsewhere follow the message, and so does the name that was probably meant.
    """
    d = diagnostic
    texts = [d.label, *(label.text for label in d.labels)] if d.code.startswith("E3") else []
    shapes = ", ".join(text for text in texts if text.removeprefix("input: ") not in d.message)
    message = d.message + (f" ({shapes})" if shapes else "")
    message += f"; {d.help}" if d.help.startswith("did you mean ") else ""
    return clean(f"{d.span.place}: ") + headline(d.code, message, d.severity)


def as_json(diagnostic: Diagnostic) -> dict[str, Any]:
    """A problem as `check --json` gives it. Lines and columns count from 1; `end_column` is just behind the span."""
    d = diagnostic
    return {
        "code": d.code,
        "severity": d.severity,
        "message": d.message,
        **_place(d.span),
        "label": d.label,
        "labels": [{**_place(label.span), "text": label.text} for label in d.labels],
        "notes": list(d.notes),
        "help": d.help,
        "fixable": d.fix is not None,
    }


def count(diagnostics: Sequence[Diagnostic], severity: str) -> int:
    return sum(d.severity == severity for d in diagnostics)


def summary(diagnostics: Sequence[Diagnostic]) -> str:
    """`2 errors, 1 warning`, or `no problems`."""
    numbers = [(count(diagnostics, severity), severity) for severity in ("error", "warning")]
    counts = [f"{number} {severity}{'s' if number > 1 else ''}" for number, severity in numbers if number]
    return ", ".join(counts) or "no problems"


def _place(span: Span) -> dict[str, Any]:
    (line, column), (end_line, end_column) = span.source.position(span.start), span.source.position(span.end)
    return {"file": span.source.path, "line": line, "column": column, "end_line": end_line, "end_column": end_column}


def _pieces(mark: _Mark) -> list[_Piece]:
    """A mark on one line is one piece; a longer one is underlined on its first and its last line."""
    source, start = mark.span.source, mark.span.start
    end = max(start, start + len(mark.span.text.rstrip()))
    (line, column), (end_line, end_column) = source.position(start), source.position(end)
    if line == end_line:
        return [_Piece(line, column - 1, max(column, end_column - 1), mark.text, mark.main)]
    first, last = source.line(line), source.line(end_line)
    return [
        _Piece(line, column - 1, max(column, len(first.rstrip())), "", mark.main),
        _Piece(end_line, len(last) - len(last.lstrip()), end_column - 1, mark.text, mark.main),
    ]


def _snippet(source: Source, pieces: list[_Piece], gutter: int, severity: str, style: Style) -> list[str]:
    """The lines that hold pieces, with their underlines. One line between two of them is shown, more are left out."""
    lines, last = [_edge(gutter, "", style)], 0
    for number in sorted({piece.line for piece in pieces}):
        if last and number - last == 2:
            lines.append(_edge(gutter, _Row(source.line(last + 1), [], style).code, style, last + 1))
        elif last and number - last > 2:
            lines.append(style.paint(style.dots, "frame"))
        for row in _rows(source.line(number), sorted(p for p in pieces if p.line == number), style):
            lines.append(_edge(gutter, row.code, style, number))
            lines += [_edge(gutter, row.underline(group, severity), style) for group in row.groups()]
        last = number
    return lines


def _edge(gutter: int, text: str, style: Style, number: int | None = None) -> str:
    """A line of a snippet: the gutter, with a line number where one is given, the bar and the text."""
    head = f"{'' if number is None else number:>{gutter}} {'│' if style.unicode else '|'}"
    return f"{style.paint(head, 'frame')} {text}".rstrip()


def _remark(text: str, gutter: int, style: Style) -> str:
    head, _, rest = text.partition(": ") if text.startswith("help: ") else ("", "", text)
    first = style.paint(f"{head}:", "note") + " " if head else ""
    indent = "\n" + " " * (gutter + 3 + (len(head) + 2 if head else 0))
    room = max(style.width - len(indent) + 1, 20) if style.width else 0
    cleaned = [fitted(clean(line), room) for line in rest.splitlines() or [""]]
    body = indent.join(piece for line in cleaned for piece in line.split("\n"))
    return f"{' ' * gutter} {style.paint('=', 'frame')} {first}{body}"


class _Row:
    """One source line as it is shown: tabs expanded, hidden characters escaped, cut around its pieces where it is long.

    `columns[i]` is the column at which character `i` begins; columns `cut` up to `right` are shown.
    """

    def __init__(self, line: str, pieces: list[_Piece], style: Style) -> None:
        cells, self.columns = [], [0]
        for character in line:
            text, width = _cell(character, self.columns[-1])
            cells.append(text)
            self.columns.append(self.columns[-1] + width)
        self.pieces, self.style, self.cut = pieces, style, 0
        self.right = self.columns[-1]
        shown = min(WIDTH, max(style.width - EDGE, LEAST)) if style.width else WIDTH
        if self.right > shown:
            first, last = (pieces[0].start, max(p.end for p in pieces)) if pieces else (0, 0)
            self.cut = 0 if self.column(last) <= shown else max(0, self.column(first) - shown // 6)
            self.right = self.cut + shown
        inside = [cell for cell, at in zip(cells, self.columns, strict=False) if self.cut <= at < self.right]
        before, after = style.dots * (self.cut > 0), style.dots * (self.right < self.columns[-1])
        self.code = before + "".join(inside) + after

    def column(self, character: int) -> int:
        """The column, on the whole line, at which a character begins. Behind the end each counts for one."""
        return self.columns[min(character, len(self.columns) - 1)] + max(0, character - len(self.columns) + 1)

    def groups(self) -> list[list[_Piece]]:
        """Pieces that share an underline: all, where none overlaps and only the last says something; else one each."""
        apart = all(left.end <= right.start for left, right in zip(self.pieces, self.pieces[1:], strict=False))
        silent = not any(piece.text for piece in self.pieces[:-1])
        return [self.pieces] if apart and silent else [[piece] for piece in self.pieces]

    def underline(self, pieces: list[_Piece], severity: str) -> str:
        shift = len(self.style.dots) - self.cut if self.cut else 0
        text, at = "", 0
        for piece in pieces:
            start = max(self.column(piece.start), self.cut) + shift
            end = min(self.column(piece.end), max(self.right, self.cut + 1)) + shift
            sign = ("━" if piece.main else "─") if self.style.unicode else ("^" if piece.main else "-")
            color = severity if piece.main else "frame"
            words = f" {clean(piece.text)}" if piece.text else ""
            text += " " * (start - at) + self.style.paint(sign * max(1, end - start) + words, color)
            at = max(end, start + 1)
        return text


def _rows(line: str, pieces: list[_Piece], style: Style) -> list[_Row]:
    """One row, or one for each piece where a long line cannot show them all at once."""
    row = _Row(line, pieces, style)
    fits = all(row.column(piece.start) <= row.right for piece in pieces)
    return [row] if fits else [_Row(line, [piece], style) for piece in pieces]


def _cell(character: str, column: int) -> tuple[str, int]:
    """How a character is shown at a column, and how many columns that takes."""
    if character == "\t":
        width = TAB - column % TAB
        return " " * width, width
    kind = category(character)
    if kind in HIDDEN:
        return clean(character), len(clean(character))
    if kind in ("Mn", "Me"):
        return character, 0
    return character, 2 if east_asian_width(character) in "WF" else 1
