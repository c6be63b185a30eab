"""What a reader of a data source gives: its parts, as they lie in the files."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from torch import Tensor


class Files(NamedTuple):
    """Image files that are still to be decoded: their names below `root`.

    skip_broken: those that cannot be used are left out. digests: the SHA-256 of each, once they were looked at.
    """

    root: Path
    names: list[str]
    skip_broken: bool = False
    digests: Sequence[bytes] = ()

    def __len__(self) -> int:  # the number of images, not of fields
        return len(self.names)

    def select(self, index: Iterable[int]) -> "Files":
        """Some of the files, in the order of `index`."""
        numbers = list(index)
        digests = [self.digests[i] for i in numbers] if self.digests else ()
        return Files(self.root, [self.names[i] for i in numbers], self.skip_broken, digests)


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
