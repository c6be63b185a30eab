"""The specs of a workspace, which may extend one another."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from specc.check.gather.files import Load, parse_files
from specc.check.problems import Problems
from specc.errors import SpeccError
from specc.lsp.names import Names
from specc.lsp.resolve import resolve
from specc.reading import read_source
from specc.source import Source
from specc.syntax import tree as t
from specc.syntax.depth import deep_recursion

MOST_FILES = 1000
MOST_FOLDERS = 5000
SKIPPED = frozenset({"node_modules", "__pycache__", "site-packages", "runs"})


class Whole(NamedTuple):
    """A spec with what it extends, after it."""

    files: list[t.File]

    @property
    def source(self) -> Source:
        return self.files[0].source

    @property
    def names(self) -> Names:
        return resolve(self.files)


def specs(folders: Iterable[Path], opened: Iterable[Source], load: Load) -> Iterator[Whole]:
    """The specs that are open, and those in the folders; what cannot be read is left out."""
    sources = {source.path: source for source in opened}
    for path in _paths(folders):
        if path not in sources:
            try:
                sources[path] = read_source(path)
            except (SpeccError, OSError):
                continue
    for source in sources.values():
        with deep_recursion():
            files = parse_files(source, load, Problems())
        if files is not None:
            yield Whole(files.trees)


def _paths(folders: Iterable[Path]) -> Iterator[str]:
    """The `.cnn` files below folders, in order; not those in hidden folders, environments and runs."""
    files = visited = 0
    for root in folders:
        for folder, below, names in os.walk(root):
            below[:] = sorted(name for name in below if not name.startswith(".") and name not in SKIPPED)
            visited += 1
            for name in sorted(names):
                if name.endswith(".cnn"):
                    files += 1
                    yield os.path.normpath(Path(folder) / name)
            if files >= MOST_FILES or visited >= MOST_FOLDERS:
                return
