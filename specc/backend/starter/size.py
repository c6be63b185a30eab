"""What size the images are brought to, and how, so that little of them is lost."""

from collections.abc import Sequence
from math import sqrt
from typing import NamedTuple

from specc.backend.starter.facts import Seen
from specc.tasks import CLASSIFICATION, SEGMENTATION
from specc.values import Size

SIDES = (8, 16, 24, 32, 48, 64, 96, 128)  # of squares that the network sees
LARGEST = SIDES[-1]
SMALL = 64  # pixels of a side up to which the network looks at every pixel from the start
EVEN = 8  # sides of resized images are multiples of it, so that a U-Net can halve them three times
HALVED = 4  # sides of images that stay as they are can be halved at least twice where there are masks
NEAR = 0.15  # how far a side may be from the size that is wanted, to keep the proportions
ALIKE = 1.05  # how far proportions may be apart to count as the same
MODERATE = 2.0  # width / height of photographs, or its inverse: of a wider one a square would lose half
LONGEST = 3.0  # width / height up to which images of the same proportions keep them
MARGIN = 9 / 8  # of a resized image over what is seen of it, so that training can vary what it sees


class Line(NamedTuple):
    """A setting as text, and why it is so."""

    text: str
    why: str = ""


class Fit(NamedTuple):
    """How images come to one size. seen: what the network gets. is_cropped: in training it is cut out of more."""

    lines: tuple[Line, ...]
    seen: Size
    is_cropped: bool = False


def fit(seen: Seen) -> Fit:
    """The settings `resize` and `view` for a data set."""
    sizes = seen.pictures.sizes
    is_map = seen.task == SEGMENTATION
    if seen.shape is not None:
        return _of_arrays(Size(*seen.shape[1:]), is_map=is_map)
    if len(set(sizes)) == 1 and _may_stay(sizes[0], is_map=is_map):
        return Fit((Line(f"resize = {sizes[0]}", "as all images are; others are brought to it"),), sizes[0])
    ratios = sorted(size.width / size.height for size in sizes)
    short = _tenth([min(size) for size in sizes])
    if ratios[-1] <= ALIKE * ratios[0] and 1 / LONGEST <= ratios[0] <= LONGEST:
        return _in_proportion(sizes, ratios[len(ratios) // 2])
    common = ratios[len(ratios) // 20], ratios[-1 - len(ratios) // 20]
    if seen.task == CLASSIFICATION and common[0] >= 1 / MODERATE and common[1] <= MODERATE:
        return _covered(short)
    side = _side(short)
    why = "proportions differ: each image is fitted in whole, and the rest is black"
    if is_map:
        why = "proportions differ: each image is fitted in whole; what surrounds it is ignored"
    return Fit((Line(f"resize = contain({side}x{side})", why),), Size(side, side))


def _tenth(numbers: Sequence[int]) -> int:
    """The number that nine of ten are at least."""
    return sorted(numbers)[len(numbers) // 10]


def _side(short: int) -> int:
    """The largest side to which most images need not be enlarged."""
    return max((side for side in SIDES if side <= short), default=SIDES[0])


def _even(length: float) -> int:
    return max(EVEN, round(length / EVEN) * EVEN)


def _may_stay(size: Size, *, is_map: bool) -> bool:
    """Whether images of one size need no other: they are small enough, and can be halved as masks need it."""
    return size.height * size.width <= LARGEST**2 and not (is_map and any(side % HALVED for side in size))


def _of_arrays(size: Size, *, is_map: bool) -> Fit:
    """Images in an array: as they are, unless they are large, or cannot be halved as masks need it."""
    return Fit((), size) if _may_stay(size, is_map=is_map) else _in_proportion([size], size.width / size.height)


def _in_proportion(sizes: Sequence[Size], ratio: float) -> Fit:
    """Images of the same proportions, width / height, which they keep as far as whole multiples allow."""
    area = min(LARGEST**2, _tenth([size.height * size.width for size in sizes]))
    wanted = sqrt(area / ratio)
    heights = [EVEN * number for number in range(1, LARGEST) if abs(EVEN * number - wanted) <= NEAR * wanted]
    shapes = [Size(height, _even(height * ratio)) for height in heights] or [Size(_even(wanted), _even(wanted * ratio))]
    seen = min(shapes, key=lambda size: (round(abs(size.width / size.height / ratio - 1), 2), -size.height))
    one = sizes[0]
    why = f"all images are {one.height} x {one.width}" if len(set(sizes)) == 1 else "all images have these proportions"
    why += "; larger shows more and takes longer" if min(sizes) > seen else ""
    return Fit((Line(f"resize = {seen}", why),), seen)


def _covered(short: int) -> Fit:
    """Photographs of several proportions: a square out of their middle, and in training one out of anywhere."""
    side = _side(round(short / MARGIN))
    if side < SMALL:
        side = _side(short)
        text = f"resize = cover({side}x{side})"
        return Fit((Line(text, "keeps the proportions, and cuts what stands over"),), Size(side, side))
    whole = _even(side * MARGIN)
    lines = (
        Line(f"resize = cover({whole}x{whole})", "keeps the proportions, and cuts what stands over"),
        Line(f"view = {side}x{side}", "what the network sees: the center; larger shows more and takes longer"),
    )
    return Fit(lines, Size(side, side), is_cropped=True)
