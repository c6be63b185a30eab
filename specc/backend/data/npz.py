"""`npz`: images and labels in a NumPy archive. Nothing in it is ever unpickled."""

import struct
import zipfile
import zlib
from collections.abc import Sequence
from math import prod
from pathlib import Path
from tokenize import TokenError
from typing import Any, BinaryIO

import numpy as np
import torch
from numpy.typing import NDArray

from specc.backend.data.memory import free_memory
from specc.backend.data.packed import Careful
from specc.backend.data.paths import find_path, outside
from specc.backend.data.places import Where, damaged, few, unreadable
from specc.backend.data.raw import Given, Part, Raw
from specc.backend.foreign import LOOKED_AT, described
from specc.errors import SpeccError, clean
from specc.files import open_file
from specc.values import Args

Arrays = dict[str, NDArray[Any]]
# The names of images and labels of each part; the second are MedMNIST's.
TRAIN = (("x_train", "y_train"), ("train_images", "train_labels"), ("images", "labels"))
VALIDATION = (("x_val", "y_val"), ("val_images", "val_labels"))
TEST = (("x_test", "y_test"), ("test_images", "test_labels"))
CLASSES = "classes"
WANTED = (*(name for pairs in (TRAIN, VALIDATION, TEST) for pair in pairs for name in pair), CLASSES)
MOST_CLASSES = 100_000
MOST_DIRECTORY = 1 << 20  # bytes; that of ten thousand members
MOST_SHRUNK = 100  # to one, by compression, of what is larger than MOST_AT_ONCE bytes
MOST_AT_ONCE = 1 << 28


def read_npz(a: Args, where: Where) -> Raw:
    """Images and labels: `x_train`, `y_train`, with or without the like for `val` and `test`; or `train_images`,
    `train_labels` and so on, as MedMNIST has them; or `images`, `labels`.

    Raises SpeccError: E403 no such file, E402 a damaged one, E411 arrays that are missing or of the wrong form.
    """
    path = find_path(a.path, where, "file")
    arrays, others = _load(path)
    pair = _pair(arrays, TRAIN)
    if pair is None:
        found = f"holds {few([*arrays, *others], 20)}" if arrays else "holds no array with a known name"
        found += f", but {few(others, 20)}" if others and not arrays else ""
        needed = "`x_train` and `y_train`, or `images` and `labels`, or `train_images` and `train_labels`"
        raise _form(path, found, needed)
    train = _part(path, arrays, *pair)
    measured = {"validation": _pair(arrays, VALIDATION), "test": _pair(arrays, TEST)}
    validation, test = (_given(path, arrays, pair, train, name) for name, pair in measured.items())
    highest = max(int(part.labels.max()) for part in (train, validation, test) if isinstance(part, Part))
    read = {*pair, *(name for pair in measured.values() if pair for name in pair), CLASSES}
    unread = [*(name for name in arrays if name not in read), *others]
    notes = [f"not used: the arrays {few(unread, 20)} of {clean(path.name)}"] if unread else []
    return Raw(_classes(path, arrays, highest), train, test, validation, notes=(*outside(path, where), *notes))


def _pair(arrays: Arrays, pairs: Sequence[tuple[str, str]]) -> tuple[str, str] | None:
    """The first pair of names, of images and of labels, that is there."""
    return next((pair for pair in pairs if pair[0] in arrays and pair[1] in arrays), None)


def _given(path: Path, arrays: Arrays, pair: tuple[str, str] | None, train: Part, name: str) -> Given:
    """A part to measure on, or what is wrong with it."""
    if pair is None:
        return None
    try:
        part = _part(path, arrays, *pair)
    except SpeccError as error:
        return error
    if part.images.shape[1:] != train.images.shape[1:]:  # type: ignore[union-attr]
        return _form(path, f"has {name} images whose shape is not that of its training images", "images of one shape")
    return part


def _load(path: Path) -> tuple[Arrays, list[str]]:
    """The arrays that are wanted, each no larger than its own header and the archive's directory agree upon, and the
    names of all else that is in the archive."""
    try:
        with Careful(open_file(path, buffering=0)) as file:
            file.most = MOST_DIRECTORY
            archive = zipfile.ZipFile(file)
            file.most = None
            chosen = _members(archive)
            need = sum(info.file_size for info in chosen.values())
            if need > free_memory():
                found = clean(f"{path} would take {need:,} bytes of memory; {free_memory():,} are free")
                raise SpeccError("E479", found, help="image files in folders are read on demand: folder(…)")
            names = [info.filename.removesuffix(".npy") for info in archive.infolist()]
            others = list(dict.fromkeys(name for name in names if name not in chosen))
            arrays = {}
            for name, info in chosen.items():
                with archive.open(info) as member:
                    arrays[name] = _array(path, name, member, info.file_size)  # type: ignore[arg-type]
    except (zipfile.BadZipFile, zlib.error, struct.error, EOFError, ValueError, RuntimeError) as error:
        raise damaged(path, f"is not a complete NumPy archive: {_or_foreign(path, error)}") from None
    except OSError as error:
        raise unreadable(path, error) from None
    return arrays, others


def _or_foreign(path: Path, error: Exception) -> str:
    """What an archive is that cannot be read, where it is none at all; else what is wrong with it."""
    with open_file(path) as file:
        start = file.read(LOOKED_AT)
    return str(error) if start[:2] == b"PK" or not start else described(start)


def _members(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """The arrays that are wanted, by name. Raises ValueError for what NumPy does not write."""
    every: dict[str, list[zipfile.ZipInfo]] = {}
    for info in archive.infolist():
        every.setdefault(info.filename, []).append(info)
    chosen = {name: every[f"{name}.npy"] for name in WANTED if f"{name}.npy" in every}
    for name, infos in chosen.items():
        info = infos[0]
        if len(infos) > 1:
            raise ValueError(f"it holds `{name}` {len(infos)} times")
        if info.flag_bits & 1:
            raise ValueError(f"`{name}` is encrypted")
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ValueError(f"`{name}` is compressed in a way that NumPy does not use")
    packed = sum(infos[0].compress_size for infos in chosen.values())
    unpacked = sum(infos[0].file_size for infos in chosen.values())
    if unpacked > max(MOST_AT_ONCE, MOST_SHRUNK * packed):
        raise ValueError(f"it would unpack from {packed:,} bytes to {unpacked:,}, which no images do")
    return {name: infos[0] for name, infos in chosen.items()}


def _array(path: Path, name: str, file: BinaryIO, length: int) -> NDArray[Any]:
    """One array of the archive. Raises ValueError for what is no array, or one whose header promises another length."""
    try:
        version = np.lib.format.read_magic(file)
        read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, by_columns, dtype = read_header(file)
    except (LookupError, MemoryError, RecursionError, SyntaxError, TypeError, TokenError) as error:
        raise ValueError(f"the header of `{name}` cannot be read: {type(error).__name__}") from None
    if dtype.hasobject:
        raise _form(path, f"holds Python objects in `{name}`", "plain numbers")
    promised, there = prod(shape) * dtype.itemsize, length - file.tell()
    if promised != there or not dtype.itemsize:
        raise ValueError(f"`{name}` promises {promised:,} bytes and holds {there:,}")
    values = np.empty(prod(shape), dtype)
    target, got = values.view(np.uint8).data, 0
    while got < promised and (more := file.readinto(target[got:])):  # type: ignore[attr-defined]
        got += more
    if got < promised:
        raise EOFError(f"`{name}` breaks off after {got:,} of {promised:,} bytes")
    return values.reshape(shape, order="F" if by_columns else "C")


def _part(path: Path, arrays: Arrays, images_name: str, labels_name: str) -> Part:
    images, labels = _images(path, images_name, arrays[images_name]), arrays[labels_name]
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1 or labels.dtype.kind not in "iu":
        found = f"`{labels_name}` is {labels.dtype} of shape {labels.shape}"
        bad = labels.dtype.kind == "f" and not np.isfinite(labels).all()
        also = "; some are not even numbers (NaN)" if bad else ""
        raise _form(path, f"holds labels of the wrong form: {found}{also}", "one integer for each image")
    if len(labels) != len(images):
        found = f"{len(images):,} images in `{images_name}`, but {len(labels):,} labels in `{labels_name}`"
        raise _form(path, f"holds {found}", "one label for each image")
    if len(labels) == 0:
        raise _form(path, f"holds no images in `{images_name}`", "at least one")
    low, high = int(labels.min()), int(labels.max())
    if low < 0 or high >= MOST_CLASSES:
        raise _form(path, f"has labels from {low:,} to {high:,} in `{labels_name}`", "0, 1, 2 … for the classes")
    return Part(torch.from_numpy(images), torch.from_numpy(labels.astype(np.int64)))


def _images(path: Path, name: str, images: NDArray[Any]) -> NDArray[np.uint8]:
    """N x C x H x W, from N x H x W, N x H x W x C or N x C x H x W."""
    if images.dtype != np.uint8:
        reach = f", from {images.min():g} to {images.max():g}" if images.size and images.dtype.kind in "fiu" else ""
        raise _form(path, f"holds {images.dtype} in `{name}`{reach}", "uint8 pixels, from 0 to 255")
    if images.ndim == 3:
        images = images[:, None]
    elif images.ndim == 4 and images.shape[3] in (1, 3):
        images = images.transpose(0, 3, 1, 2)
    elif images.ndim != 4 or images.shape[1] not in (1, 3):
        needed = "N x H x W, N x H x W x C or N x C x H x W, of 1 or 3 channels"
        raise _form(path, f"holds `{name}` of shape {' x '.join(map(str, images.shape))}", needed)
    if 0 in images.shape:
        raise _form(path, f"holds no pixels in `{name}`: {' x '.join(map(str, images.shape))}", "at least one image")
    return np.ascontiguousarray(images)


def _classes(path: Path, arrays: Arrays, highest: int) -> tuple[str, ...]:
    """The names in `classes`; else the labels themselves."""
    if "classes" not in arrays:
        return tuple(map(str, range(highest + 1)))
    values = arrays["classes"]
    names: list[str] = []
    if values.ndim == 1 and values.dtype.kind in "US":
        try:
            texts = [value.decode() if isinstance(value, bytes) else value for value in values.tolist()]
            names = [text for text in texts if text.encode()]  # what no file can hold raises an error
        except (ValueError, SystemError):  # the second is what NumPy has for characters that there are not
            names = []
    if len(set(names)) != len(values.reshape(-1)):
        raise _form(path, "has a `classes` that is not a list of distinct strings", "one name for each class")
    if highest >= len(names):
        raise _form(path, f"has labels up to {highest}, but {len(names)} names in `classes`", "one name for each class")
    return tuple(names)


def _form(path: Path, found: str, needed: str) -> SpeccError:
    return SpeccError("E411", clean(f"{path} {found}"), help=f"needed: {needed}", status=1)
