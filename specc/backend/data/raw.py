"""What a reader of a data source gives: its parts, as they lie in the files."""

from pathlib import Path
from typing import NamedTuple

from torch import Tensor


class Files(NamedTuple):
    """Image files that are still to be decoded: their names below `root`."""

    root: Path
    names: list[str]

    def __len__(self) -> int:  # the number of images, not of fields
        return len(self.names)


class Part(NamedTuple):
    """Images and their classes.

    images: uint8 N x C x H x W, or files. labels: int64 N, indices into the classes.
    """

    images: Tensor | Files
    labels: Tensor


class Raw(NamedTuple):
    """A data source. test: the part that its publisher set aside, where there is one."""

    classes: tuple[str, ...]
    train: Part
    test: Part | None
