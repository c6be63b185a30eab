"""Identical pictures in a data set, by their pixels: what there is to say about them."""

from collections.abc import Hashable, Sequence
from itertools import combinations
from typing import NamedTuple

from torch import Tensor

from specc.backend.data.survey import Surveyed
from specc.backend.tasks.bound import BoundTask
from specc.errors import clean, counted
from specc.tasks import CLASSIFICATION

SHOWN = 3  # pictures that a note names


class Place(NamedTuple):
    """Where a picture is: the part's number, the image's, its name, and its class."""

    part: int
    image: int
    name: str
    label: Hashable


def notes_on_identical(
    parts: Sequence[Surveyed], names: Sequence[str], task: BoundTask, *, is_divided: bool
) -> list[str]:
    """What is said about identical pictures in the parts of a data set, the first of which is trained on.

    names: of the parts, in words. is_divided: validation images are drawn from the first part, and copies stay
    together; what was published stays as it is.
    """
    places: dict[bytes, list[Place]] = {}
    for part, surveyed in enumerate(parts):
        for image, (picture, label) in enumerate(zip(surveyed.pictures, _keys(surveyed.labels), strict=True)):
            name = surveyed.names[image] if surveyed.names else f"{names[part]} image {image:,}"
            places.setdefault(picture, []).append(Place(part, image, name, label))
    several = [found for found in places.values() if len(found) > 1]
    notes = []
    classes = task.outputs if task.facts == CLASSIFICATION else ()
    torn = [found for found in several if len({place.label for place in found}) > 1]
    if torn:
        said = "; ".join(_named(_of_each_label(found), classes) for found in torn[:SHOWN])
        plural = "picture has" if len(torn) == 1 else "pictures have"
        notes.append(f"{len(torn):,} {plural} contradictory labels: {said}{_more(len(torn))}")
    inside = [own for found in several if len(own := [place for place in found if place.part == 0]) > 1]
    if is_divided and inside:
        copies = sum(len(found) - 1 for found in inside)
        examples = "; ".join(_named(found[:2]) for found in inside[:SHOWN])
        plural = "is a copy of another" if copies == 1 else "are copies of others"
        what = f"{copies:,} of {counted(len(parts[0].labels), 'image')} {plural}, pixel by pixel"
        notes.append(f"{what}: {examples}{_more(len(inside))}; copies stay on one side of the split")
    for one, other in combinations(range(len(parts)), 2):
        leaks = [found for found in several if {one, other} <= {place.part for place in found}]
        if leaks:
            twice = sum(place.part == other for found in leaks for place in found)
            examples = "; ".join(_named([_first(found, one), _first(found, other)]) for found in leaks[:SHOWN])
            what = f"{twice:,} of {len(parts[other].labels):,} {names[other]} images are {names[one]} images, too"
            notes.append(f"{what}: {examples}{_more(len(leaks))}")
    return notes


def _keys(labels: Tensor) -> list[Hashable]:
    """Of each image what is the same for the same labels."""
    if labels.ndim == 1:
        keys: list[Hashable] = labels.tolist()
        return keys
    return [row.numpy().tobytes() for row in labels]


def _of_each_label(found: Sequence[Place]) -> list[Place]:
    """The first place with each label."""
    return list({place.label: place for place in reversed(found)}.values())[::-1]


def _first(found: Sequence[Place], part: int) -> Place:
    return next(place for place in found if place.part == part)


def _named(found: Sequence[Place], classes: Sequence[str] = ()) -> str:
    """`cat/1.png = dog/7.png`, with the classes where they are given."""
    return " = ".join(
        clean(p.name) + (f" ({clean(classes[p.label])})" if classes and isinstance(p.label, int) else "") for p in found
    )


def _more(count: int) -> str:
    return f" and {count - SHOWN:,} more" if count > SHOWN else ""
