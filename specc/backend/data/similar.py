"""Images of two sets that nearly are the same picture, as another crop, copy or compression of it is."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

from specc.backend.data.split import Split

SMALL, LARGE = 8, 32  # pixels a side: of the first look, and of the second
CHUNK = 256  # images that are compared at once
CANDIDATES = 400  # pairs that get the second look
ALIKE = 0.985  # correlation of two pictures that are called nearly the same
FLAT = 2.0  # levels: of images that vary less nothing is said
CPU = torch.device("cpu")


class Pair(NamedTuple):
    """An image of the first set and its nearest in the second: their numbers, and the correlation of their grays."""

    one: int
    other: int
    correlation: float


def similar_pairs(first: Split, second: Split, most: int) -> tuple[int, list[Pair]]:
    """Images of the first set that have nearly the same picture in the second: how many, and the most alike of them.

    Grays, averaged to 8 x 8 and standardized, are compared with each other; what correlates there gets a second look at
    32 x 32. Turned and mirrored pictures are not found. At most 400 pairs are looked at twice.
    """
    nearest = _nearest(_described(first, SMALL), _described(second, SMALL))
    candidates = sorted((pair for pair in nearest if pair.correlation > ALIKE), key=lambda pair: -pair.correlation)
    candidates = candidates[:CANDIDATES]
    if not candidates:
        return 0, []
    ones, others = (torch.tensor([pair[side] for pair in candidates]) for side in (0, 1))
    values = (_standardized(first.gather(ones, CPU), LARGE) * _standardized(second.gather(others, CPU), LARGE)).sum(1)
    pairs = [Pair(pair.one, pair.other, value) for pair, value in zip(candidates, values.tolist(), strict=True)]
    alike = sorted((pair for pair in pairs if pair.correlation > ALIKE), key=lambda pair: -pair.correlation)
    return len(alike), alike[:most]


def _described(split: Split, side: int) -> Tensor:
    """Of each image its standardized grays, N x side²."""
    index = torch.split(torch.arange(len(split)), 4 * CHUNK)
    return torch.cat([_standardized(images, side) for images in split.stream(index, CPU)])


def _standardized(images: Tensor, side: int) -> Tensor:
    """Grays of uint8 images, averaged to at most side x side, with mean 0 and length 1; 0 where they hardly vary."""
    gray = images.float().mean(dim=1, keepdim=True)
    height, width = gray.shape[2:]
    small = adaptive_avg_pool2d(gray, (min(side, height), min(side, width))).flatten(1)
    centered = small - small.mean(dim=1, keepdim=True)
    length = centered.norm(dim=1, keepdim=True)
    varies = length > FLAT * centered.shape[1] ** 0.5
    return torch.where(varies, centered / length.clamp(min=1e-6), torch.zeros_like(centered))


def _nearest(first: Tensor, second: Tensor) -> list[Pair]:
    """For each row of the first the row of the second that it correlates with most."""
    pairs = []
    for start in range(0, len(first), CHUNK):
        values, places = (first[start : start + CHUNK] @ second.T).max(dim=1)
        rows = zip(places.tolist(), values.tolist(), strict=True)
        pairs += [Pair(start + number, place, value) for number, (place, value) in enumerate(rows)]
    return pairs
