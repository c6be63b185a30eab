"""What a split must not tear apart: identical pictures, and images of one group."""

from collections.abc import Hashable, Iterable, Sequence

from specc.backend.data.raw import Part
from specc.backend.data.survey import Surveyed


def units_of(part: Part, surveyed: Surveyed) -> Sequence[Hashable]:
    """What is equal for images that stay together. surveyed: the images of the part that can be used, in its order."""
    groups = groups_of(part, surveyed)
    if not groups:
        return surveyed.pictures
    ties = zip(surveyed.pictures, groups, strict=True)
    return connected([[("picture", picture), *(("group", group) for group in some)] for picture, some in ties])


def groups_of(part: Part, surveyed: Surveyed) -> list[list[str]]:
    """The groups of each image that can be used: several where its file is listed more than once; empty without any."""
    if not part.groups:
        return []
    if not surveyed.names:
        return [[group] for group in part.groups]
    of_name: dict[str, set[str]] = {}
    for name, group in zip(part.images.names, part.groups, strict=True):  # type: ignore[union-attr]
        of_name.setdefault(name, set()).add(group)
    return [sorted(of_name[name]) for name in surveyed.names]


def connected(ties: Sequence[Iterable[Hashable]]) -> list[int]:
    """The number of each item's connected set: items with a tie in common are in one, and so are those in between.

    Numbers count from 0 in the order of the items. Disjoint sets with halved paths (Tarjan and van Leeuwen, 1984).
    """
    parent = list(range(len(ties)))

    def root(item: int) -> int:
        while parent[item] != item:
            parent[item] = parent[parent[item]]
            item = parent[item]
        return item

    first: dict[Hashable, int] = {}
    for item, some in enumerate(ties):
        for tie in some:
            one, other = root(item), root(first.setdefault(tie, item))
            parent[max(one, other)] = min(one, other)
    numbers: dict[int, int] = {}
    return [numbers.setdefault(root(item), len(numbers)) for item in range(len(ties))]
