"""`folder`: a folder of class folders of image files. Here they are listed; `survey` opens them."""

import os
from pathlib import Path

import torch

from specc.backend.data.places import Where, few, places, unreadable
from specc.backend.data.raw import Files, Part, Raw
from specc.errors import SpeccError, clean
from specc.values import Args

# What file managers leave behind, in lower case; so are names that begin with a dot.
LITTER = {"thumbs.db", "ehthumbs.db", "desktop.ini", "__macosx", "@eadir"}
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
    notes = outside(root, where)
    train = root / "train"
    if not (train.is_dir() and any(_is_folder(entry) for entry in _entries(train))):
        return Raw(*_part(root, root, a.skip_broken), None, notes)
    classes, part = _part(root, train, a.skip_broken)
    names = ("test", *TEST_NAMES) if where.test else TEST_NAMES
    test = next((root / name for name in names if (root / name).is_dir()), None)
    if test is None:
        return Raw(classes, part, None, notes)
    test_classes, test_part = _part(root, test, a.skip_broken)
    if test_classes != classes:
        extra = [name for name in test_classes if name not in classes]
        lacking = [name for name in classes if name not in test_classes]
        lines = [clean(f"{test} does not have the classes of {train}")]
        lines += [f"only in {place.name}: {few(names)}" for place, names in ((test, extra), (train, lacking)) if names]
        raise SpeccError("E407", lines, help="both need a folder of the same name for every class", status=1)
    return Raw(classes, part, test_part, notes)


def outside(path: Path, where: Where) -> tuple[str, ...]:
    """A note for data that lie outside the spec's folder: that is allowed, and shown."""
    real = path.resolve()
    return () if real.is_relative_to(where.base.resolve()) else (f"the images are read from {clean(str(real))}",)


def find_path(text: str, where: Where, kind: str) -> Path:
    """A path as a spec gives it: from the spec's folder, or else from the places where data is looked for.

    kind: "folder" or "file". Raises SpeccError E403 where there is none.
    """
    try:
        tried = tried_paths(text, where)
        for path in tried:
            if path.is_dir() if kind == "folder" else path.is_file():
                return path
        other = next((path for path in tried if path.exists()), None)
    except OSError as error:  # a folder that may not be entered, a name that is too long
        raise no_path(text, error) from None
    if other is not None:
        what = "a file" if other.is_file() else "a folder" if other.is_dir() else "a pipe, a socket or a device"
        message = clean(f"{other} is {what}; `source` needs a {kind} here")
        raise SpeccError("E403", message, help=clean(_suggestion(other, kind)))
    lines = [f"there is no {kind} {text}", *(f"looked for {path}" for path in tried)]
    raise SpeccError("E403", lines, help="correct the path in `source`, or give the place with --data-dir")


def tried_paths(text: str, where: Where) -> list[Path]:
    """Where a path as a spec gives it may lead to, in order. Raises SpeccError E403 for the home of nobody."""
    try:
        given = Path(text).expanduser()
    except RuntimeError as error:
        raise no_path(text, error) from None
    return list(dict.fromkeys([where.base / given, *(place / given for place in places(where.data_dir))]))


def no_path(text: str, error: Exception) -> SpeccError:
    """E403: a path that the system does not even look for."""
    message = clean(f"{text} cannot be looked for: {getattr(error, 'strerror', None) or error}")
    return SpeccError("E403", message, help="correct the path in `source`")


def _suggestion(path: Path, kind: str) -> str:
    return f'write npz("{path}")' if kind == "folder" and path.suffix == ".npz" else f"give the path of a {kind}"


def _part(root: Path, folder: Path, skip_broken: bool) -> tuple[tuple[str, ...], Part]:
    """The classes of a folder, and its files."""
    entries = _entries(folder)
    classes = [entry for entry in entries if _is_folder(entry)]
    loose = [entry.name for entry in entries if entry not in classes and Path(entry.name).suffix.lower() in PICTURES]
    shown = clean(str(folder))
    if loose:
        raise _unfit(f"{shown} holds images that are in no class folder: {few(loose)}")
    if not classes:
        raise _unfit(f"{shown} holds no class folders" if entries else f"{shown} is empty")
    nameless = [entry.name for entry in classes if not is_text(entry.name)]
    if nameless:
        raise _unfit(f"{shown} has class folders whose names are not UTF-8, so no model can hold them: {few(nameless)}")
    names: list[str] = []
    labels: list[int] = []
    prefix = "" if folder == root else f"{folder.name}/"
    for number, entry in enumerate(classes):
        names += _files(Path(entry.path), f"{prefix}{entry.name}/")
        labels += [number] * (len(names) - len(labels))
    filled = set(labels)
    empty = [entry.name for number, entry in enumerate(classes) if number not in filled]
    if empty:
        raise _unfit(f"{shown} has class folders without a file: {few(empty)}")
    if len(classes) < 2:
        raise _unfit(f"{shown} holds only one class, {few([classes[0].name])}")
    return tuple(entry.name for entry in classes), Part(Files(root, names, skip_broken), torch.tensor(labels))


def _unfit(message: str) -> SpeccError:
    help = "put the images of each class into a folder of its own, at least two such folders side by side"
    return SpeccError("E404", message, help=help, status=1)


def is_text(name: str) -> bool:
    """Whether a name can be written as UTF-8; the system's may be any bytes."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    """What is in a folder, sorted, without hidden files and litter."""
    try:
        with os.scandir(folder) as found:
            entries = sorted(found, key=lambda entry: entry.name)
    except OSError as error:
        raise unreadable(folder, error) from None
    return [entry for entry in entries if not entry.name.startswith(".") and entry.name.lower() not in LITTER]


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether it is a folder or a link to one. A link that leads nowhere counts as a file: opening it names it."""
    try:
        return entry.is_dir()
    except OSError:
        return False


def _files(top: Path, prefix: str) -> list[str]:
    """The names of all files below a folder, in order. Links are followed, but each folder is read once: one that is
    met again, as by a link that runs in a circle, holds nothing new."""
    names: list[str] = []
    met: set[tuple[int, int]] = set()
    to_read = [(top, prefix)]
    while to_read:
        folder, prefix = to_read.pop()
        try:
            status = folder.stat()
        except OSError as error:
            raise unreadable(folder, error) from None
        own = (status.st_dev, status.st_ino)
        if own in met:
            continue
        met.add(own)
        entries = _entries(folder)
        inner = [entry for entry in entries if _is_folder(entry)]
        names += [prefix + entry.name for entry in entries if entry not in inner]
        to_read += [(Path(entry.path), f"{prefix}{entry.name}/") for entry in reversed(inner)]
    return sorted(names, key=lambda name: name.split("/"))
