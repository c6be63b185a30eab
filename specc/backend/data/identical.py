"""Identical pictures in a data set, by their pixels: what there is to say about them."""

from collections.abc import Sequence
from typing import NamedTuple

from specc.backend.data.survey import Surveyed
from specc.errors import clean

SHOWN = 3  # pictures that a note names


class Place(NamedTuple):
    """Where a picture is: the part's number, the image's, its name, and its class."""

    part: int
    image: int
    name: str
    label: int


def notes_on_identical(parts: Sequence[Surveyed], names: Sequence[str], classes: Sequence[str]) -> list[str]:
    """Notes about identical pictures in the parts of a data set, the first of which is trained on.

    names: of the parts, in words. One part is divided, and copies stay together; two were published, and stay as they
    are.
    """
    places: dict[bytes, list[Place]] = {}
    for part, surveyed in enumerate(parts):
        for image, (picture, label) in enumerate(zip(surveyed.pictures, surveyed.labels.tolist(), strict=True)):
            name = surveyed.names[image] if surveyed.names else f"{names[part]} image {image:,}"
            places.setdefault(picture, []).append(Place(part, image, name, label))
    several = [found for found in places.values() if len(found) > 1]
    notes = []
    torn = [found for found in several if len({place.label for place in found}) > 1]
    if torn:
        said = "; ".join(_named(_of_each_label(found), classes) for found in torn[:SHOWN])
        plural = "picture has" if len(torn) == 1 else "pictures have"
        notes.append(f"{len(torn):,} {plural} contradictory labels: {said}{_more(len(torn))}")
    if len(parts) == 1 and several:
        copies = sum(len(found) - 1 for found in several)
        examples = "; ".join(_named(found[:2]) for found in several[:SHOWN])
        what = f"{copies:,} of {len(parts[0].labels):,} images are copies of others, pixel by pixel"
        notes.append(f"{what}: {examples}{_more(len(several))}; copies stay on one side of the split")
    leaks = [found for found in several if {0, 1} <= {place.part for place in found}]
    if leaks:
        twice = sum(place.part == 1 for found in leaks for place in found)
        examples = "; ".join(_named([_first(found, 0), _first(found, 1)]) for found in leaks[:SHOWN])
        what = f"{twice:,} of {len(parts[1].labels):,} {names[1]} images are training images, too"
        notes.append(f"{what}: {examples}{_more(len(leaks))}")
    return notes


def _of_each_label(found: Sequence[Place]) -> list[Place]:
    """The first place with each label."""
    return list({place.label: place for place in reversed(found)}.values())[::-1]


def _first(found: Sequence[Place], part: int) -> Place:
    return next(place for place in found if place.part == part)


def _named(found: Sequence[Place], classes: Sequence[str] = ()) -> str:
    """`cat/1.png = dog/7.png`, with the classes where they are given."""
    return " = ".join(clean(p.name) + (f" ({clean(classes[p.label])})" if classes else "") for p in found)


def _more(count: int) -> str:
    return f" and {count - SHOWN:,} more" if count > SHOWN else ""
