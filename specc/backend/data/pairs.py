"""Which image belongs to which mask: the files of two folders that have the same names, whatever their endings."""

from pathlib import Path, PurePosixPath
from typing import NamedTuple

from specc.backend.data.parts import TRAIN, WORDS, look_into, sure_parts
from specc.backend.data.places import few
from specc.backend.data.raw import Files, Given, Part, Unlabeled
from specc.backend.data.walk import entries_of, is_folder, walk
from specc.backend.images import SUFFIXES
from specc.errors import SpeccError, clean, counted

NAMED = 20  # files that a message names of each kind


class Pairs(NamedTuple):
    """The parts of two folders: images and the masks of the same names. names: what the folders call the parts.

    notes: what is not used.
    """

    parts: dict[str, Given]
    names: dict[str, str]
    notes: tuple[str, ...]


class _Listed(NamedTuple):
    """The image files in a folder, by their names without ending; those that are there twice; all other files."""

    files: dict[str, str]
    twice: list[str]
    others: list[str]


def pair_up(images: Path, masks: Path) -> Pairs:
    """The pairs of each part. Both folders hold files, or folders of them; or both hold the folders of parts.

    What is wrong with a part stands in its place. Raises SpeccError: E410, E415 folders that cannot be told apart.
    """
    _refuse_nested(images, masks)
    notes: list[str] = []
    where, masked = _parts(images, notes), _parts(masks, notes)
    if max(len(where), len(masked)) > 1 and (where == {TRAIN: images} or masked == {TRAIN: masks}):
        divided, whole, own = (masks, images, masked) if len(masked) > 1 else (images, masks, where)
        message = clean(
            f"{divided} holds the parts {few([folder.name for folder in own.values()])}, {whole} holds none"
        )
        raise SpeccError("E415", message, help="give both the same folders: images/train and masks/train", status=1)
    parts: dict[str, Given] = {}
    for part in dict.fromkeys([*where, *masked]):
        parts[part] = _pair(images, where.get(part), masks, masked.get(part), notes, is_learned=part == TRAIN)
    names = {part: clean(folder.name) for part, folder in where.items() if folder != images}
    return Pairs(parts, names, tuple(notes))


def _refuse_nested(images: Path, masks: Path) -> None:
    one, other = images.resolve(), masks.resolve()
    if not one.is_relative_to(other) and not other.is_relative_to(one):
        return
    what = "are the same folder" if one == other else "lie one in the other"
    help = "put the images into one folder, and the masks into another beside it"
    raise SpeccError("E415", clean(f"{images} and {masks} {what}"), help=help, status=1)


def _parts(root: Path, notes: list[str]) -> dict[str, Path]:
    """The folder of each part; the whole folder to train on where it has no parts. Raises SpeccError E415."""
    entries = entries_of(root)
    folders = [entry.name for entry in entries if is_folder(entry)]
    inside = {name: look_into(root / name) for name in folders}
    full = [name for name in folders if inside[name].images or inside[name].folders]
    sure = {name: part.part for name, part in sure_parts(full).items()}
    loose = [
        entry.name for entry in entries if Path(entry.name).suffix.lower() in SUFFIXES and entry.name not in inside
    ]
    others = [*(name for name in full if name not in sure), *loose]
    if not sure or (others and len(set(sure.values())) < 2):
        return {TRAIN: root}  # a folder that happens to be called `train` or `test` is one of many
    of_part = {part: [name for name, other in sure.items() if other == part] for part in WORDS}
    several = next((names for names in of_part.values() if len(names) > 1), None)
    if several is not None or TRAIN not in sure.values():
        what = f"the folders {few(several)} may both be the same part" if several else "no training part"
        message = clean(f"{root} has {what}: it holds {few(folders, NAMED)}")
        help = "name the folders of the parts `train`, `val` and `test`, or give the path of one of them"
        raise SpeccError("E415", message, help=help, status=1)
    if others:
        notes.append(f"not used: {few(others)} in {clean(root.name)}, beside its parts")
    return {part: root / names[0] for part, names in of_part.items() if names}


def _pair(
    images: Path, folder: Path | None, masks: Path, masked: Path | None, notes: list[str], *, is_learned: bool
) -> Given:
    """The pairs of a part, or what is wrong with them. notes: gets the files that are no images."""
    there, wanted = (_list(root, inner, notes) for root, inner in ((images, folder), (masks, masked)))
    if not is_learned and there.files and not wanted.files:
        return Unlabeled(f"{counted(len(there.files), 'image')} without masks")
    missing = [there.files[name] for name in there.files if name not in wanted.files]
    extra = [wanted.files[name] for name in wanted.files if name not in there.files]
    twice = [*there.twice, *wanted.twice]
    kinds = ((missing, "image", "without a mask"), (extra, "mask", "without an image"), (twice, "pair", "of one name"))
    lines = [f"{counted(len(names), noun)} {words}: {few(names, NAMED)}" for names, noun, words in kinds if names]
    if lines:
        return SpeccError(
            "E415", [f"{images} and {masks} are no pairs:", *lines], help=_advice(there, wanted), status=1
        )
    if not there.files:
        help = "put images into the one folder, and masks of the same names into the other"
        return SpeccError("E415", clean(f"{folder or images} holds no images"), help=help, status=1)
    labels = Files(masks, [wanted.files[name] for name in there.files])
    return Part(Files(images, list(there.files.values())), labels)


def _list(root: Path, folder: Path | None, notes: list[str]) -> _Listed:
    """The image files in a folder and below it, with their names from `root` on, sorted."""
    listed = _Listed({}, [], [])
    if folder is None:
        return listed
    prefix = "" if folder == root else f"{folder.relative_to(root).as_posix()}/"
    walked = walk([(folder, prefix)])
    for name in walked.files[0]:
        path = PurePosixPath(name)
        if path.suffix.lower() not in SUFFIXES:
            listed.others.append(name)
            continue
        key = path.with_suffix("").as_posix().removeprefix(prefix)
        if key in listed.files:
            listed.twice.append(f"{listed.files[key]} and {name}")
        listed.files.setdefault(key, name)
    if listed.others:
        notes.append(f"not used, since no images: {few(listed.others)} in {clean(root.name)}")
    if walked.left:
        notes.append(f"links out of {clean(root.name)} were not followed: {few(walked.left)}")
    return listed


def _advice(images: _Listed, masks: _Listed) -> str:
    """What to do about files that are no pairs; where all masks are called like their images and more, that."""
    lone = [name for name in images.files if name not in masks.files]
    first = lone[0] if lone else ""
    for rest in (other.removeprefix(first) for other in masks.files if lone and other.startswith(first)):
        if rest and all(f"{name}{rest}" in masks.files for name in lone):
            return f"leave out `{rest}` in the names of the masks: a mask has the name of its image"
    return "a mask has the name of its image, whatever its ending: cats/1.jpg and cats/1.png"
