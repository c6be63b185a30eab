"""What a split keeps together: identical pictures, groups, and what they connect."""

from collections.abc import Sequence

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from specc.backend.data.survey import Surveyed
from specc.backend.data.together import connected, units_of


def surveyed(pictures: Sequence[bytes], groups: Sequence[str]) -> Surveyed:
    nothing = torch.zeros(len(pictures))
    return Surveyed(nothing, nothing, (1, 1, 1), nothing, nothing, list(pictures), groups=groups)


def test_pictures_and_groups_are_joined() -> None:
    pictures = [b"1", b"2", b"2", b"3", b"4", b"5"]
    assert units_of(surveyed(pictures, ["p", "p", "q", "q", "r", "s"])) == [0, 0, 0, 0, 1, 2]
    assert units_of(surveyed(pictures, ())) == pictures


def test_a_group_is_no_picture() -> None:
    assert units_of(surveyed([b"y", b"x"], ["x", "y"])) == [0, 1]


@given(st.lists(st.lists(st.integers(0, 12), max_size=3), max_size=30))
def test_connected_sets_are_those_of_a_graph(ties: list[list[int]]) -> None:
    count = len(ties)
    edges = np.array([(number, count + tie) for number, some in enumerate(ties) for tie in some]).reshape(-1, 2)
    links = coo_array((np.ones(len(edges)), edges.T), shape=(count + 13, count + 13))
    _, expected = connected_components(links, directed=False)
    first: dict[int, int] = {}
    assert connected(ties) == [first.setdefault(number, len(first)) for number in expected[:count].tolist()]
