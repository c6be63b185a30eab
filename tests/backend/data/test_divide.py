"""Training and validation images out of one part: what holds of every draw."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from specc.backend.data.divide import divide

IMAGES = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 40)), min_size=2, max_size=80)


@given(IMAGES, st.floats(0.05, 0.95), st.integers(0, 5))
def test_no_picture_is_on_both_sides_and_every_class_is_where_it_can_be(
    images: list[tuple[int, int]], share: float, seed: int
) -> None:
    labels, pictures = [label for label, _ in images], [picture for _, picture in images]
    taken = divide(labels, pictures, max(1, round(share * len(images))), seed)
    rest = sorted(set(range(len(images))) - set(taken))
    assert taken == sorted(set(taken))
    assert not {pictures[i] for i in taken} & {pictures[i] for i in rest}
    assert {labels[i] for i in rest} == set(labels)
    torn = {picture for picture in pictures if len({label for label, p in images if p == picture}) > 1}
    for label in set(labels):
        own = {picture for of, picture in images if of == label}
        if len(own) > 1 and not own & torn:
            assert label in {labels[i] for i in taken}


@given(st.lists(st.integers(2, 60), min_size=1, max_size=6), st.floats(0.05, 0.9), st.integers(0, 3))
def test_without_copies_each_class_gives_its_share_to_one_image(sizes: list[int], share: float, seed: int) -> None:
    labels = [label for label, size in enumerate(sizes) for _ in range(size)]
    wanted = max(1, round(share * len(labels)))
    taken = Counter(labels[i] for i in divide(labels, range(len(labels)), wanted, seed))
    for label, size in enumerate(sizes):
        due = wanted * size / len(labels)
        assert taken[label] == 1 or taken[label] == size - 1 or abs(taken[label] - due) <= 1 + len(sizes) / 2
    if all(1 <= wanted * size / len(labels) <= size - 1 for size in sizes):
        assert sum(taken.values()) == wanted
        assert all(abs(taken[label] - wanted * size / len(labels)) < 1 for label, size in enumerate(sizes))


@pytest.mark.parametrize("seed", range(8))
def test_a_class_of_three_images_never_vanishes(seed: int) -> None:
    labels = [0] * 60 + [1] * 3
    taken = divide(labels, range(63), 6, seed)
    assert 1 <= sum(labels[i] == 1 for i in taken) <= 2


def test_every_image_twice() -> None:
    labels = np.repeat(np.arange(4), 20).tolist()
    pictures = [image // 2 for image in range(80)]
    taken = divide(labels, pictures, 24, 0)
    assert len(taken) == 24
    assert Counter(pictures[i] for i in taken) == dict.fromkeys({pictures[i] for i in taken}, 2)


def test_the_seed_draws_it_and_every_image_may_be_drawn() -> None:
    labels = [0] * 30 + [1] * 30
    draws = [tuple(divide(labels, range(60), 12, seed)) for seed in range(60)]
    assert divide(labels, range(60), 12, 7) == list(draws[7]) and len(set(draws)) == 60
    counts = np.bincount([i for draw in draws for i in draw], minlength=60)
    assert counts.min() > 0 and counts.max() < 26  # 12 in the mean, of 60


def test_a_class_of_copies_alone_stays_in_training() -> None:
    assert divide([0, 0, 0, 1, 1], ["a", "a", "a", "b", "c"], 2, 0) in ([3], [4])
    assert divide([0, 0, 1], ["a", "a", "b"], 1, 0) == []
