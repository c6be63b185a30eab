"""What a split must not tear apart: identical pictures, and images of one group."""

from collections.abc import Hashable, Iterable, Sequence

from specc.backend.data.survey import Surveyed


def units_of(part: Surveyed) -> Sequence[Hashable]:
    """What is equal for images that stay on one side of a split: identical pictures, images of one group, and all that
    these connect."""
    if not part.groups:
        return part.pictures
    ties = zip(part.pictures, part.groups, strict=True)
    return connected([(("picture", picture), ("group", group)) for picture, group in ties])


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
