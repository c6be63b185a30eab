"""What a reader of a data source gives: its parts, as they lie in the files."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from torch import Tensor

from specc.backend.images import read_bytes


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


class Raw(NamedTuple):
    """A data source.

    test: the part that its publisher set aside, where there is one. notes: what is said once about where it lies.
    """

    classes: tuple[str, ...]
    train: Part
    test: Part | None
    notes: tuple[str, ...] = ()
