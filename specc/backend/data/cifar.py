"""`cifar10` and `cifar100`: the binary version (cs.toronto.edu/~kriz/cifar.html), never the pickled one."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from specc.backend.data.download import Download
from specc.backend.data.idx import check_labels
from specc.backend.data.places import Published, Where, damaged, obtain, unreadable
from specc.backend.data.raw import Part, Raw
from specc.files import open_file
from specc.tricks.source import CIFAR10, CIFAR100
from specc.values import Args

PIXELS = 3 * 32 * 32
MOST_NAMES = 10_000  # bytes of a file of class names

_TRAIN10 = tuple(f"data_batch_{i}.bin" for i in range(1, 6))
PUBLISHED10 = Published(
    "CIFAR-10 (binary version)",
    "cifar-10-batches-bin",
    (*_TRAIN10, "test_batch.bin"),
    (
        Download(
            "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
            "c32a1d4ab5d03f1284b67883e8d87530",
            170_052_171,
            archive=True,
        ),
    ),
    ("batches.meta.txt",),
)
PUBLISHED100 = Published(
    "CIFAR-100 (binary version)",
    "cifar-100-binary",
    ("train.bin", "test.bin"),
    (
        Download(
            "https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz",
            "03b5dce01913d631647c71ecec9e9cb8",
            168_513_733,
            archive=True,
        ),
    ),
    ("fine_label_names.txt",),
)


def read_cifar10(a: Args, where: Where) -> Raw:
    """50,000 and 10,000 photographs, uint8 3 x 32 x 32. Raises SpeccError E401, E402."""
    paths = obtain(PUBLISHED10, where.data_dir)
    classes = class_names(paths.get("batches.meta.txt"), CIFAR10)
    train = read_records([paths[name] for name in _TRAIN10], 10_000, 1, len(classes))
    test = read_records([paths["test_batch.bin"]], 10_000, 1, len(classes))
    return Raw(classes, train, test)


def read_cifar100(a: Args, where: Where) -> Raw:
    """50,000 and 10,000 photographs, uint8 3 x 32 x 32, with fine labels. Raises SpeccError E401, E402."""
    paths = obtain(PUBLISHED100, where.data_dir)
    classes = class_names(paths.get("fine_label_names.txt"), CIFAR100)
    train = read_records([paths["train.bin"]], 50_000, 2, len(classes))
    test = read_records([paths["test.bin"]], 10_000, 2, len(classes))
    return Raw(classes, train, test)


def class_names(path: Path | None, published: tuple[str, ...]) -> tuple[str, ...]:
    """The names in the file beside the images, which its labels count in; the published ones where there is no file.

    Raises SpeccError E402 where the file does not hold as many different names.
    """
    if path is None:
        return published
    try:
        with open_file(path) as file:
            text = file.read(MOST_NAMES + 1)
        if len(text) > MOST_NAMES:
            raise damaged(path, f"is too long: more than {MOST_NAMES:,} bytes")
        names = tuple(line.strip() for line in text.decode("utf-8").splitlines() if line.strip())
    except (OSError, UnicodeDecodeError) as error:
        raise unreadable(path, error) from None
    if len(set(names)) != len(published) or len(names) != len(published):
        raise damaged(path, f"holds {len(set(names))} different class names; {len(published)} are needed")
    return names


def read_records(paths: list[Path], count: int, label_bytes: int, classes: int) -> Part:
    """Images and labels from files of `count` records each: the label's bytes, the last of which counts, and pixels.

    Raises SpeccError E402, which names the file.
    """
    images = torch.empty(count * len(paths), 3, 32, 32, dtype=torch.uint8)
    labels = torch.empty(count * len(paths), dtype=torch.int64)
    for path, some, their in zip(paths, torch.split(images, count), torch.split(labels, count), strict=True):
        _read_file(path, some, their, label_bytes, classes)
    return Part(images, labels)


def _read_file(path: Path, images: Tensor, labels: Tensor, label_bytes: int, classes: int) -> None:
    length = label_bytes + PIXELS
    try:
        size = path.stat().st_size
        if size != len(images) * length:
            what = "is truncated" if size < len(images) * length else "is too long"
            needed = f"{len(images):,} records of {length:,} bytes"
            raise damaged(path, f"{what}: it has {size:,} bytes, but should hold {needed}")
        with open_file(path) as file:
            records = np.fromfile(file, dtype=np.uint8).reshape(len(images), length)
    except (OSError, ValueError) as error:
        raise unreadable(path, error) from None
    own = records[:, label_bytes - 1]
    check_labels(path, own, classes)
    labels.copy_(torch.from_numpy(own.astype(np.int64)))
    images.copy_(torch.from_numpy(records[:, label_bytes:].reshape(-1, 3, 32, 32)))
