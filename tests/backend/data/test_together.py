"""What a split keeps together: identical pictures, groups, and what they connect."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from specc.backend.data.raw import Files, Part
from specc.backend.data.survey import Surveyed
from specc.backend.data.together import connected, groups_of, units_of


def part(names: Sequence[str], groups: Sequence[str]) -> Part:
    return Part(Files(Path(), list(names)), torch.zeros(len(names)), groups)


def surveyed(pictures: Sequence[bytes], names: Sequence[str] = ()) -> Surveyed:
    nothing = torch.zeros(len(pictures))
    return Surveyed(nothing, nothing, (1, 1, 1), nothing, nothing, list(pictures), names)


def test_pictures_and_groups_are_joined() -> None:
    pictures = [b"1", b"2", b"2", b"3", b"4", b"5"]
    groups = ["p", "p", "q", "q", "r", "s"]
    names = [f"{number}.png" for number in range(6)]
    assert units_of(part(names, groups), surveyed(pictures, names)) == [0, 0, 0, 0, 1, 2]
    assert units_of(part(names, ()), surveyed(pictures, names)) == pictures


def test_a_group_is_no_picture() -> None:
    assert units_of(part(["a", "b"], ["x", "y"]), surveyed([b"y", b"x"], ["a", "b"])) == [0, 1]


def test_images_that_are_left_out_take_nothing_with_them() -> None:
    names = ["a", "b", "c", "d"]
    given = part(names, ["p", "q", "r", "q"])
    assert groups_of(given, surveyed([b"1", b"3", b"4"], ["a", "c", "d"])) == [["p"], ["r"], ["q"]]


def test_a_file_in_two_groups_joins_them() -> None:
    names = ["a", "b", "a", "c"]
    given = part(names, ["p", "q", "q", "r"])
    assert units_of(given, surveyed([b"1", b"2", b"1", b"3"], names)) == [0, 0, 0, 1]


def test_arrays_have_groups_by_position() -> None:
    arrays = Part(torch.zeros(3), torch.zeros(3), ["p", "q", "p"])
    assert units_of(arrays, surveyed([b"1", b"2", b"3"])) == [0, 1, 0]


@given(st.lists(st.lists(st.integers(0, 12), max_size=3), max_size=30))
def test_connected_sets_are_those_of_a_graph(ties: list[list[int]]) -> None:
    count = len(ties)
    edges = np.array([(number, count + tie) for number, some in enumerate(ties) for tie in some]).reshape(-1, 2)
    links = coo_array((np.ones(len(edges)), edges.T), shape=(count + 13, count + 13))
    _, expected = connected_components(links, directed=False)
    first: dict[int, int] = {}
    assert connected(ties) == [first.setdefault(number, len(first)) for number in expected[:count].tolist()]
