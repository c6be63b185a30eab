"""The canonical layout, of a whole text or of some of its lines."""

from lsprotocol import types as lsp

from specc.lsp.edits import applied, hunks, text_edits
from specc.lsp.positions import Positions
from specc.source import Source
from specc.syntax.format import format_source, same
from specc.syntax.parse import parse


def formatting(source: Source, encoding: str, area: lsp.Range | None = None) -> list[lsp.TextEdit] | None:
    """What brings a text into the canonical layout; None where it has syntax errors. area: only lines in it change."""
    formatted = format_source(source).text
    if formatted is None:
        return None
    positions = Positions(source, encoding)
    changes = list(hunks(source.text, formatted))
    if area is not None:
        start, end = positions.offsets(area)
        changes = [hunk for hunk in changes if hunk.start <= end and start <= hunk.end]
        if not _means_the_same(source, applied(source.text, changes)):
            return []  # these lines cannot be formatted without others
    return text_edits(changes, positions)


def _means_the_same(source: Source, text: str) -> bool:
    before, after = parse(source), parse(Source(source.path, text))
    if before.tree is None or after.tree is None or after.diagnostics:
        return False
    return same(before.tree, after.tree)
