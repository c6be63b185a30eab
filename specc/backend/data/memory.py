"""How much memory is free, and memory for many images."""

import os
from collections.abc import Sequence
from math import prod
from pathlib import Path
from threading import Lock

import numpy as np
import torch
from torch import Tensor

from specc.backend.images import Pixels

FALLBACK = 4 << 30  # where the system does not tell


def free_memory() -> int:
    """Bytes that this process may still take: what the system has free, or the limit of its control group."""
    return min(_system(), _group())


def allocate(*shape: int) -> Tensor:
    """A uint8 tensor of whatever values. NumPy asks for huge pages, which takes a fraction of the time to be filled."""
    return torch.from_numpy(np.empty(shape, dtype=np.uint8))


def move_to_front(images: Tensor, numbers: Sequence[int]) -> Tensor:
    """Some of the images, moved to the front of where they all are: a copy would take as much memory again.

    numbers: ascending.
    """
    values = images.numpy()
    for place, number in enumerate(numbers):
        if place != number:
            values[place] = values[number]
    return images[: len(numbers)]


class Room:
    """Memory for `count` images of one shape, taken when the first one comes. Threads may ask for places in it."""

    def __init__(self, count: int, limit: int) -> None:
        """limit: bytes that all images may take; there is no place for them if they would take more."""
        self.images: Tensor | None = None
        self._count, self._limit, self._lock = count, limit, Lock()

    def place(self, number: int, shape: tuple[int, ...]) -> Pixels | None:
        """Where the pixels of an image go, of whatever values; None where they do not fit, or have another shape."""
        if self._count * prod(shape) > self._limit:
            return None
        with self._lock:
            if self.images is None:
                self.images = allocate(self._count, *shape)
        if self.images.shape[1:] != shape:
            return None
        place: Pixels = self.images[number].numpy()
        return place


def _system() -> int:
    table = Path("/proc/meminfo")
    if table.exists():
        for line in table.read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    except (AttributeError, ValueError, OSError):
        return FALLBACK


def _group() -> int:
    """What the control group (version 2) of a container leaves."""
    folder = Path("/sys/fs/cgroup")
    try:
        limit = int((folder / "memory.max").read_text(encoding="ascii"))
        return max(limit - int((folder / "memory.current").read_text(encoding="ascii")), 0)
    except (OSError, ValueError):  # no such file, or the limit is "max"
        return 1 << 62
