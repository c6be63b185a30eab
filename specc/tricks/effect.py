"""What augmentations do to the size of images, and how much of an image they leave."""

from collections.abc import Callable

from specc.values import Args, Size
from specc.vocabulary.problem import Problem

IMAGE_DEVIATION = 0.25  # of photographs from 0 to 1: 0.25 for CIFAR-10, 0.23 for ImageNet


def ordered(*names: str) -> Callable[[Args], None]:
    """A check that the two ends of each of these ranges stand in order."""

    def check(a: Args) -> None:
        for name in names:
            low, high = getattr(a, name)
            if low > high:
                message = f"the range of `{name}` is reversed: {low:g} to {high:g}"
                raise Problem("E216", message, param=name, help="put the lower end first")

    return check


def crop_size(a: Args, size: Size) -> Size:
    _room(a.fill, a.pad, size, "crop", "pad")
    if a.size.height > size.height + 2 * a.pad or a.size.width > size.width + 2 * a.pad:
        raise Problem(
            "E303",
            f"`crop` of {a.size} is larger than the images of {size}" + (f" padded by {a.pad}" if a.pad else ""),
            param="size",
            help="use a smaller crop, or more padding",
        )
    return Size(*a.size)


def shift_size(a: Args, size: Size) -> Size:
    _room(a.fill, a.pixels, size, "shift", "pixels")
    return size


def crop_visible(a: Args, size: Size) -> float:
    return 1.0 if a.fill == "reflect" else _beside(a.size, a.pad)


def shift_visible(a: Args, size: Size) -> float:
    return 1.0 if a.fill == "reflect" else _beside(size, a.pixels)


def _beside(window: Size, gap: int) -> float:
    """The share of a window that `gap` rows and columns of nothing leave."""
    return max(1 - gap / window.height, 0.0) * max(1 - gap / window.width, 0.0)


def cutout_visible(a: Args, size: Size) -> float:
    return float(1 - min(a.size.height / size.height, 1.0) * min(a.size.width / size.width, 1.0))


def noise_visible(a: Args, size: Size) -> float:
    """The image's share of the variance."""
    return float(IMAGE_DEVIATION**2 / (IMAGE_DEVIATION**2 + a.std * a.std)) if a.p else 1.0


def _room(fill: str, pad: int, size: Size, trick: str, param: str) -> None:
    """Only what is there can be reflected."""
    if fill == "reflect" and pad >= min(size):
        raise Problem(
            "E303",
            f"`{trick}` reflects {pad} pixels, but images of {size} allow at most {min(size) - 1}",
            param=param,
            help=f"use at most {min(size) - 1}, or fill=zero",
        )
