"""What a reader of a data source gives: its parts, as they lie in the files."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from torch import Tensor

from specc.backend.images import read_bytes
from specc.errors import SpeccError


class Place(NamedTuple):
    """Where the bytes of a file lie in an archive: from `start` on, `length` of them."""

    archive: Path
    start: int
    length: int


class Files(NamedTuple):
    """Image files that are still to be decoded: their names below `root`.

    skip_broken: those that cannot be used are left out. digests: the SHA-256 of each, once they were looked at.
    places: where each lies, where they are in archives.
    """

    root: Path
    names: list[str]
    skip_broken: bool = False
    digests: Sequence[bytes] = ()
    places: Sequence[Place] = ()

    def __len__(self) -> int:  # the number of images, not of fields
        return len(self.names)

    def select(self, index: Iterable[int]) -> "Files":
        """Some of the files, in the order of `index`."""
        numbers = list(index)
        names = [self.names[i] for i in numbers]
        digests = [self.digests[i] for i in numbers] if self.digests else ()
        places = [self.places[i] for i in numbers] if self.places else ()
        return Files(self.root, names, self.skip_broken, digests, places)

    def content(self, number: int) -> bytes:
        """The bytes of a file. Raises BadImage where they cannot be an image's, OSError where they cannot be read."""
        if self.places:
            return read_bytes(*self.places[number])
        return read_bytes(self.root / self.names[number])


class Part(NamedTuple):
    """Images and their classes.

    images: uint8 N x C x H x W, or files. labels: int64 N, indices into the classes.
    """

    images: Tensor | Files
    labels: Tensor


class Unlabeled(NamedTuple):
    """A part whose images have no classes, as those of a competition have none. about: what it is, in words."""

    about: str


Given = Part | Unlabeled | SpeccError | None  # an error is raised where the part is to be used, and else said


class Raw(NamedTuple):
    """A data source: its classes, the part to train on, and those parts to measure on that its publisher set aside.

    names: what the source calls these two, such as `val`. notes: printed once, about where the data are.
    """

    classes: tuple[str, ...]
    train: Part
    test: Given = None
    validation: Given = None
    names: Mapping[str, str] = MappingProxyType({})
    notes: tuple[str, ...] = ()
