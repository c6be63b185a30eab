"""`npz`: images and labels in a NumPy archive, for every task."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from specc.backend.data.archive import Arrays, form, read_archive
from specc.backend.data.array_labels import IGNORE, Labels, output_names, read_labels, refuse_other, refuse_single
from specc.backend.data.npz_header import COLORS, TRAIN, image_shape, named_pair
from specc.backend.data.paths import find_path, outside
from specc.backend.data.places import Where, few
from specc.backend.data.raw import Given, Part, Raw
from specc.errors import SpeccError, clean, counted
from specc.tasks import SEGMENTATION
from specc.values import Args

# The names of images and labels of the parts to measure on; the second are MedMNIST's.
VALIDATION = (("x_val", "y_val"), ("val_images", "val_labels"))
TEST = (("x_test", "y_test"), ("test_images", "test_labels"))
CLASSES = "classes"
WANTED = (*(name for pairs in (TRAIN, VALIDATION, TEST) for pair in pairs for name in pair), CLASSES)


class _Part(NamedTuple):
    """Images, uint8 N x C x H x W, and their labels."""

    images: Tensor
    labels: Labels


def read_npz(a: Args, where: Where) -> Raw:
    """Images and labels: `x_train`, `y_train`, with or without the like for `val` and `test`; or `train_images`,
    `train_labels` and so on, as MedMNIST has them; or `images`, `labels`. The labels say what the task is.

    Raises SpeccError: E403 no such file, E402 a damaged one, E411 arrays that are missing or of the wrong form.
    """
    path = find_path(a.path, where, "file")
    arrays, others = read_archive(path, WANTED)
    pair = named_pair(arrays, TRAIN)
    if pair is None:
        found = f"holds {few([*arrays, *others], 20)}" if arrays else "holds no array with a known name"
        found += f", but {few(others, 20)}" if others and not arrays else ""
        needed = "`x_train` and `y_train`, or `images` and `labels`, or `train_images` and `train_labels`"
        raise form(path, found, needed)
    train = _part(path, arrays, *pair)
    measured = {"validation": named_pair(arrays, VALIDATION), "test": named_pair(arrays, TEST)}
    validation, test = (_given(path, arrays, pair, train, name) for name, pair in measured.items())
    task = train.labels.task
    labels = [part.labels.values for part in (train, validation, test) if isinstance(part, _Part)]
    names = _names(path, arrays)
    if names is None:
        names = output_names(task, labels)
    else:
        refuse_other(path, task, labels, names)
    refuse_single(path, task, labels[:1], len(names))
    read = {*pair, *(name for pair in measured.values() if pair for name in pair), CLASSES}
    unread = [*(name for name in arrays if name not in read), *others]
    notes = [f"not used: the arrays {few(unread, 20)} of {clean(path.name)}"] if unread else []
    return Raw(
        names,
        Part(train.images, train.labels.values),
        _plain(test),
        _plain(validation),
        notes=(*outside(path, where), *train.labels.notes, *notes),
        task=task,
        ignore=IGNORE if task is SEGMENTATION else None,
    )


def _plain(part: _Part | SpeccError | None) -> Given:
    return Part(part.images, part.labels.values) if isinstance(part, _Part) else part


def _given(
    path: Path, arrays: Arrays, pair: tuple[str, str] | None, train: _Part, name: str
) -> _Part | SpeccError | None:
    """A part to measure on, or what is wrong with it."""
    if pair is None:
        return None
    try:
        part = _part(path, arrays, *pair)
    except SpeccError as error:
        return error
    if part.images.shape[1:] != train.images.shape[1:]:
        return form(path, f"has {name} images whose shape is not that of its training images", "images of one shape")
    (task, values, _), (wanted, others, _) = part.labels, train.labels
    if task is not wanted or values.shape[1:] != others.shape[1:]:
        found = f"has {name} labels for {task.name}, and training labels for {wanted.name}"
        if task is wanted:
            found = (
                f"has {values.shape[1]} {name} labels for each image, and {counted(others.shape[1], 'training label')}"
            )
        return form(path, found, "labels of one kind")
    return part


def _part(path: Path, arrays: Arrays, images_name: str, labels_name: str) -> _Part:
    images = _images(path, images_name, arrays[images_name])
    labels = read_labels(path, labels_name, arrays[labels_name], images_name, images.shape)
    return _Part(torch.from_numpy(images), labels)


def _images(path: Path, name: str, images: NDArray[Any]) -> NDArray[np.uint8]:
    """N x C x H x W, from N x H x W, N x H x W x C or N x C x H x W."""
    if images.dtype != np.uint8:
        reach = f", from {images.min():g} to {images.max():g}" if images.size and images.dtype.kind in "fiu" else ""
        raise form(path, f"holds {images.dtype} in `{name}`{reach}", "uint8 pixels, from 0 to 255")
    if image_shape(images.shape) is None:
        needed = "N x H x W, N x H x W x C or N x C x H x W, of 1 or 3 channels"
        raise form(path, f"holds `{name}` of shape {' x '.join(map(str, images.shape))}", needed)
    if 0 in images.shape:
        raise form(path, f"holds no pixels in `{name}`: {' x '.join(map(str, images.shape))}", "at least one image")
    if images.ndim == 3:
        images = images[:, None]
    elif images.shape[3] in COLORS:
        images = images.transpose(0, 3, 1, 2)
    return np.ascontiguousarray(images)


def _names(path: Path, arrays: Arrays) -> tuple[str, ...] | None:
    """The names in `classes`, where they are there."""
    if "classes" not in arrays:
        return None
    values = arrays["classes"]
    names: list[str] = []
    if values.ndim == 1 and values.dtype.kind in "US":
        try:
            texts = [value.decode() if isinstance(value, bytes) else value for value in values.tolist()]
            names = [text for text in texts if text.encode()]  # what no file can hold raises an error
        except (ValueError, SystemError):  # the second is what NumPy has for characters that there are not
            names = []
    if len(set(names)) != len(values.reshape(-1)):
        raise form(path, "has a `classes` that is not a list of distinct strings", "one name for each class")
    return tuple(names)
