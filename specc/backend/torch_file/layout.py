"""What both layouts of a weights file come to: the value that was saved, and where its storages lie."""

from collections.abc import Iterable
from typing import NamedTuple

from specc.backend.torch_file.problems import Damaged
from specc.backend.torch_file.values import Storage


class Saved(NamedTuple):
    """The value, with `StoredTensor` for each tensor, whose storages know their places. is_big: big-endian numbers."""

    value: object
    is_big: bool


def refuse_overlap(storages: Iterable[Storage], size: int) -> None:
    """Raise Damaged where storages share bytes, or reach beyond the file of `size` bytes."""
    end = 0
    for storage in sorted(storages, key=lambda one: one.start):
        if storage.start < end:
            raise Damaged(f"has storages that overlap: `{storage.key[:40]}` begins before the one before it ends")
        end = storage.start + storage.length * storage.dtype.itemsize
    if end > size:
        raise Damaged(f"ends after {size:,} bytes, but its storages reach to {end:,}")
