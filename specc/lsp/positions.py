"""Places in a text: offsets in characters here, lines and columns in the client's units there."""

from bisect import bisect_right

from lsprotocol import types as lsp

from specc.source import Source, Span

UNITS = {"utf-8": 1, "utf-16": 2, "utf-32": 4}  # bytes of a unit
CODECS = {"utf-8": "utf-8", "utf-16": "utf-16-le", "utf-32": "utf-32-le"}


def normal(text: str) -> str:
    """A text with `\\n` as its line endings, and a blank for a byte order mark. Lines and columns stay the same."""
    if text.startswith("\ufeff"):
        text = f" {text[1:]}"
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


class Positions:
    """Converts places of one source. encoding: the unit of a column: "utf-8", "utf-16" or "utf-32"."""

    __slots__ = ("codec", "source", "unit")

    def __init__(self, source: Source, encoding: str) -> None:
        self.source = source
        self.unit, self.codec = UNITS[encoding], CODECS[encoding]

    def offset(self, position: lsp.Position) -> int:
        """The offset of a position; that of the line's end where it has no such column, of the text's where no line."""
        starts = self.source.line_starts
        if position.line >= len(starts):
            return len(self.source.text)
        start = starts[position.line]
        end = starts[position.line + 1] - 1 if position.line + 1 < len(starts) else len(self.source.text)
        line = self.source.text[start:end]
        if line.isascii() or self.unit == 4:
            return start + min(position.character, len(line))
        head = line.encode(self.codec, "surrogatepass")[: position.character * self.unit]
        return start + len(head.decode(self.codec, "ignore"))

    def position(self, offset: int) -> lsp.Position:
        """The position of an offset."""
        starts = self.source.line_starts
        line = bisect_right(starts, offset) - 1
        head = self.source.text[starts[line] : offset]
        width = len(head) if head.isascii() else len(head.encode(self.codec, "surrogatepass")) // self.unit
        return lsp.Position(line, width)

    def range(self, span: Span | tuple[int, int]) -> lsp.Range:
        """The range of a span of this source, or of a pair of offsets."""
        start, end = (span.start, span.end) if isinstance(span, Span) else span
        return lsp.Range(self.position(start), self.position(end))

    def offsets(self, area: lsp.Range) -> tuple[int, int]:
        """The offsets of a range, which may be given the wrong way round."""
        start, end = self.offset(area.start), self.offset(area.end)
        return min(start, end), max(start, end)
