"""Which source a path is, and what it holds."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from specc.backend.data.classes import refuse_unlearned
from specc.backend.data.masks import classes_of
from specc.backend.data.pairs import Pairs, pair_up
from specc.backend.data.parallel import ordered
from specc.backend.data.paths import find_path
from specc.backend.data.places import Where, few
from specc.backend.data.raw import Files, Given, Part, Raw
from specc.backend.data.read_table import PARQUET
from specc.backend.data.shards.images import Packed, PackedMasks
from specc.backend.data.shards.index import INDEX
from specc.backend.data.shards.survey import masks_of
from specc.backend.data.walk import entries_of, is_folder
from specc.backend.foreign import LOOKED_AT, described
from specc.backend.mask_file import HIGHEST, decode_mask
from specc.backend.resolve import resolve
from specc.backend.starter.facts import Seen
from specc.backend.starter.pictures import SAME_LEVELS, Pictures, broken_lines, look, spread
from specc.backend.starter.request import Request
from specc.backend.starter.tables import choose_columns
from specc.backend.starter.words import pieces, quoted
from specc.backend.tasks.bound import bind
from specc.check import check
from specc.errors import SpeccError, clean, counted
from specc.files import open_file
from specc.source import Source
from specc.tasks import REGRESSION, SEGMENTATION
from specc.values import Bound, Size
from specc.vocabulary.family import Source as DataSource
from specc.vocabulary.registry import component

TABLES = (".csv", ".tsv", ".txt", *PARQUET)
FIRST = "train-000000.tar"  # of packed data, beside the index
MOST_MASKS = 1_000  # that are decoded
MOST_ARRAYS = 1_000  # images of an array of which it is asked whether they are gray
MASKS = {"mask", "masks", "label", "labels", "annotation", "annotations", "segmentation", "segmentations", "gt"}
IMAGES = {"image", "images", "img", "imgs", "photo", "photos", "picture", "pictures", "input", "inputs", "jpeg", "jpg"}


def see(request: Request) -> Seen:
    """What lies at the path of a request.

    Raises SpeccError: E403 nothing; E427 what no source reads; E475 options that have no use there; E405 files that
    cannot be used, where they cannot be left out; and what the reader of the source raises.
    """
    where = Where(None, Path(request.folder))
    path = Path(request.data)
    pair = _two_folders(path, request)
    kind = "masks" if pair else _kind(path)
    if request.columns and kind != "csv":
        message = f"{request.columns[0]} names a column of a table, but {path} is not a CSV or Parquet file"
        raise SpeccError("E475", clean(message), help=f"leave out {request.columns[0]}, or give the table itself")
    if pair:
        return _see_masks(f"masks({quoted(_written(pair[0], request))}, {quoted(_written(pair[1], request))})", where)
    written = quoted(_written(path, request))
    if kind == "csv":
        return _see_table(path, written, request, where)
    try:
        raw = read(f"{kind}({written})", where)
    except SpeccError as error:
        tables = _tables_in(path) if error.code == "E404" else []
        if tables:
            help = f"if the classes are in a table, give that: --data {path / tables[0]}"
            raise SpeccError("E427", error.message.splitlines(), help=help, status=1) from None
        raise
    if kind == "packed":
        raw = _with_masks(raw)
    if kind == "folder" and _are_images_and_masks(raw.classes):
        message = f"{path} has the parts above the folders {few(raw.classes)}, which are images and masks, not classes"
        help = "swap the levels: images/train beside masks/train, and the same for the other parts"
        raise SpeccError("E427", clean(message), help=help, status=1)
    return _seen(f"{kind}({written})", raw, ())


def _with_masks(raw: Raw) -> Raw:
    """Packed data with their masks read, if they are masks."""

    def whole(given: Given) -> Given:
        if not isinstance(given, Part) or not isinstance(given.labels, PackedMasks):
            return given
        return given._replace(labels=masks_of(given.labels, None, raw.ignore))

    train = whole(raw.train)
    assert isinstance(train, Part)
    return raw._replace(train=train, validation=whole(raw.validation), test=whole(raw.test))


def read(call: str, where: Where) -> Raw:
    """What the reader of a source gives. call: as the language writes it."""
    source = _checked(call)
    raw: Raw = resolve(component(DataSource, source).target)(source.args, where)
    return raw


def _checked(call: str) -> Bound:
    checked = check(Source("data", f"data {{ source = {call} }}\nnetwork N {{ input(3, 8x8); flatten -> dense(2) }}"))
    assert checked.data is not None, checked.diagnostics
    return checked.data.source


def _kind(path: Path) -> str:
    """The name of the source that reads a path. Raises SpeccError E403, E427."""
    try:
        if path.is_dir():
            return "packed" if all((path / name).is_file() for name in (INDEX, FIRST)) else "folder"
        suffix = path.suffix.lower()
        if suffix == ".tar" and (path.is_file() or "{" in path.name):
            return "webdataset"
        if not path.exists():
            lines = [clean(f"there is nothing at {path}"), clean(f"looked for {path.absolute()}")]
            raise SpeccError("E403", lines, help=_near(path))
        if suffix in TABLES:
            return "csv"
        if suffix == ".npz":
            return "npz"
        with open_file(path) as file:
            start = file.read(LOOKED_AT)
    except (OSError, ValueError) as error:
        message = f"{path} cannot be read: {getattr(error, 'strerror', None) or error}"
        raise SpeccError("E403", clean(message), help="give a folder, a table, or an .npz file") from None
    help = "give a folder of class folders, a CSV or Parquet file, an .npz file, or a folder with images and masks"
    found = described(start) if start else "it is empty"
    raise SpeccError("E427", clean(f"no data source reads {path}: {found}"), help=help, status=1)


def _near(path: Path) -> str:
    if "\\" in str(path) and Path(str(path).replace("\\", "/")).exists():
        return f"write {str(path).replace(chr(92), '/')}"
    return "give the path of the data, from the folder in which you are"


def _tables_in(folder: Path) -> list[str]:
    return [entry.name for entry in entries_of(folder) if Path(entry.name).suffix.lower() in (".csv", *PARQUET)]


def _written(path: Path, request: Request) -> str:
    """A path as the spec gives it: from its own folder, unless the user gave it from the root."""
    if path.is_absolute() or "~" in path.parts[:1]:
        return path.as_posix()
    try:
        return Path(os.path.relpath(path, request.folder)).as_posix()
    except ValueError:  # on another drive
        return path.absolute().as_posix()


def _two_folders(path: Path, request: Request) -> tuple[Path, Path] | None:
    """The folders of images and masks: those that were given, or the two that a folder holds."""
    if request.masks is not None:
        return path, Path(request.masks)
    if not path.is_dir():
        return None
    folders = [entry.name for entry in entries_of(path) if is_folder(entry)]
    if not _are_images_and_masks(folders):
        return None
    first, second = folders
    return (path / first, path / second) if _is_one_of(second, MASKS) else (path / second, path / first)


def _are_images_and_masks(names: Sequence[str]) -> bool:
    if len(names) != 2:
        return False
    one, other = names
    return any(_is_one_of(a, IMAGES) and _is_one_of(b, MASKS) for a, b in ((one, other), (other, one)))


def _is_one_of(name: str, names: set[str]) -> bool:
    return not names.isdisjoint(pieces(name))


def _see_table(path: Path, written: str, request: Request, where: Where) -> Seen:
    chosen = choose_columns(path, request)
    call = f"csv({', '.join([written, *chosen.arguments])})"
    raw = read(f"{call[:-1]}, skip_broken=true)", where)
    files = raw.train.images
    assert isinstance(files, Files)
    missing = sum(not (files.root / name).exists() for name in files.names)
    if 2 * missing >= len(files):  # they are looked for in the wrong place
        _refuse_elsewhere(path, files)
        read(call, where)
    return _seen(call, raw, chosen.notes)


def _refuse_elsewhere(path: Path, files: Files) -> None:
    """Raise SpeccError E426 where the images lie in a folder beside the table."""
    first = next(name for name in files.names if not (files.root / name).exists())
    folder = next((e.name for e in entries_of(path.parent) if is_folder(e) and (Path(e.path) / first).exists()), None)
    if folder is not None:
        message = f"{path} names {first}, which lies in the folder {folder}"
        help = f"paths count from the folder of the table: write {folder}/{first}, or move the table into {folder}"
        raise SpeccError("E426", clean(message), help=clean(help), status=1)


def _see_masks(call: str, where: Where) -> Seen:
    """Images and masks, of which some are decoded where there are many."""
    a = _checked(call).args
    pairs = pair_up(find_path(a.images, where, "folder"), find_path(a.masks, where, "folder"))
    whole = {name: part for name, part in pairs.parts.items() if isinstance(part, Part)}
    sampled = {name: _some(part) for name, part in whole.items()}
    raw = classes_of(Pairs({**pairs.parts, **sampled}, pairs.names, pairs.notes), a)
    assert isinstance(raw.train.labels, Files)
    masks, count = raw.train.labels, len(raw.classes)
    numbers = sum(ordered(lambda number: _pixels(masks, number), range(len(masks))), np.zeros(HIGHEST + 1, np.int64))
    notes = []
    total = len(whole["train"].labels)
    if len(masks) < total:
        notes.append(
            f"{len(masks):,} of {counted(total, 'mask')} were opened: check that no other class is in the rest"
        )
    validation, test = (
        whole[name] if isinstance(given, Part) else given
        for name, given in (("validation", raw.validation), ("test", raw.test))
    )
    raw = raw._replace(train=whole["train"], validation=validation, test=test)
    return _seen(call, raw, notes, tuple(numbers[:count].tolist()))


def _pixels(masks: Files, number: int) -> Any:
    """How many pixels of a mask have each number."""
    return np.bincount(decode_mask(masks.content(number)).reshape(-1), minlength=HIGHEST + 1)


def _some(part: Part) -> Part:
    images, masks = part.images, part.labels
    assert isinstance(images, Files) and isinstance(masks, Files)
    chosen = spread(range(len(images)), MOST_MASKS)
    return Part(images.select(chosen), masks.select(chosen))


def _seen(call: str, raw: Raw, notes: Sequence[str], counts: tuple[int, ...] = ()) -> Seen:
    """What there is to know of a source whose labels were read."""
    given = {"train": raw.train, "validation": raw.validation, "test": raw.test}
    parts = {name: part for name, part in given.items() if isinstance(part, Part)}
    looked = {name: _pictures(part) for name, part in parts.items()}
    images = {name: len(part.labels) - len(looked[name].broken) for name, part in parts.items()}
    notes = list(notes)
    broken = [
        line
        for name, part in parts.items()
        if isinstance(part.images, Files)
        for line in broken_lines(part.images, looked[name].broken)
    ]
    if broken:
        number = sum(len(one.broken) for one in looked.values())
        lines = [f"{counted(number, 'image')} cannot be used:", *broken]
        if raw.task == SEGMENTATION:
            raise SpeccError("E405", lines, help="repair or remove these files and their masks", status=1)
        notes.append(f"skip_broken leaves out {counted(number, 'image')}: {'; '.join(map(str.strip, broken))}")
        call = f"{call[:-1]}, skip_broken=true)"
    raw = raw._replace(train=_sound(raw.train, looked["train"]))
    if raw.task != SEGMENTATION:
        task = bind(raw.task, raw.classes, ignore=raw.ignore)
        counts = () if raw.task == REGRESSION else tuple(task.counts(_labels(raw.train)))
        if isinstance(raw.validation, Part):
            refuse_unlearned(task, counts, task.counts(_labels(raw.validation)))
        emptied = [name for name, count in zip(raw.classes, counts, strict=False) if not count]
        if emptied and broken:
            lines = [f"no image of {few(emptied)} can be used:", *broken]
            raise SpeccError("E405", lines, help="repair these files, or remove the class", status=1)
    elif not counts:
        counts = tuple(bind(raw.task, raw.classes, ignore=raw.ignore).counts(_labels(raw.train)))
    shape, arrays = None, raw.train.images
    if isinstance(arrays, Tensor):
        shape = (arrays.shape[1], arrays.shape[2], arrays.shape[3])
    elif isinstance(arrays, Packed):
        shape = arrays.index.shape
    pictures = looked["train"]
    pictures = pictures._replace(sizes=tuple(size for one in looked.values() for size in one.sizes))
    return Seen(call, raw, images, pictures, shape, counts, tuple(notes))


def _labels(part: Part) -> Tensor:
    assert isinstance(part.labels, Tensor)
    return part.labels


def _sound(part: Part, pictures: Pictures) -> Part:
    """A part without the files that cannot be used."""
    if not pictures.broken or not isinstance(part.images, Files):
        return part
    kept = [number for number in range(len(part.images)) if number not in pictures.broken]
    groups = [part.groups[number] for number in kept] if part.groups else ()
    return Part(part.images.select(kept), _labels(part)[torch.tensor(kept)], groups)


def _pictures(part: Part) -> Pictures:
    if isinstance(part.images, Files):
        return look(part.images)
    if isinstance(part.images, Packed):
        channels, height, width = part.images.index.shape
        return Pictures(len(part.images), (Size(height, width),), len(part.images), channels == 1)
    count, channels, height, width = part.images.shape
    some = part.images[spread(range(count), MOST_ARRAYS)].int()
    apart = int((some.amax(1) - some.amin(1)).max())
    return Pictures(count, (Size(height, width),), count, channels == 1 or apart <= SAME_LEVELS)
