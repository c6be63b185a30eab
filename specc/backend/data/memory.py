"""How much memory is free, and memory for many images."""

import os
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

FALLBACK = 4 << 30  # where the system does not tell


def free_memory() -> int:
    """Bytes that this process may still take: what the system has free, or the limit of its control group."""
    return min(_system(), _group())


def allocate(*shape: int) -> Tensor:
    """A uint8 tensor of whatever values. NumPy asks for huge pages, which takes a fraction of the time to be filled."""
    return torch.from_numpy(np.empty(shape, dtype=np.uint8))


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
