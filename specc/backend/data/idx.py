"""`mnist` and `fashion_mnist`: IDX files, gzip or not (the format is described at yann.lecun.com/exdb/mnist)."""

import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import BinaryIO

import numpy as np
import torch
from numpy.typing import NDArray

from specc.backend.data.download import Download
from specc.backend.data.packed import CHUNK, Unpacked
from specc.backend.data.places import Published, Where, damaged, obtain, unreadable
from specc.backend.data.raw import Part, Raw
from specc.backend.foreign import LOOKED_AT, described
from specc.errors import counted
from specc.files import open_file
from specc.tricks.source import DIGITS, FASHION
from specc.values import Args

FILES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
COUNTS = (60_000, 10_000)
CLASSES = 10
UNSIGNED_BYTES = 0x08

# The publisher's own host refuses most downloads; this is the copy that PyTorch keeps.
_MNIST = "https://ossci-datasets.s3.amazonaws.com/mnist/"
MNIST = Published(
    "MNIST",
    "mnist",
    FILES,
    (
        Download(_MNIST + FILES[0] + ".gz", "f68b3c2dcbeaaa9fbdd348bbdeb94873", 9_912_422),
        Download(_MNIST + FILES[1] + ".gz", "d53e105ee54ea40749a09fcbcd1e9432", 28_881),
        Download(_MNIST + FILES[2] + ".gz", "9fb629c4189551a2d022fa330f9573f3", 1_648_877),
        Download(_MNIST + FILES[3] + ".gz", "ec29112dd5afa0611ce80d1b7f02629c", 4_542),
    ),
)
_FASHION = "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/"
FASHION_MNIST = Published(
    "Fashion-MNIST",
    "fashion-mnist",
    FILES,
    (
        Download(_FASHION + FILES[0] + ".gz", "8d4fb7e6c68d591d4c3dfef9ec88bf0d", 26_421_880),
        Download(_FASHION + FILES[1] + ".gz", "25c81989df183df01b3e8a0aad5dffbe", 29_515),
        Download(_FASHION + FILES[2] + ".gz", "bef4ecab320f06d8554ea6380940ec79", 4_422_102),
        Download(_FASHION + FILES[3] + ".gz", "bb300cfdad3c16e7a12a480ee83cd310", 5_148),
    ),
)


def read_mnist(a: Args, where: Where) -> Raw:
    """60,000 and 10,000 handwritten digits, uint8 1 x 28 x 28. Raises SpeccError E401, E402."""
    return _read(MNIST, DIGITS, where)


def read_fashion_mnist(a: Args, where: Where) -> Raw:
    """60,000 and 10,000 pictures of clothing, uint8 1 x 28 x 28. Raises SpeccError E401, E402."""
    return _read(FASHION_MNIST, FASHION, where)


def _read(published: Published, classes: tuple[str, ...], where: Where) -> Raw:
    paths = obtain(published, where.data_dir)
    train, test = (
        read_part(paths[FILES[2 * i]], paths[FILES[2 * i + 1]], (28, 28), len(classes), COUNTS[i]) for i in (0, 1)
    )
    return Raw(classes, train, test)


def read_part(images_path: Path, labels_path: Path, size: tuple[int, int], classes: int, most: int) -> Part:
    """Images and labels from two IDX files. `most`: how many images there can be.

    Raises SpeccError E402, which names the file, where one is not what it should be or the two do not go together.
    """
    images = read_idx(images_path, size, most)
    labels = read_idx(labels_path, (), most)
    if len(images) != len(labels):
        raise damaged(
            labels_path,
            f"holds {counted(len(labels), 'label')}, but {images_path} holds {counted(len(images), 'image')}",
        )
    check_labels(labels_path, labels, classes)
    return Part(torch.from_numpy(images)[:, None], torch.from_numpy(labels.astype(np.int64)))


def check_labels(path: Path, labels: NDArray[np.uint8], classes: int) -> None:
    """Raise SpeccError E402 where a label names no class."""
    wrong = np.flatnonzero(labels >= classes)
    if len(wrong):
        first = int(wrong[0])
        raise damaged(path, f"has labels above {classes - 1}; the first is number {first:,}, which is {labels[first]}")


def read_idx(path: Path, size: tuple[int, ...], most: int) -> NDArray[np.uint8]:
    """The bytes of an IDX file, N x size. No more is read than its header promises, and one byte to see it ends there.

    Raises SpeccError E402, E410.
    """
    with _opened(path, 4 * (2 + len(size)) + most * prod(size)) as file:
        header = file.read(4 * (2 + len(size)))
        if len(header) < 4 * (2 + len(size)):
            raise damaged(path, f"is only {len(header)} bytes long: too short for an IDX header")
        magic, *lengths = struct.unpack(f">{2 + len(size)}I", header)
        if magic != UNSIGNED_BYTES << 8 | (1 + len(size)):
            raise damaged(path, f"is not an IDX file of {'images' if size else 'labels'}: {_described(header, file)}")
        if tuple(lengths[1:]) != size:
            found, needed = (" x ".join(map(str, x)) for x in (lengths[1:], size))
            raise damaged(path, f"holds images of {found}; they should be {needed}")
        if not 0 < lengths[0] <= most:
            raise damaged(path, f"says that it holds {lengths[0]:,} items; 1 to {most:,} are possible")
        content = _all(file, prod(lengths) + 1)
        if len(content) < prod(lengths):
            raise damaged(
                path, f"is truncated: its header promises {prod(lengths):,} bytes, {len(content):,} are there"
            )
        if len(content) > prod(lengths):
            raise damaged(path, f"continues after the {prod(lengths):,} bytes that its header promises")
    return np.frombuffer(content, dtype=np.uint8).reshape(lengths)


def _described(header: bytes, file: BinaryIO | Unpacked) -> str:
    """What a file is that has another header."""
    try:
        return described(header + file.read(LOOKED_AT))
    except (EOFError, zlib.error):
        return described(header)


def _all(file: BinaryIO | Unpacked, count: int) -> bytearray:
    """Read until so many bytes are there or the file ends."""
    content = bytearray()
    try:
        while len(content) < count and (more := file.read(min(count - len(content), CHUNK))):
            content += more
    except EOFError:  # a gzip stream that breaks off
        pass
    return content


@contextmanager
def _opened(path: Path, most: int) -> Iterator[BinaryIO | Unpacked]:
    """The file, decompressed where its first bytes say gzip. What goes wrong inside becomes SpeccError E402.

    most: bytes that it can hold.
    """
    try:
        with open_file(path) as raw:
            packed = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            yield Unpacked(raw, most + 1) if packed else raw
    except (EOFError, zlib.error) as error:
        raise damaged(path, f"is damaged gzip: {error}") from None
    except OSError as error:
        raise unreadable(path, error) from None
