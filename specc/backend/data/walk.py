"""What is in a folder, and below it."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from specc.backend.data.places import unreadable

# What file managers leave behind, in lower case; so are names that begin with a dot.
LITTER = {"thumbs.db", "ehthumbs.db", "desktop.ini", "__macosx", "@eadir"}
ABOVE = -1  # instead of a class: a folder that holds the classes

Identity = tuple[int, int]


class Walked(NamedTuple):
    """files: for each class the names of its files, in order. left: links that lead out of their class into another
    one, or to a folder that holds the classes, and were not followed."""

    files: list[list[str]]
    left: list[str]


def is_text(name: str) -> bool:
    """Whether a name can be written as UTF-8; the system's may be any bytes."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def entries_of(folder: Path) -> list[os.DirEntry[str]]:
    """What is in a folder, sorted, without hidden files and litter. Raises SpeccError E410."""
    try:
        with os.scandir(folder) as entries:
            found = sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        raise unreadable(folder, error) from None
    return [entry for entry in found if not entry.name.startswith(".") and entry.name.lower() not in LITTER]


def is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether it is a folder or a link to one. A link that leads nowhere counts as a file: opening it names it."""
    try:
        return entry.is_dir()
    except OSError:
        return False


def walk(classes: Sequence[tuple[Path, str]]) -> Walked:
    """All files below the folders of the classes, each given with the prefix of its files' names.

    Links are followed, after all folders that are no links, and each folder is read once: one that is met again, as by
    a link that runs in a circle, holds nothing new for its own class, and nothing that is another's.

    Raises SpeccError E410.
    """
    walking = _Walk(len(classes))
    for owner, (top, prefix) in enumerate(classes):
        walking.read(owner, top, prefix)
    for top, _ in classes:
        for folder in top.resolve().parents:
            walking.owners.setdefault(_identity(folder), ABOVE)
    left = walking.follow()
    return Walked([sorted(names, key=lambda name: name.split("/")) for names in walking.files], left)


class _Walk:
    """Whose each folder is that was read, the files of each class, and the links that were met, each with its class."""

    def __init__(self, classes: int) -> None:
        self.owners: dict[Identity, int] = {}
        self.files: list[list[str]] = [[] for _ in range(classes)]
        self.links: list[tuple[int, Path, str]] = []

    def read(self, owner: int, top: Path, prefix: str) -> None:
        """Read a folder and all below it, but for links to folders and what was read before."""
        to_read = [(top, prefix)]
        while to_read:
            folder, prefix = to_read.pop()
            identity = _identity(folder)
            if identity in self.owners:
                continue
            self.owners[identity] = owner
            for entry in entries_of(folder):
                inner = f"{prefix}{entry.name}/"
                if not is_folder(entry):
                    self.files[owner].append(prefix + entry.name)
                elif entry.is_symlink():
                    self.links.append((owner, Path(entry.path), inner))
                else:
                    to_read.append((Path(entry.path), inner))

    def follow(self) -> list[str]:
        """Read what the links lead to; give those that lead to what is not their class's."""
        left = []
        for owner, path, prefix in self.links:  # which grows on the way
            holder = self.owners.get(_identity(path))
            if holder is None:
                self.read(owner, path, prefix)
            elif holder != owner:
                left.append(prefix.removesuffix("/"))
        return left


def _identity(folder: Path) -> Identity:
    try:
        status = folder.stat()
    except OSError as error:
        raise unreadable(folder, error) from None
    return status.st_dev, status.st_ino
