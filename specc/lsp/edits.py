"""Changes of texts, as an editor applies them."""

from collections.abc import Iterator, Mapping
from difflib import SequenceMatcher
from typing import NamedTuple

from lsprotocol import types as lsp

from specc.lsp.positions import Positions


class Hunk(NamedTuple):
    """Characters `start` up to `end` of a text, and what replaces them."""

    start: int
    end: int
    text: str


def hunks(before: str, after: str) -> Iterator[Hunk]:
    """What turns one text into another, by whole lines."""
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    starts = [0]
    for line in old:
        starts.append(starts[-1] + len(line))
    for kind, i, j, k, n in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "replace" and j - i == n - k:
            yield from (Hunk(starts[i + at], starts[i + at + 1], new[k + at]) for at in range(j - i))
        elif kind != "equal":
            yield Hunk(starts[i], starts[j], "".join(new[k:n]))


def applied(text: str, changes: list[Hunk]) -> str:
    """A text after changes that do not touch each other."""
    for hunk in sorted(changes, reverse=True):
        text = text[: hunk.start] + hunk.text + text[hunk.end :]
    return text


def text_edits(changes: list[Hunk], positions: Positions) -> list[lsp.TextEdit]:
    return [lsp.TextEdit(positions.range((hunk.start, hunk.end)), hunk.text) for hunk in changes]


def workspace_edit(edits: Mapping[str, list[lsp.TextEdit]], versions: Mapping[str, int]) -> lsp.WorkspaceEdit:
    """Changes of several files. versions: of those that are open, which are to be refused where they went on."""
    return lsp.WorkspaceEdit(
        document_changes=[
            lsp.TextDocumentEdit(lsp.OptionalVersionedTextDocumentIdentifier(uri, versions.get(uri)), list(changes))
            for uri, changes in edits.items()
        ]
    )
