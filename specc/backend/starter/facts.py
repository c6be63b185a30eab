"""What there is to know of data before a spec is written for them."""

from typing import NamedTuple

from specc.backend.data.raw import Raw
from specc.backend.starter.pictures import Pictures
from specc.tasks import Task


class Seen(NamedTuple):
    """What a source holds.

    call: the source as the language writes it, whole. raw: its parts. images: how many each part has, those that cannot
    be used left out. pictures: of the part to train on. shape: C, H, W of arrays, whose size the spec has to give.
    counts: images of the training part for each class or tag, pixels for masks; none for numbers.
    notes: what is said of it, and written beside the source.
    """

    call: str
    raw: Raw
    images: dict[str, int]
    pictures: Pictures
    shape: tuple[int, int, int] | None
    counts: tuple[int, ...]
    notes: tuple[str, ...] = ()

    @property
    def task(self) -> Task:
        return self.raw.task

    @property
    def outputs(self) -> tuple[str, ...]:
        return self.raw.classes

    @property
    def learned(self) -> int:
        """The images to learn from."""
        return self.images["train"]
