"""`folder`: a folder of class folders of image files. Here they are listed; `survey` opens them."""

import os
from collections.abc import Iterator
from pathlib import Path

import torch

from specc.backend.data.places import Where, places, unreadable
from specc.backend.data.raw import Files, Part, Raw
from specc.errors import SpeccError
from specc.values import Args

LITTER = {"Thumbs.db", "desktop.ini"}  # what file managers leave behind; so are names that begin with a dot
PICTURES = {".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"}
TEST_NAMES = ("val", "valid", "validation", "test")


def read_folder(a: Args, where: Where) -> Raw:
    """The image files of a folder, sorted by name; a class is a folder, its number its place in the sorted names.

    Where the folder holds a folder `train` that holds folders, that is the training part, and the first of `val`,
    `valid`, `validation` and `test` is the test part; `test` goes first where the spec asks for it.

    Raises SpeccError: E403 no such folder, E404 no images, a class without images or fewer than two classes, E407 test
    classes that are not the training classes.
    """
    root = find_path(a.path, where, "folder")
    train = root / "train"
    if not (train.is_dir() and any(entry.is_dir() for entry in _entries(train))):
        return Raw(*_part(root, root), None)
    classes, part = _part(root, train)
    names = ("test", *TEST_NAMES) if where.test else TEST_NAMES
    test = next((root / name for name in names if (root / name).is_dir()), None)
    if test is None:
        return Raw(classes, part, None)
    test_classes, test_part = _part(root, test)
    if test_classes != classes:
        extra = [name for name in test_classes if name not in classes]
        lacking = [name for name in classes if name not in test_classes]
        lines = [f"{test} does not have the classes of {train}"]
        lines += [f"only in {place.name}: {few(names)}" for place, names in ((test, extra), (train, lacking)) if names]
        raise SpeccError("E407", "\n".join(lines), help="both need a folder of the same name for every class", status=1)
    return Raw(classes, part, test_part)


def find_path(text: str, where: Where, kind: str) -> Path:
    """A path as a spec gives it: from the spec's folder, or else from the places where data is looked for.

    kind: "folder" or "file". Raises SpeccError E403 where there is none.
    """
    given = Path(text).expanduser()
    tried = [where.base / given, *(place / given for place in places(where.data_dir))]
    tried = list(dict.fromkeys(tried))
    for path in tried:
        if path.is_dir() if kind == "folder" else path.is_file():
            return path
    other = next((path for path in tried if path.exists()), None)
    if other is not None:
        what = "a file" if other.is_file() else "a folder"
        raise SpeccError("E403", f"{other} is {what}; `source` needs a {kind} here", help=_suggestion(other, kind))
    lines = [f"there is no {kind} {text}", *(f"looked for {path}" for path in tried)]
    raise SpeccError("E403", "\n".join(lines), help="correct the path in `source`, or give the place with --data-dir")


def _suggestion(path: Path, kind: str) -> str:
    return f'write npz("{path}")' if kind == "folder" and path.suffix == ".npz" else f"give the path of a {kind}"


def _part(root: Path, folder: Path) -> tuple[tuple[str, ...], Part]:
    """The classes of a folder, and its files."""
    entries = _entries(folder)
    classes = [entry for entry in entries if entry.is_dir()]
    loose = [entry.name for entry in entries if not entry.is_dir() and Path(entry.name).suffix.lower() in PICTURES]
    if loose:
        raise _unfit(f"{folder} holds images that are in no class folder: {few(loose)}")
    if not classes:
        raise _unfit(f"{folder} holds no class folders" if entries else f"{folder} is empty")
    names: list[str] = []
    labels: list[int] = []
    prefix = "" if folder == root else f"{folder.name}/"
    for number, entry in enumerate(classes):
        names += _files(Path(entry.path), f"{prefix}{entry.name}/", frozenset())
        labels += [number] * (len(names) - len(labels))
    filled = set(labels)
    empty = [entry.name for number, entry in enumerate(classes) if number not in filled]
    if empty:
        raise _unfit(f"{folder} has class folders without a file: {few(empty)}")
    if len(classes) < 2:
        raise _unfit(f"{folder} holds only one class, {classes[0].name}")
    return tuple(entry.name for entry in classes), Part(Files(root, names), torch.tensor(labels))


def _unfit(message: str) -> SpeccError:
    help = "put the images of each class into a folder of its own, at least two such folders side by side"
    return SpeccError("E404", message, help=help, status=1)


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    """What is in a folder, sorted, without hidden files and litter."""
    try:
        with os.scandir(folder) as found:
            entries = sorted(found, key=lambda entry: entry.name)
    except OSError as error:
        raise unreadable(folder, error) from None
    return [entry for entry in entries if not entry.name.startswith(".") and entry.name not in LITTER]


def _files(folder: Path, prefix: str, above: frozenset[tuple[int, int]]) -> Iterator[str]:
    """The names of all files below a folder, in order. Links are followed, but not into a folder that is `above`."""
    status = folder.stat()
    own = (status.st_dev, status.st_ino)
    if own in above:
        return
    for entry in _entries(folder):
        if entry.is_dir():
            yield from _files(Path(entry.path), f"{prefix}{entry.name}/", above | {own})
        else:
            yield prefix + entry.name


def few(names: list[str], most: int = 5) -> str:
    """The first few of a list for a message, and how many more there are."""
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
