"""What stands in quotes: files, models of the zoo, published weights."""

import os
from collections.abc import Iterator
from pathlib import Path

from lsprotocol import types as lsp

from specc.lsp.cursor import Cursor
from specc.reading import ZOO, base_of
from specc.source import Source
from specc.zoo import models
from specc.zoo.weights import published

MOST_FILES = 500  # of a folder
Kinds = lsp.CompletionItemKind


def quoted(cursor: Cursor, source: Source) -> Iterator[lsp.CompletionItem]:
    """What may follow in the quotes at a place."""
    frame, typed = cursor.frame, cursor.string or ""
    if frame.bracket == "" and frame.tokens[:1] == ["extends"]:
        yield from (_whole(f"{ZOO}{name}", typed, Kinds.Module, family.title) for name, family in models().items())
        yield from _files(typed, source, ".cnn")
    elif frame.owner == "pretrained":
        yield from (_whole(name, typed, Kinds.Module, one.license) for name, one in published().items())
    else:
        yield from _files(typed, source, "")


def _whole(name: str, typed: str, kind: lsp.CompletionItemKind, detail: str) -> lsp.CompletionItem:
    """A name that has colons and slashes: clients replace only the last word of what is typed."""
    insert = name[max(typed.rfind(sign) for sign in ":/.") + 1 :] if name.startswith(typed) else name
    return lsp.CompletionItem(name, kind=kind, detail=detail, insert_text=insert, filter_text=insert)


def _files(typed: str, source: Source, suffix: str) -> Iterator[lsp.CompletionItem]:
    """The files and folders where the path that is typed leads; folders first."""
    folder = Path(os.path.normpath(base_of(Path(source.path)) / typed.rpartition("/")[0]))
    try:
        with os.scandir(folder) as entries:
            found = sorted(
                (not entry.is_dir(), entry.name) for entry, _ in zip(entries, range(MOST_FILES), strict=False)
            )
    except (OSError, ValueError):
        return
    for is_file, name in found:
        if name.startswith(".") or (is_file and not name.endswith(suffix)):
            continue
        kind = Kinds.File if is_file else Kinds.Folder
        yield lsp.CompletionItem(name if is_file else f"{name}/", kind=kind, sort_text=f"{is_file:d}{name}")
