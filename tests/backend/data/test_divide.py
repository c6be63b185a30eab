"""Training and validation images out of one part: what holds of every draw."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from specc.backend.data.divide import divide, fold

IMAGES = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 40)), min_size=2, max_size=80)


def strata(labels: Sequence[int]) -> list[tuple[int, ...]]:
    """Of each image its class, as a task with one class for each image says it."""
    return [(label,) for label in labels]


@given(IMAGES, st.floats(0.05, 0.95), st.integers(0, 5))
def test_no_picture_is_on_both_sides_and_every_class_is_where_it_can_be(
    images: list[tuple[int, int]], share: float, seed: int
) -> None:
    labels, pictures = [label for label, _ in images], [picture for _, picture in images]
    taken = divide(strata(labels), pictures, max(1, round(share * len(images))), seed)
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
    taken = Counter(labels[i] for i in divide(strata(labels), range(len(labels)), wanted, seed))
    for label, size in enumerate(sizes):
        due = wanted * size / len(labels)
        assert taken[label] == 1 or taken[label] == size - 1 or abs(taken[label] - due) <= 1 + len(sizes) / 2
    if all(1 <= wanted * size / len(labels) <= size - 1 for size in sizes):
        assert sum(taken.values()) == wanted
        assert all(abs(taken[label] - wanted * size / len(labels)) < 1 for label, size in enumerate(sizes))


@pytest.mark.parametrize("seed", range(8))
def test_a_class_of_three_images_never_vanishes(seed: int) -> None:
    labels = [0] * 60 + [1] * 3
    taken = divide(strata(labels), range(63), 6, seed)
    assert 1 <= sum(labels[i] == 1 for i in taken) <= 2


def test_every_image_twice() -> None:
    labels = np.repeat(np.arange(4), 20).tolist()
    pictures = [image // 2 for image in range(80)]
    taken = divide(strata(labels), pictures, 24, 0)
    assert len(taken) == 24
    assert Counter(pictures[i] for i in taken) == dict.fromkeys({pictures[i] for i in taken}, 2)


def test_the_seed_draws_it_and_every_image_may_be_drawn() -> None:
    labels = [0] * 30 + [1] * 30
    draws = [tuple(divide(strata(labels), range(60), 12, seed)) for seed in range(60)]
    assert divide(strata(labels), range(60), 12, 7) == list(draws[7]) and len(set(draws)) == 60
    counts = np.bincount([i for draw in draws for i in draw], minlength=60)
    assert counts.min() > 0 and counts.max() < 26  # 12 in the mean, of 60


def test_a_class_of_copies_alone_stays_in_training() -> None:
    assert divide(strata([0, 0, 0, 1, 1]), ["a", "a", "a", "b", "c"], 2, 0) in ([3], [4])
    assert divide(strata([0, 0, 1]), ["a", "a", "b"], 1, 0) == []


@given(IMAGES, st.integers(2, 6), st.integers(0, 5))
def test_folds_share_no_picture_and_every_class_is_where_it_can_be(
    images: list[tuple[int, int]], folds: int, seed: int
) -> None:
    labels, pictures = [label for label, _ in images], [picture for _, picture in images]
    torn = {picture for picture in pictures if len({label for label, p in images if p == picture}) > 1}
    own = {label: {picture for of, picture in images if of == label} for label in set(labels)}
    taken = [fold(strata(labels), pictures, number, folds, seed) for number in range(1, folds + 1)]
    for validating in taken:
        rest = sorted(set(range(len(images))) - set(validating))
        assert validating == sorted(set(validating))
        assert not {pictures[i] for i in validating} & {pictures[i] for i in rest}
        assert {labels[i] for i in rest} == set(labels)
        for label, units in own.items():
            if not units & torn:
                assert (label in {labels[i] for i in validating}) == (len(units) > 1)
    if not torn:
        often = Counter(i for validating in taken for i in validating)
        for image, label in enumerate(labels):
            if len(own[label]) >= folds:
                assert often[image] == 1
            elif len(own[label]) > 1:
                assert often[image] >= 1


@given(st.lists(st.integers(10, 60), min_size=1, max_size=5), st.integers(2, 10), st.integers(0, 3))
def test_without_copies_every_fold_has_each_class_s_share_to_one_image(sizes: list[int], folds: int, seed: int) -> None:
    labels = [label for label, size in enumerate(sizes) for _ in range(size)]
    taken = [
        Counter(labels[i] for i in fold(strata(labels), range(len(labels)), k, folds, seed))
        for k in range(1, folds + 1)
    ]
    for label, size in enumerate(sizes):
        assert {counts[label] for counts in taken} <= {size // folds, -(-size // folds)}
    totals = [sum(counts.values()) for counts in taken]
    assert max(totals) - min(totals) <= len(sizes)


def test_folds_are_as_even_as_those_of_scikit_learn() -> None:
    """Groups of several images, of one class and of several: the shares deviate no more than StratifiedGroupKFold's."""
    model_selection = pytest.importorskip("sklearn.model_selection")
    draw = np.random.default_rng(0)
    groups = np.repeat(np.arange(120), draw.integers(1, 9, 120))
    labels = np.where(draw.random(len(groups)) < 0.8, groups % 3, draw.integers(0, 3, len(groups)))

    def worst(folds: list[list[int]]) -> float:
        shares = [np.bincount(labels[f], minlength=3) / np.bincount(labels) for f in folds]
        return float(np.abs(np.array(shares) - 0.2).max())

    ours = [fold(strata(labels.tolist()), groups.tolist(), number, 5, 0) for number in range(1, 6)]
    splitter = model_selection.StratifiedGroupKFold(5, shuffle=True, random_state=0)
    theirs = [test.tolist() for _, test in splitter.split(np.zeros(len(labels)), labels, groups)]
    assert sorted(image for one in ours for image in one) == list(range(len(labels)))
    assert worst(ours) <= max(0.02, 1.5 * worst(theirs))


def test_the_seed_draws_the_folds() -> None:
    labels = [0] * 30 + [1] * 30
    draws = {tuple(fold(strata(labels), range(60), 1, 5, seed)) for seed in range(20)}
    assert len(draws) == 20 and fold(strata(labels), range(60), 1, 5, 7) == fold(strata(labels), range(60), 1, 5, 7)


def test_a_class_of_two_images_is_on_both_sides_of_every_fold() -> None:
    labels = [0] * 40 + [1] * 2 + [2]
    for number in range(1, 6):
        taken = Counter(labels[i] for i in fold(strata(labels), range(43), number, 5, 0))
        assert (taken[0], taken[1], taken[2]) == (8, 1, 0)
