"""`npz`: images and labels in a NumPy archive. Nothing in it is ever unpickled."""

import zipfile
import zlib
from math import prod
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import torch
from numpy.typing import NDArray

from specc.backend.data.folder import find_path
from specc.backend.data.memory import free_memory
from specc.backend.data.places import Where, damaged, unreadable
from specc.backend.data.raw import Part, Raw
from specc.errors import SpeccError
from specc.values import Args

Arrays = dict[str, NDArray[Any]]
MOST_CLASSES = 100_000


def read_npz(a: Args, where: Where) -> Raw:
    """Images and labels: `x_train`, `y_train` and, where they are there, `x_test`, `y_test`; or `images`, `labels`.

    Raises SpeccError: E403 no such file, E402 a damaged one, E411 arrays that are missing or of the wrong form.
    """
    path = find_path(a.path, where, "file")
    arrays = _load(path)
    pairs = [pair for pair in (("x_train", "y_train"), ("images", "labels")) if pair[0] in arrays and pair[1] in arrays]
    if not pairs:
        found = f"holds {', '.join(arrays)}" if arrays else "holds no array of a name that is known"
        raise _form(path, found, "`x_train` and `y_train`, or `images` and `labels`")
    train = _part(path, arrays, *pairs[0])
    test = _part(path, arrays, "x_test", "y_test") if "x_test" in arrays and "y_test" in arrays else None
    if test is not None and test.images.shape[1:] != train.images.shape[1:]:  # type: ignore[union-attr]
        raise _form(path, "has test images of another shape than its training images", "images of one shape")
    highest = max(int(part.labels.max()) for part in (train, test) if part is not None)
    return Raw(_classes(path, arrays, highest), train, test)


def _load(path: Path) -> Arrays:
    """The arrays that are wanted, each no larger than its own header and the archive's directory agree upon."""
    wanted = ("x_train", "y_train", "x_test", "y_test", "images", "labels", "classes")
    try:
        with zipfile.ZipFile(path) as archive:
            there = {info.filename: info for info in archive.infolist()}
            chosen = {name: there[f"{name}.npy"] for name in wanted if f"{name}.npy" in there}
            need = sum(info.file_size for info in chosen.values())
            if need > free_memory():
                found = f"{path} would take {need:,} bytes of memory; {free_memory():,} are free"
                raise SpeccError("E479", found, help="image files in folders are read as they are wanted: folder(…)")
            arrays = {}
            for name, info in chosen.items():
                with archive.open(info) as file:
                    arrays[name] = _array(path, name, file, info.file_size)  # type: ignore[arg-type]
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, NotImplementedError, RuntimeError) as error:
        raise damaged(path, f"is not a whole NumPy archive: {error}") from None
    except OSError as error:
        raise unreadable(path, error) from None
    return arrays


def _array(path: Path, name: str, file: BinaryIO, length: int) -> NDArray[Any]:
    """One array of the archive. Raises ValueError for what is no array, or one whose header promises another length."""
    version = np.lib.format.read_magic(file)
    read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, by_columns, dtype = read_header(file)
    if dtype.hasobject:
        raise _form(path, f"holds Python objects in `{name}`", "plain numbers")
    promised, there = prod(shape) * dtype.itemsize, length - file.tell()
    if promised != there:
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
        raise _form(path, f"holds labels of the wrong form: {found}", "one integer for each image")
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
        raise _form(path, f"holds {images.dtype} in `{name}`", "uint8 pixels, from 0 to 255")
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
    names = arrays["classes"]
    if names.ndim != 1 or names.dtype.kind not in "US" or len(set(names.tolist())) != len(names):
        raise _form(path, "has a `classes` that is not a list of different texts", "one name for each class")
    if highest >= len(names):
        raise _form(path, f"has labels up to {highest}, but {len(names)} names in `classes`", "one name for each class")
    return tuple(name.decode("utf-8", "replace") if isinstance(name, bytes) else name for name in names.tolist())


def _form(path: Path, found: str, needed: str) -> SpeccError:
    return SpeccError("E411", f"{path} {found}", help=f"needed: {needed}", status=1)
