"""Training and validation images out of one part: drawn from a seed, stratified, identical pictures together."""

from collections.abc import Hashable, Sequence
from itertools import islice

import numpy as np
import torch
from numpy.typing import NDArray

from specc.backend import rng

Counts = NDArray[np.int64]

DRAW = 2  # version of how split and subset are drawn; a run that was begun with another one measures on other images


def divide(strata: Sequence[Sequence[int]], pictures: Sequence[Hashable], wanted: int, seed: int) -> list[int]:
    """The numbers of about `wanted` images to validate on, ascending; the others are to be trained on.

    strata: of each image what it counts for, as `BoundTask.strata` gives it: its class, or all of its tags.
    pictures: what is equal for images that stay together. seed: of the draw.

    Images are drawn in units of identical pictures. Each class gives its share, to one image, as far as units allow;
    of a class that has two units or more, there is one on each side, and of one with a single unit, none is taken. So
    there may be more or fewer than `wanted`.
    """
    units, of_class = _units(strata, pictures)
    generator = rng.generator(seed, 0, rng.SPLIT)
    order = torch.randperm(len(units), generator=generator).tolist()
    left = _class_units(of_class)  # units of each class that are still to be trained on
    targets = _targets(
        _images(of_class, len(left)), left, round(wanted * sum(map(len, strata)) / len(strata)), generator
    )
    taken = np.zeros(len(units), dtype=bool)
    got = np.zeros_like(targets)
    for number in order:
        counts = of_class[number]
        if all(got[label] + count <= targets[label] and left[label] > 1 for label, count in counts.items()):
            _take(number, counts, taken, got, left)
    for number in order:  # classes whose units are all larger than their share
        counts = of_class[number]
        if any(got[label] == 0 for label in counts) and all(left[label] > 1 for label in counts):
            _take(number, counts, taken, got, left)
    return sorted(image for number in np.flatnonzero(taken).tolist() for image in units[number])


def fold(
    strata: Sequence[Sequence[int]], pictures: Sequence[Hashable], number: int, folds: int, seed: int
) -> list[int]:
    """The numbers of the images of a fold, ascending: those to validate on. The others are to be trained on.

    strata, pictures: as for `divide`. number: of the fold, from 1. seed: of the draw, which is the same for all folds.

    Units go to folds one after the other, the largest first, each to the fold that has the least of its classes, as
    scikit-learn's StratifiedGroupKFold does; equal units in an order that is drawn. Each side has a unit of every class
    that has two or more; so a class of fewer units than folds lends them to several folds, and all others are validated
    on once. A class with a single unit is trained on in every fold.
    """
    units, of_class = _units(strata, pictures)
    left = _class_units(of_class)
    images = _images(of_class, len(left))
    order = torch.randperm(len(units), generator=rng.generator(seed, 0, rng.SPLIT)).tolist()
    order.sort(key=lambda unit: -sum(count * count for count in of_class[unit].values()))
    dealt = _deal([unit for unit in order if all(left[label] > 1 for label in of_class[unit])], of_class, images, folds)
    with_class: list[list[int]] = [[] for _ in left]
    for unit in dealt:
        for label in of_class[unit]:
            with_class[label].append(unit)
    own = {unit for unit, place in dealt.items() if place == number - 1}
    for label, members in enumerate(with_class):
        if members and len(own.intersection(members)) == left[label]:
            own.remove(members[0])
    for unit in own:
        left[list(of_class[unit])] -= 1
    for members in with_class:
        start = (number - 1) % max(1, len(members))
        lent = (unit for unit in members[start:] + members[:start] if (left[list(of_class[unit])] > 1).all())
        for unit in islice(lent, int(own.isdisjoint(members))):
            own.add(unit)
            left[list(of_class[unit])] -= 1
    return sorted(image for unit in own for image in units[unit])


def _deal(order: Sequence[int], of_class: Sequence[dict[int, int]], images: Counts, folds: int) -> dict[int, int]:
    """The fold of each unit, from 0.

    Each goes where the variance over the folds of the share of its classes grows least: where the sum over its classes
    of its own images times those that are there, over the square of the class's, is the smallest; of equal folds to
    that with the fewest images.
    """
    there: list[dict[int, int]] = [{} for _ in range(folds)]
    sizes = [0] * folds
    weights = (1.0 / np.maximum(images, 1).astype(np.float64) ** 2).tolist()
    dealt = {}
    for unit in order:
        counts = of_class[unit]

        def cost(place: int, counts: dict[int, int] = counts) -> tuple[float, int]:
            own = there[place]
            return sum(count * own.get(label, 0) * weights[label] for label, count in counts.items()), sizes[place]

        place = min(range(folds), key=cost)
        dealt[unit] = place
        sizes[place] += sum(counts.values())
        for label, count in counts.items():
            there[place][label] = there[place].get(label, 0) + count
    return dealt


def _units(
    strata: Sequence[Sequence[int]], pictures: Sequence[Hashable]
) -> tuple[list[list[int]], list[dict[int, int]]]:
    """The images of each unit, and how many of each class it has: of several, where labels contradict each other."""
    by_picture: dict[Hashable, list[int]] = {}
    for image, picture in enumerate(pictures):
        by_picture.setdefault(picture, []).append(image)
    units = list(by_picture.values())
    of_class: list[dict[int, int]] = []
    for unit in units:
        counts: dict[int, int] = {}
        for image in unit:
            for stratum in strata[image]:
                counts[stratum] = counts.get(stratum, 0) + 1
        of_class.append(counts)
    return units, of_class


def _images(of_class: Sequence[dict[int, int]], classes: int) -> Counts:
    """How many images there are of each class."""
    images = np.zeros(classes, dtype=np.int64)
    for counts in of_class:
        for label, count in counts.items():
            images[label] += count
    return images


def _class_units(of_class: Sequence[dict[int, int]]) -> Counts:
    """How many units there are with each class."""
    left = np.zeros(1 + max(label for counts in of_class for label in counts), dtype=np.int64)
    for counts in of_class:
        for label in counts:
            left[label] += 1
    return left


def _take(number: int, counts: dict[int, int], taken: NDArray[np.bool_], got: Counts, left: Counts) -> None:
    taken[number] = True
    for label, count in counts.items():
        got[label] += count
        left[label] -= 1


def _targets(images: Counts, units: Counts, wanted: int, generator: torch.Generator) -> Counts:
    """How many images of each class to take: its share of `wanted`, to the next image, with at least one of a class of
    two units or more, which keeps one; none of any other. Which of equal classes gives more is drawn."""
    share = wanted * images / int(images.sum())
    low = (units > 1).astype(np.int64)
    high = np.where(units > 1, images - 1, 0)
    targets: Counts = np.clip(np.floor(share).astype(np.int64), low, high)
    among = torch.randperm(len(images), generator=generator).numpy()
    for step in (1, -1):
        while (wanted - targets.sum()) * step > 0:
            free = targets < high if step > 0 else targets > low
            gap = np.where(free, (share - targets) * step, -np.inf)[among]
            if not free.any():
                break
            targets[among[int(gap.argmax())]] += step
    return targets
