"""What a reader of a data source gives: its parts, as they lie in the files."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from torch import Tensor

from specc.backend.data.kept import Rows
from specc.backend.data.shards.images import Packed, PackedMasks
from specc.backend.images import read_bytes
from specc.errors import SpeccError
from specc.tasks import CLASSIFICATION, Task


class Place(NamedTuple):
    """Where the bytes of a file lie in an archive: from `start` on, `length` of them."""

    archive: Path
    start: int
    length: int


class Files(NamedTuple):
    """Image files that are still to be decoded: their names below `root`.

    skip_broken: those that cannot be used are left out. digests: the SHA-256 of each, once they were looked at.
    places: where each lies, where they are in archives. kept: where decoded images are, if they are kept.
    decoded: masks that are in memory already, uint8 N x H x W.
    """

    root: Path
    names: list[str]
    skip_broken: bool = False
    digests: Sequence[bytes] = ()
    places: Sequence[Place] = ()
    kept: Rows | None = None
    decoded: Tensor | None = None

    def __len__(self) -> int:  # the number of images, not of fields
        return len(self.names)

    def select(self, index: Iterable[int]) -> "Files":
        """Some of the files, in the order of `index`."""
        numbers = list(index)
        names = [self.names[i] for i in numbers]
        digests = [self.digests[i] for i in numbers] if self.digests else ()
        places = [self.places[i] for i in numbers] if self.places else ()
        kept = self.kept.select(numbers) if self.kept else None
        decoded = self.decoded[numbers] if self.decoded is not None else None
        return Files(self.root, names, self.skip_broken, digests, places, kept, decoded)

    def place(self, number: int) -> tuple[Path, int, int | None]:
        """The plain file that holds a file, where it starts in that, and its length, None for all that there is."""
        return self.places[number] if self.places else (self.root / self.names[number], 0, None)

    def paths(self) -> list[str]:
        """The path of each file; of one in an archive, its name below the archive's folder."""
        return [str(self.root / name) for name in self.names]

    def content(self, number: int) -> bytes:
        """The bytes of a file. Raises BadImage where they cannot be an image's, OSError where they cannot be read."""
        return read_bytes(*self.place(number))


class Part(NamedTuple):
    """Images and their labels.

    images: uint8 N x C x H x W, or files, or images in shards.
    labels: classification: int64 N, indices into the classes. Multi-label: float32 N x K, 1 where an image has the tag,
        else 0. Regression: float64 N x K, in the data's own units. Segmentation: uint8 N x H x W, indices into the
        classes, or `Raw.ignore`; or the mask files, in the order of the images.
    groups: of each image what it must not be torn apart from; empty where nothing is said.
    """

    images: Tensor | Files | Packed
    labels: Tensor | Files | PackedMasks
    groups: Sequence[str] = ()


class Unlabeled(NamedTuple):
    """A part whose images have no classes, as those of a competition have none. about: what it is, in words."""

    about: str


Given = Part | Unlabeled | SpeccError | None  # an error is raised where the part is to be used, and else said


class Raw(NamedTuple):
    """A data source: its classes, the part to train on, and those parts to measure on that its publisher set aside.

    classes: what the network's outputs are called: classes or tags, or the names of the numbers.
    names: what the source calls these two, such as `val`. notes: what is said once about where it lies.
    task: what the labels are. ignore: the number in a mask of pixels that are neither trained on nor measured.
    """

    classes: tuple[str, ...]
    train: Part
    test: Given = None
    validation: Given = None
    names: Mapping[str, str] = MappingProxyType({})
    notes: tuple[str, ...] = ()
    task: Task = CLASSIFICATION
    ignore: int | None = None
