"""Which folders are the parts of a data set, and which are its classes: `train`, `Training`, `seg_train`, `1_train`."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from specc.backend.data.places import few
from specc.backend.data.walk import entries_of, is_folder
from specc.backend.images import SUFFIXES
from specc.errors import SpeccError, clean, counted

TRAIN, VALIDATION, TEST = "train", "validation", "test"
WORDS = {
    TRAIN: ("training", "train", "trn"),
    VALIDATION: ("validation", "validate", "valid", "val", "dev"),
    TEST: ("testing", "test", "tst"),
}
PART_OF = {word: part for part, words in WORDS.items() for word in words}
WORD_OF = {TRAIN: "training", VALIDATION: "validation", TEST: "test"}
# What a part's name may hold besides, and still is nothing but a part's.
DRESS = {
    "data", "dataset", "datasets", "file", "files", "folder", "image", "images", "img", "imgs", "jpg", "part", "photo",
    "photos", "picture", "pictures", "png", "sample", "samples", "seg", "set", "sets", "split",
}  # fmt: skip
RUN = re.compile(r"[^\W\d_]+")  # of letters
TOKEN = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|.")  # of a run in camel case
GLUED = re.compile(f"({'|'.join(PART_OF)})({'|'.join(DRESS)})?")


class PartName(NamedTuple):
    """A folder's name read as that of a part. rest: its other words, but for those of DRESS. bare: there are none."""

    part: str
    rest: tuple[str, ...]
    bare: bool


class Inside(NamedTuple):
    """What is directly in a folder: how many images, and the names of its folders."""

    images: int
    folders: tuple[str, ...]


class Parts(NamedTuple):
    """The folders of a data set's parts; none of them where `root` holds the classes themselves.

    others: what lies beside the parts and is not used, in words.
    """

    train: Path | None = None
    validation: Path | None = None
    test: Path | None = None
    others: tuple[str, ...] = ()


def part_name(name: str) -> PartName | None:
    """What part a folder's name tells of; None where it tells of none, or of two, as `train_val` does."""
    parts, rest = [], []
    for token in _tokens(name):
        glued = GLUED.fullmatch(token)
        if glued:
            parts.append(PART_OF[glued[1]])
        elif token not in DRESS:
            rest.append(token)
    return PartName(parts[0], tuple(rest), name.lower() in PART_OF) if len(parts) == 1 else None


def _tokens(name: str) -> list[str]:
    """The words of a name in lower case: runs of letters, cut where the case says so, if they are no words as such."""
    tokens = []
    for run in RUN.findall(name):
        whole = run.lower()
        tokens += [whole] if GLUED.fullmatch(whole) else [token.lower() for token in TOKEN.findall(run)]
    return tokens


def look_into(folder: Path) -> Inside:
    """Raises SpeccError E410."""
    entries = entries_of(folder)
    folders = tuple(entry.name for entry in entries if is_folder(entry))
    return Inside(sum(Path(e.name).suffix.lower() in SUFFIXES for e in entries if e.name not in folders), folders)


def find_parts(root: Path) -> Parts:
    """The parts in a folder. A part holds class folders, a class holds images, or folders of them.

    Raises SpeccError: E404 where it is not clear which folders are parts and which are classes, E410.
    """
    names = [entry.name for entry in entries_of(root) if is_folder(entry)]
    sure = sure_parts(names)
    inside = {name: look_into(root / name) for name in names}
    if not sure:
        _refuse_inside_out(root, inside)
        return Parts()
    others = [name for name in names if name not in sure and (inside[name].images or inside[name].folders)]
    divided = {name for name in sure if inside[name].folders and not inside[name].images}
    kinds = {part.part for name, part in sure.items() if inside[name].images or inside[name].folders}
    if len(kinds) < 2 and others:
        if divided and _shares_folders(divided, others, inside):
            raise _unclear(root, inside, sure)
        return Parts()  # a class that happens to be called `train` or `test`
    if not any(sure[name].part == TRAIN for name in divided):
        raise _unclear(root, inside, sure)
    return _chosen(root, sure, inside, others)


def sure_parts(names: Sequence[str]) -> dict[str, PartName]:
    """Those of the folders side by side whose names are sure to be parts'."""
    read = {name: part for name in names if (part := part_name(name)) is not None}
    return {name: part for name, part in read.items() if not part.rest or _has_partner(part, read)}


def _has_partner(part: PartName, read: dict[str, PartName]) -> bool:
    """Whether another part has the same other words: `flowers_train` beside `flowers_test`."""
    return any(other.rest == part.rest and other.part != part.part for other in read.values())


def _shares_folders(divided: set[str], others: Sequence[str], inside: dict[str, Inside]) -> bool:
    """Whether what is in the only part may be the classes: they are beside it too, or it has too little beside it."""
    within = {folder for name in divided for folder in inside[name].folders}
    beside = {*others, *(folder for name in others for folder in inside[name].folders)}
    return len(others) < 2 or bool(within & beside)


def _chosen(root: Path, sure: dict[str, PartName], inside: dict[str, Inside], others: Sequence[str]) -> Parts:
    """The folder of each part: that with the barest name. Raises SpeccError E404 where two are as good."""
    chosen: dict[str, Path] = {}
    unused = list(others)
    for kind in WORDS:
        folders = [name for name, part in sure.items() if part.part == kind]
        barest = [name for name in folders if sure[name].bare] or folders
        if len(barest) > 1:
            raise _unclear(root, inside, sure)
        if barest:
            chosen[kind] = _unwrapped(root / barest[0], kind)
        unused += [name for name in folders if name not in barest]
    words = [f"{name} ({_contents(inside[name])})" for name in unused]
    return Parts(chosen.get(TRAIN), chosen.get(VALIDATION), chosen.get(TEST), tuple(words))


def _unwrapped(folder: Path, kind: str) -> Path:
    """The folder itself, or the one in it where that is all it holds and it has a part's name again."""
    within = look_into(folder)
    if within.images or len(within.folders) != 1:
        return folder
    inner = part_name(within.folders[0])
    same = within.folders[0] == folder.name or (inner is not None and inner.part == kind and not inner.rest)
    return folder / within.folders[0] if same else folder


def _refuse_inside_out(root: Path, inside: dict[str, Inside]) -> None:
    """Raise SpeccError E404 where the parts are within the classes: their images would be taken for one lot."""
    for name, content in inside.items():
        parts = {folder: part for folder in content.folders if (part := part_name(folder)) and not part.rest}
        if {TRAIN} < {part.part for part in parts.values()}:
            message = clean(f"{root / name} holds {' and '.join(parts)}: the parts are within the class folders")
            help = "swap the levels: one folder `train` and one `test`, each with all class folders"
            raise SpeccError("E404", message, help=help, status=1)


def _unclear(root: Path, inside: dict[str, Inside], sure: dict[str, PartName]) -> SpeccError:
    lines = [f"it is not clear which folders in {clean(str(root))} are parts and which are classes:"]
    for name, content in inside.items():
        what = f"looks like the {WORD_OF[sure[name].part]} part" if name in sure else "looks like a class"
        lines.append(f"  {clean(name)} {what} and holds {_contents(content)}")
    help = (
        "a part holds a folder for each class: train/cat, train/dog, test/cat, test/dog; to train on one folder alone "
        'name it, as in folder("DATA/train")'
    )
    return SpeccError("E404", lines, help=help, status=1)


def _contents(content: Inside) -> str:
    if content.images:
        beside = " and folders" if content.folders else ""
        return f"{counted(content.images, 'image')}{beside}"
    return f"the folders {few(content.folders)}" if content.folders else "no images"
