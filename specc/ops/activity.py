"""What follows a kernel: by this `init=auto` chooses how the kernel starts."""

from enum import IntEnum
from typing import NamedTuple


class Kind(IntEnum):
    """Where paths differ, the smallest wins."""

    RECTIFIER = 0
    SELF_NORMALIZING = 1
    SATURATING = 2
    LINEAR = 3


class Activity(NamedTuple):
    """A kind of activation; slope: of a rectifier, for negative numbers."""

    kind: Kind
    slope: float = 0.0


RECTIFIER, SELF_NORMALIZING, SATURATING, LINEAR = map(Activity, Kind)
