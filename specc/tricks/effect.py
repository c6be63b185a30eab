"""What an augmentation does to the size of images, and what it needs of them."""

from collections.abc import Callable
from typing import Any, NamedTuple

from specc.ops.op import Problem
from specc.values import Args, Size


class Effect(NamedTuple):
    """What an augmentation needs and does, besides changing pixels.

    size(a, size): the size of the images after it; raises `Problem` where they are too small for it.
    colour: it needs RGB images. mixes: it mixes images with others of the batch, and their labels likewise.
    """

    size: Callable[[Any, Size], Size] = lambda a, size: size
    colour: bool = False
    mixes: bool = False


def ordered(*names: str) -> Callable[[Args], None]:
    """A check that the two ends of each of these ranges stand in order."""

    def check(a: Args) -> None:
        for name in names:
            low, high = getattr(a, name)
            if low > high:
                message = f"`{name}` goes from {low:g} down to {high:g}"
                raise Problem("E216", message, param=name, help="the lower end comes first")

    return check


def crop_size(a: Args, size: Size) -> Size:
    _room(a.fill, a.pad, size, "crop", "pad")
    if a.size.height > size.height + 2 * a.pad or a.size.width > size.width + 2 * a.pad:
        raise Problem(
            "E303",
            f"`crop` cuts {a.size} out of images of {size}" + (f" padded by {a.pad}" if a.pad else ""),
            param="size",
            help="cut less, or pad more",
        )
    return Size(*a.size)


def shift_size(a: Args, size: Size) -> Size:
    _room(a.fill, a.pixels, size, "shift", "pixels")
    return size


def _room(fill: str, pad: int, size: Size, trick: str, param: str) -> None:
    """Only what is there can be reflected."""
    if fill == "reflect" and pad >= min(size):
        raise Problem(
            "E303",
            f"`{trick}` reflects {pad} pixels, but images of {size} have only {min(size) - 1} beside their border",
            param=param,
            help=f"at most {min(size) - 1}, or fill=zero",
        )
