"""Labels in arrays: their type and their shape say what a network learns."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from specc.backend.data.archive import form
from specc.errors import counted
from specc.tasks import CLASSIFICATION, MULTILABEL, REGRESSION, SEGMENTATION, Task

MOST_CLASSES = 100_000
IGNORE = 255  # the number of pixels that are ignored in masks of fewer classes
NEEDED = "integers N for classes, N x K of 0 and 1 for tags, N x H x W for masks; floats N or N x K for numbers"


class Labels(NamedTuple):
    """The labels of a part: values as `specc.backend.data.raw.Part` has them. notes: what may not be as it is meant."""

    task: Task
    values: Tensor
    notes: tuple[str, ...] = ()


def read_labels(path: Path, name: str, labels: NDArray[Any], of: str, images: tuple[int, ...]) -> Labels:
    """What the array of labels `name` says. of: the name of the images; images: their shape, N x C x H x W.

    Raises SpeccError E411 for labels of the wrong type, shape or number, and values that none can have.
    """
    if labels.ndim == 4 and 1 in (labels.shape[1], labels.shape[3]):
        labels = labels.squeeze(1 if labels.shape[1] == 1 else 3)
    if labels.ndim == 2 and labels.shape[1] == 1 and labels.dtype.kind != "f":
        labels = labels[:, 0]
    kind = {"b": "i", "u": "i"}.get(labels.dtype.kind, labels.dtype.kind)
    if (kind, labels.ndim) not in (("i", 1), ("i", 2), ("i", 3), ("f", 1), ("f", 2)) or 0 in labels.shape[1:]:
        found = f"`{name}` is {labels.dtype} of shape {' x '.join(map(str, labels.shape))}"
        raise form(path, f"holds labels of the wrong form: {found}", NEEDED)
    if len(labels) != images[0]:
        found = f"{counted(images[0], 'image')} in `{of}`, but {counted(len(labels), 'label')} in `{name}`"
        raise form(path, f"holds {found}", "one label for each image")
    if kind == "f":
        return _numbers(path, name, labels)
    if labels.ndim == 3:
        return _masks(path, name, labels, images)
    low, high = int(labels.min()), int(labels.max())
    if labels.ndim == 2:
        return _tags(path, name, labels, low, high)
    if low < 0 or high >= MOST_CLASSES:
        raise form(path, f"has labels from {low:,} to {high:,} in `{name}`", "0, 1, 2 … for the classes")
    return Labels(CLASSIFICATION, torch.from_numpy(labels.astype(np.int64)))


def _numbers(path: Path, name: str, labels: NDArray[Any]) -> Labels:
    values = labels.astype(np.float64).reshape(len(labels), -1)
    bad = np.flatnonzero(~np.isfinite(values).all(axis=1))
    if len(bad):
        few = ", ".join(map(str, bad[:20].tolist())) + (" …" if len(bad) > 20 else "")
        found = (
            f"holds numbers in `{name}` that are not finite (NaN or infinite), for {counted(len(bad), 'image')}: {few}"
        )
        raise form(path, found, "a finite number for each image")
    if np.isin(values, (0, 1)).all():
        needed = "integers: 0, 1, 2 … for classes (labels.argmax(1) of one-hot ones), or N x K of 0 and 1 for tags"
        raise form(path, f"holds nothing but 0 and 1, as {labels.dtype}, in `{name}`", needed)
    whole = values.shape[1] == 1 and bool((values == np.rint(values)).all())
    note = f"`{name}` holds whole numbers as {labels.dtype}: they are predicted as numbers; classes are integers"
    return Labels(REGRESSION, torch.from_numpy(values), (note,) if whole else ())


def _tags(path: Path, name: str, labels: NDArray[Any], low: int, high: int) -> Labels:
    if low < 0 or high > 1:
        found = f"holds {' x '.join(map(str, labels.shape))} integers from {low:,} to {high:,} in `{name}`"
        raise form(path, found, "0 and 1 for tags; numbers to predict are floats")
    is_one_hot = bool((labels.sum(axis=1, dtype=np.int64) == 1).all())
    note = f"each image has exactly one of the {labels.shape[1]} tags in `{name}`: classes are N integers, 0, 1, 2 …"
    return Labels(MULTILABEL, torch.from_numpy(labels.astype(np.float32)), (note,) if is_one_hot else ())


def _masks(path: Path, name: str, labels: NDArray[Any], images: tuple[int, ...]) -> Labels:
    if labels.shape[1:] != images[2:]:
        (rows, columns), (height, width) = labels.shape[1:], images[2:]
        found = f"holds masks of {rows}x{columns} in `{name}`, but images of {height}x{width}"
        raise form(path, found, "masks of the size of the images")
    low, high = int(labels.min()), int(labels.max())
    if low < 0 or high > IGNORE:
        raise form(path, f"has class numbers from {low:,} to {high:,} in `{name}`", f"masks of 0 to {IGNORE}")
    return Labels(SEGMENTATION, torch.from_numpy(labels.astype(np.uint8)))


def highest_class(parts: Sequence[Tensor]) -> int:
    """The highest class number in masks, uint8 N x H x W, but for the one that is ignored; -1 where there is none."""
    numbers = torch.stack([part.reshape(-1).bincount(minlength=IGNORE + 1) for part in parts]).sum(0)[:IGNORE]
    return int(numbers.nonzero().max()) if numbers.any() else -1


def output_names(task: Task, parts: Sequence[Tensor]) -> tuple[str, ...]:
    """What the outputs are called where nothing names them: classes and tags by their numbers."""
    if task is CLASSIFICATION:
        return tuple(map(str, range(1 + max(int(part.max()) for part in parts))))
    if task is SEGMENTATION:
        return tuple(map(str, range(1 + highest_class(parts))))
    count = parts[0].shape[1]
    return tuple(f"target {number}" if task is REGRESSION else str(number) for number in range(count))


def refuse_other(path: Path, task: Task, parts: Sequence[Tensor], names: Sequence[str]) -> None:
    """Raise SpeccError E411 where there are not as many names in `classes` as outputs, or too few of them."""
    wanted = len(output_names(task, parts))
    if task is SEGMENTATION and len(names) > IGNORE:
        found = f"names {len(names)} classes, and no number is left for pixels that do not count"
        raise form(path, found, f"at most {IGNORE} names in `classes`")
    if task in (MULTILABEL, REGRESSION) and wanted != len(names):
        found = f"has {counted(wanted, 'label')} for each image, but {counted(len(names), 'name')} in `classes`"
        raise form(path, found, "one name for each")
    if wanted > len(names):
        raise form(
            path,
            f"has labels up to {wanted - 1}, but {counted(len(names), 'name')} in `classes`",
            "one name for each class",
        )


def refuse_single(path: Path, task: Task, parts: Sequence[Tensor], count: int) -> None:
    """Raise SpeccError E411 where masks hold a single class, as those of 0 and 255 do."""
    if task is not SEGMENTATION or (count > 1 and highest_class(parts) > 0):
        return
    is_white = any(bool((part == IGNORE).any()) for part in parts)
    also = f", and {IGNORE}, which is ignored" if is_white else ""
    needed = "masks of 0 and 1, not of black and white" if is_white else "at least two classes to tell apart"
    raise form(path, f"holds masks of a single class{also}", needed)
