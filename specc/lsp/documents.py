"""The texts that are open in the editor, as it edits them."""

import os
import re
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from lsprotocol import types as lsp

from specc.lsp.positions import Positions, normal
from specc.source import Source
from specc.zoo import FAMILIES, FOLDER, PREFIX

LINE_END = re.compile(r"\r\n|\r|\n")


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
    """A text that is open. version: the editor's number for it. written: with the line endings that the editor has."""

    def __init__(self, uri: str, text: str, version: int, encoding: str) -> None:
        self.uri, self.version, self.encoding = uri, version, encoding
        self.path = path_of(uri)
        self.written = text
        self.source = Source(self.path, normal(text))

    @property
    def positions(self) -> Positions:
        return Positions(self.source, self.encoding)

    def change(self, changes: Sequence[lsp.TextDocumentContentChangeEvent], version: int) -> list[Edit]:
        """Apply what the editor changed, in this order."""
        edits = []
        for change in changes:
            start, end = 0, len(self.source.text)
            first, last = 0, len(self.written)
            if isinstance(change, lsp.TextDocumentContentChangePartial):
                start, end = self.positions.offsets(change.range)
                first, last = self._as_written(start), self._as_written(end)
            edits.append(Edit(start, end, len(normal(change.text))))
            self.written = self.written[:first] + change.text + self.written[last:]
            self.source = Source(self.path, normal(self.written))
        self.version = version
        return edits

    def _as_written(self, offset: int) -> int:
        """Where an offset of the source is in the text as it is written, where a line may end in two characters."""
        if "\r\n" not in self.written:
            return offset
        lines = self.source.text.count("\n", 0, offset)
        return offset + sum(end[0] == "\r\n" for end in islice(LINE_END.finditer(self.written), lines))


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
