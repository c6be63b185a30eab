"""The texts that are open in the editor, as it edits them."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from lsprotocol import types as lsp

from specc.lsp.positions import Positions, normal
from specc.source import Source
from specc.zoo import FAMILIES, FOLDER, PREFIX


class Edit(NamedTuple):
    """A replacement in a text: from offset `start` up to `end`, by `length` characters."""

    start: int
    end: int
    length: int

    def moved(self, offset: int) -> int | None:
        """Where an offset is after the edit; None where it was replaced."""
        if offset <= self.start:
            return offset
        return offset + self.length - (self.end - self.start) if offset >= self.end else None


class Document:
    """A text that is open. version: the editor's number for it."""

    def __init__(self, uri: str, text: str, version: int, encoding: str) -> None:
        self.uri, self.version, self.encoding = uri, version, encoding
        self.path = path_of(uri)
        self.source = Source(self.path, normal(text))

    @property
    def positions(self) -> Positions:
        return Positions(self.source, self.encoding)

    def change(self, changes: Sequence[lsp.TextDocumentContentChangeEvent], version: int) -> list[Edit]:
        """Apply what the editor changed, in this order."""
        edits = []
        for change in changes:
            text, new = self.source.text, normal(change.text)
            start, end = 0, len(text)
            if isinstance(change, lsp.TextDocumentContentChangePartial):
                start, end = self.positions.offsets(change.range)
            edits.append(Edit(start, end, len(new)))
            self.source = Source(self.path, text[:start] + new + text[end:])
        self.version = version
        return edits


def path_of(uri: str) -> str:
    """The path of a file, as sources are named; of what is no file (`untitled:Untitled-1`), its address."""
    from pygls.uris import to_fs_path  # the rest of the server does without pygls, as the playground has to

    path = to_fs_path(uri) if uri.startswith("file:") else None
    return os.path.normpath(path) if path else uri


def uri_of(path: str) -> str | None:
    """The address of the file that a source was read from; None for a model of the zoo, which has no file."""
    from pygls.uris import from_fs_path

    if path.startswith(PREFIX):
        folder, _, family = path.removeprefix(PREFIX).rpartition("/")
        return (FOLDER / f"{family}.cnn").as_uri() if folder == FAMILIES else None
    return from_fs_path(path) if Path(path).is_absolute() else path
