"""Values sent to another process and back, as multiprocessing sends them."""

from multiprocessing.reduction import ForkingPickler
from typing import TypeVar

T = TypeVar("T")


def packet(value: object) -> bytes:
    return bytes(ForkingPickler.dumps(value))


def received(content: bytes, like: T) -> T:
    """like: tells of what type it is."""
    value: T = ForkingPickler.loads(content)
    assert type(value) is type(like)
    return value


def sent(value: T) -> T:
    return received(packet(value), value)
