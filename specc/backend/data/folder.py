"""`folder`: a folder of class folders of image files. Here they are listed; `survey` opens them."""

from collections.abc import Sequence
from pathlib import Path

import torch

from specc.backend.data.order import natural
from specc.backend.data.parts import Parts, find_parts, look_into
from specc.backend.data.paths import find_path, outside
from specc.backend.data.places import Where, few
from specc.backend.data.raw import Files, Given, Part, Raw, Unlabeled
from specc.backend.data.walk import entries_of, is_folder, is_text, walk
from specc.backend.images import SUFFIXES
from specc.errors import SpeccError, clean, counted
from specc.values import Args


class _Listed:
    """A folder's classes and files. classes: in natural order. left: links that were not followed."""

    def __init__(self, root: Path, folder: Path, skip_broken: bool) -> None:
        self.classes = _class_names(folder)
        prefix = "" if folder == root else f"{folder.relative_to(root).as_posix()}/"
        walked = walk([(folder / name, f"{prefix}{name}/") for name in self.classes])
        self.left = walked.left
        self.names = [name for names in walked.files for name in names]
        self.numbers = [number for number, names in enumerate(walked.files) for _ in names]
        self.empty = [name for name, names in zip(self.classes, walked.files, strict=True) if not names]
        self.root, self.folder, self.skip_broken = root, folder, skip_broken

    def part(self, classes: Sequence[str]) -> Part:
        """With labels that count in `classes`."""
        place = {name: number for number, name in enumerate(classes)}
        labels = [place[self.classes[number]] for number in self.numbers]
        return Part(Files(self.root, self.names, self.skip_broken), torch.tensor(labels, dtype=torch.int64))


def read_folder(a: Args, where: Where) -> Raw:
    """The image files of a folder, sorted by name; a class is a folder, its number its place in the natural order.

    Where the folder holds the folders of parts (`train`, `val`, `test`, however they are dressed), each of them holds
    the class folders. `train` says which classes there are; another part may lack some, and has no others.

    Raises SpeccError: E403 no such folder, E404 no images, a class without images, fewer than two classes, or folders
    of which it is not clear what they are.
    """
    root = find_path(a.path, where, "folder")
    parts = find_parts(root)
    listed = _Listed(root, parts.train or root, a.skip_broken)
    if listed.empty:
        raise _unfit(f"{clean(str(listed.folder))} has class folders without a file: {few(listed.empty)}")
    if len(listed.classes) < 2:
        raise _unfit(f"{clean(str(listed.folder))} holds only one class, {few(listed.classes)}")
    left = list(listed.left)
    validation, test = (_measured(root, folder, listed, left) for folder in (parts.validation, parts.test))
    names = {part: clean(folder.relative_to(root).parts[0]) for part, folder in _measuring(parts)}
    notes = [*outside(root, where), *([f"not used: {'; '.join(map(clean, parts.others))}"] if parts.others else ())]
    if left:
        notes.append(f"links that leave their class were not followed: {few(left)}")
    return Raw(listed.classes, listed.part(listed.classes), test, validation, names, tuple(notes))


def _measuring(parts: Parts) -> list[tuple[str, Path]]:
    return [(part, folder) for part, folder in (("validation", parts.validation), ("test", parts.test)) if folder]


def _measured(root: Path, folder: Path | None, train: _Listed, left: list[str]) -> Given:
    """A part to measure on, or what is wrong with it. left: gets the links that were not followed."""
    if folder is None:
        return None
    inside = look_into(folder)
    if inside.images and not inside.folders:
        return Unlabeled(f"{counted(inside.images, 'image')} without class folders")
    try:
        listed = _Listed(root, folder, train.skip_broken)
    except SpeccError as error:
        return error
    extra = [name for name in listed.classes if name not in train.classes]
    if extra:
        lines = [clean(f"{folder} has classes that {train.folder} does not have: {few(extra)}")]
        lacking = [name for name in train.classes if name not in listed.classes]
        lines += [f"only in {clean(train.folder.name)}: {few(lacking)}"] if lacking else []
        help = "every class that is measured must also be learned: add images of these classes to the training folder"
        return SpeccError("E407", lines, help=help, status=1)
    if not listed.names:
        return _unfit(f"{clean(str(folder))} holds no images")
    left += listed.left
    return listed.part(train.classes)


def _class_names(folder: Path) -> tuple[str, ...]:
    """The class folders of a folder, in natural order. Raises SpeccError E404 where it is no folder of classes."""
    entries = entries_of(folder)
    classes = [entry.name for entry in entries if is_folder(entry)]
    loose = [e.name for e in entries if e.name not in classes and Path(e.name).suffix.lower() in SUFFIXES]
    shown = clean(str(folder))
    if loose:
        raise _unfit(f"{shown} holds images that are in no class folder: {few(loose)}")
    if not classes:
        raise _unfit(f"{shown} holds no class folders" if entries else f"{shown} is empty")
    nameless = [name for name in classes if not is_text(name)]
    if nameless:
        raise _unfit(f"{shown} has class folders whose names are not UTF-8, so no model can hold them: {few(nameless)}")
    return tuple(sorted(classes, key=natural))


def _unfit(message: str) -> SpeccError:
    help = "put the images of each class into a folder of its own, at least two such folders side by side"
    return SpeccError("E404", message, help=help, status=1)
