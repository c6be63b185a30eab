"""Nearly identical images of two sets are found, and other images are not."""

import numpy as np
import torch

from specc.backend.data.similar import similar_pairs
from specc.backend.data.split import Resident

DRAW = np.random.default_rng(0)


def split(images: np.ndarray) -> Resident:
    return Resident(torch.from_numpy(images.astype(np.uint8)), torch.zeros(len(images), dtype=torch.int64))


def test_copies_that_were_changed_a_little_are_found() -> None:
    known = DRAW.integers(0, 256, (30, 3, 24, 24))
    others = DRAW.integers(0, 256, (10, 3, 24, 24))
    others[4] = np.clip(known[7] * 0.8 + 20 + DRAW.normal(0, 4, (3, 24, 24)), 0, 255)  # paler, and noisy
    others[9] = known[12]
    count, pairs = similar_pairs(split(others), split(known), 12)
    assert count == 2
    assert [(pair.one, pair.other) for pair in pairs] == [(9, 12), (4, 7)]
    assert pairs[0].correlation > 0.9999 > pairs[1].correlation > 0.98
    assert similar_pairs(split(others), split(known), 1)[1] == pairs[:1]


def test_images_without_contrast_are_like_nothing() -> None:
    flat = np.full((3, 1, 8, 8), 200) + np.arange(3)[:, None, None, None]
    assert similar_pairs(split(flat), split(flat), 5) == (0, [])


def test_images_that_are_alike_in_the_large_only_are_not_the_same() -> None:
    coarse = np.kron(DRAW.integers(60, 190, (1, 1, 8, 8)), np.ones((4, 4)))
    fine = [np.kron(DRAW.integers(0, 2, (1, 1, 16, 16)) * 120 - 60, [[1, -1], [-1, 1]]) for _ in range(2)]
    one, other = (np.clip(coarse + texture, 0, 255) for texture in fine)
    assert similar_pairs(split(one), split(other), 5) == (0, [])
