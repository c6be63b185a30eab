"""What a NumPy archive says of its images before any is read: their shape, from the header of one array.

No NumPy here: `specc check` asks, too.
"""

import re
import struct
import zipfile
import zlib
from collections.abc import Container, Sequence
from typing import BinaryIO

from specc.backend.data.packed import Careful
from specc.backend.data.paths import find_path
from specc.backend.data.places import Where
from specc.errors import SpeccError
from specc.files import open_file
from specc.values import Args

# The names of images and labels of the training part; the second are MedMNIST's.
TRAIN = (("x_train", "y_train"), ("train_images", "train_labels"), ("images", "labels"))
COLORS = (1, 3)
MOST_DIRECTORY = 1 << 20  # bytes; that of ten thousand members
MOST_HEADER = 10_000  # bytes, as NumPy has it
LENGTHS = {1: "<H", 2: "<I", 3: "<I"}  # how the length of a header is stored, by the version of its format
SHAPE = re.compile(rb"'shape': \(([\d, ]+)\)")


def shape_of(a: Args, where: Where) -> tuple[int, int, int] | str:
    """Channels, height and width of the images that `npz` would train on; a text where the archive does not tell."""
    try:
        path = find_path(a.path, where, "file")
        with Careful(open_file(path, buffering=0)) as file:
            file.most = MOST_DIRECTORY
            archive = zipfile.ZipFile(file)
            pair = named_pair(archive.namelist(), TRAIN, ".npy")
            if pair is None:
                return f"{path} has no images and labels with known names"
            with archive.open(f"{pair[0]}.npy") as member:
                shape = _array_shape(member)  # type: ignore[arg-type]
    except SpeccError as error:
        return error.message.splitlines()[0]
    except (zipfile.BadZipFile, zlib.error, struct.error, EOFError, ValueError, RuntimeError, NotImplementedError):
        return f"{path} is not a complete NumPy archive"
    except OSError as error:
        return f"{path} cannot be read: {error.strerror or error}"
    image = image_shape(shape)
    return (
        image
        if image and all(image)
        else f"{path} holds `{pair[0]}` of shape {' x '.join(map(str, shape))}, which are no images"
    )


def named_pair(names: Container[str], pairs: Sequence[tuple[str, str]], ending: str = "") -> tuple[str, str] | None:
    """The first pair of names, of images and of labels, that is among the names, which end in `ending`."""
    return next((pair for pair in pairs if all(f"{name}{ending}" in names for name in pair)), None)


def image_shape(shape: Sequence[int]) -> tuple[int, int, int] | None:
    """Channels, height and width of images stored as N x H x W, N x H x W x C or N x C x H x W, in this order."""
    if len(shape) == 3:
        return (1, shape[1], shape[2])
    if len(shape) != 4:
        return None
    if shape[3] in COLORS:
        return (shape[3], shape[1], shape[2])
    return (shape[1], shape[2], shape[3]) if shape[1] in COLORS else None


def _array_shape(file: BinaryIO) -> tuple[int, ...]:
    """The shape of an array in NumPy's format. Raises ValueError where its header is none, or is written otherwise."""
    start = file.read(8)
    if start[:6] != b"\x93NUMPY" or start[6] not in LENGTHS:
        raise ValueError("no array")
    layout = LENGTHS[start[6]]
    (length,) = struct.unpack(layout, file.read(struct.calcsize(layout)))
    shape = SHAPE.search(file.read(length)) if length <= MOST_HEADER else None
    if shape is None:
        raise ValueError("no shape")
    return tuple(int(side) for side in shape[1].replace(b",", b" ").split())
