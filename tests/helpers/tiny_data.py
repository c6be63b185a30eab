"""Tiny data sets in every form, written by the tests themselves."""

import gzip
import io
import os
import struct
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from specc.backend.data.dataset import DataSet, load
from specc.backend.data.places import Where
from specc.backend.data.raw import Raw
from specc.backend.data.split import Resident, Split
from specc.backend.resolve import resolve
from specc.check import check
from specc.errors import SpeccError
from specc.source import Source
from specc.vocabulary.family import Source as DataSource
from specc.vocabulary.registry import component

NOBODY = 65534
Levels = NDArray[np.uint8]


def levels(*shape: int, seed: int = 0) -> Levels:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def idx(values: Levels) -> bytes:
    """The bytes of an IDX file."""
    return struct.pack(f">{1 + values.ndim}I", 0x0800 | values.ndim, *values.shape) + values.tobytes()


def write_mnist(place: Path, name: str = "fashion-mnist", packed: bool = True, train: int = 30, test: int = 10) -> Path:
    """A small set in the layout of MNIST; the folder that holds it."""
    folder = place / name
    folder.mkdir(parents=True)
    for part, count in (("train", train), ("t10k", test)):
        files: dict[str, NDArray[Any]] = {
            f"{part}-images-idx3-ubyte": levels(count, 28, 28),
            f"{part}-labels-idx1-ubyte": np.arange(count) % 10,
        }
        for file, values in files.items():
            content = idx(values.astype(np.uint8))
            (folder / (f"{file}.gz" if packed else file)).write_bytes(gzip.compress(content) if packed else content)
    return folder


def write_folder(
    place: Path, classes: int = 2, each: int = 4, size: tuple[int, int] = (6, 5), suffix: str = "png"
) -> Path:
    """Class folders with a few images each."""
    for number in range(classes):
        folder = place / f"class{number}"
        folder.mkdir(parents=True)
        for image in range(each):
            pixels = levels(*size, 3, seed=100 * number + image)
            Image.fromarray(pixels).save(folder / f"{image}.{suffix}")
    return place


def read(source: str, settings: str = "", **how: Any) -> DataSet:
    """What `load` makes of a section `data`."""
    text = f"data {{ source = {source}; {settings} }}\nnetwork N {{ input(3, 8x8); flatten -> dense(10) }}"
    checked = check(Source("net.cnn", text))
    assert checked.data is not None, checked.diagnostics
    return load(checked.data, **how)


def raw_of(source: str, base: Path) -> Raw:
    """What the reader of a source gives, before anything of it is opened."""
    checked = check(
        Source("net.cnn", f"data {{ source = {source} }}\nnetwork N {{ input(3, 8x8); flatten -> dense(9) }}")
    )
    assert checked.data is not None, checked.diagnostics
    call = checked.data.source
    raw: Raw = resolve(component(DataSource, call).target)(call.args, Where(None, base))
    return raw


def refused_raw(code: str, source: str, base: Path) -> str:
    """The message and the help of the error that the reader of a source raises."""
    with pytest.raises(SpeccError) as caught:
        raw_of(source, base)
    assert caught.value.code == code, caught.value.message
    assert caught.value.help and caught.value.status == 1
    return f"{caught.value.message}\n{caught.value.help}"


def gather_all(data: DataSet) -> None:
    """Decode every image again."""
    for part in (data.train, data.validation):
        part.gather(torch.arange(len(part)), torch.device("cpu"))


def refused(code: str, source: str, settings: str = "", **how: Any) -> str:
    """The message and the help of the error that `load` raises."""
    with pytest.raises(SpeccError) as caught:
        read(source, settings, **how)
    assert caught.value.code == code, caught.value.message
    assert caught.value.help
    return f"{caught.value.message}\n{caught.value.help}"


def write_shard(path: Path, members: dict[str, bytes]) -> Path:
    """A tar file of these members, in this order."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


def picture(seed: int = 0, size: tuple[int, int] = (6, 5), kind: str = "png") -> bytes:
    """The bytes of an image file."""
    buffer = io.BytesIO()
    Image.fromarray(levels(*size, 3, seed=seed)).save(buffer, kind)
    return buffer.getvalue()


@contextmanager
def unprivileged() -> Iterator[Path]:
    """A folder in which this process may read no more than its owner allows, also where it runs as root."""
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        try:
            if root:
                os.chown(folder, NOBODY, NOBODY)
                os.seteuid(NOBODY)
            yield Path(folder)
        finally:
            if root:
                os.seteuid(0)


def images_of(split: Split) -> Tensor:
    """The images of a split that is held in memory."""
    assert isinstance(split, Resident) and isinstance(split.images, Tensor)
    return split.images
