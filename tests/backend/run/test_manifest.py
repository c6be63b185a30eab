"""What run.json must say, and what is told where data are not those that a run was trained on."""

from pathlib import Path
from typing import Any

import pytest

from specc.backend.run.environment import MEANS, differences
from specc.backend.run.form import NEEDED, wrong_in
from specc.backend.run.same_data import refuse_other_data
from specc.errors import SpeccError
from tests.helpers.written_run import INFO

RUN = Path("run")
NOW: dict[str, Any] = {
    "data_sha256": "a" * 64,
    "classes": ["1", "2", "10"],
    "mean": [0.5],
    "std": [0.25],
    "images": {"train": 60, "validation": 30},
    "split_version": 2,
    "drawn": False,
}
OTHER = {"data_sha256": "b" * 64}


def refused(before: dict[str, Any], now: dict[str, Any] | None = None) -> SpeccError:
    with pytest.raises(SpeccError) as caught:
        refuse_other_data(RUN, NOW | before, NOW | (now or {}), "a hint")
    return caught.value


def test_the_same_data_are_fine() -> None:
    refuse_other_data(RUN, NOW, NOW, "")
    refuse_other_data(RUN, NOW | {"images": {"train": 1, "validation": 1}}, NOW, "")


@pytest.mark.parametrize(
    ("before", "words"),
    [
        (
            {"classes": ["1", "10", "2"]},
            "the same classes in a different order: `10` before, `2` now, classes are now in",
        ),
        ({"classes": ["10", "1", "2"]}, "the same classes in a different order: `10` before, `1` now"),
        ({"classes": ["1", "2"]}, "2 classes before, 3 now"),
        ({"classes": ["1", "2", "3"]}, "different classes: `3` before, `10` now"),
        ({"classes": ["3", "1", "2"]}, "different classes: `3` before, `1` now"),
        ({"images": {"train": 61, "validation": 30}}, "61 training images before, 60 now"),
        ({"images": {"train": 60, "validation": 31}}, "31 validation images before, 30 now"),
        ({"images": {"train": 1, "validation": 1}}, "1 training images before, 60 now, 1 validation images before, 30"),
        ({"images": {"train": 1}, "subset": 1}, "the same classes, but different content"),
        ({"images": {}}, "the same classes, but different content"),
        ({}, "the same number of images and the same classes, but different content"),
    ],
)
def test_other_data_are_told_by_what_differs(before: dict[str, Any], words: str) -> None:
    error = refused(before | OTHER)
    assert error.code == "E441" and error.status == 1 and error.help == "a hint"
    assert words in error.message
    assert f"SHA-256 {'b' * 16}… before, {'a' * 16}… now" in error.message


def test_no_difference_is_told_that_is_none() -> None:
    message = refused({"classes": ["1", "2"], **OTHER}).message
    assert "order" not in message and "images" not in message and "different" not in message
    assert "natural" not in refused({"images": {"train": 61, "validation": 30}, **OTHER}).message


@pytest.mark.parametrize(
    ("before", "words"),
    [
        ({"classes": ["1", "10", "2"]}, "entry 2 of `classes` is `10` instead of `2`"),
        ({"classes": ["1", "2"]}, "entry 3 of `classes` is nothing instead of `10`"),
        ({"mean": [0.5, 0.5]}, "entry 2 of `mean` is `0.5` instead of nothing"),
        ({"std": [0.5]}, "entry 1 of `std` is `0.5` instead of `0.25`"),
    ],
)
def test_run_json_that_says_something_else_of_the_same_data(before: dict[str, Any], words: str) -> None:
    error = refused(before)
    assert error.code == "E439" and words in error.message and "does not match the data" in error.message


def test_a_split_that_would_be_drawn_anew() -> None:
    drawn = {"drawn": True}
    refuse_other_data(RUN, NOW, NOW | drawn, "")
    refuse_other_data(RUN, NOW | {"split_version": 1}, NOW, "")
    assert "split 1, now 2" in refused({"split_version": 1}, drawn).message
    older = {name: value for name, value in NOW.items() if name != "split_version"}
    with pytest.raises(SpeccError, match="split 1, now 2"):
        refuse_other_data(RUN, older, NOW | drawn, "")


def test_a_sound_run_json_has_nothing_wrong() -> None:
    assert wrong_in(INFO) == ""
    more = {"subset": 7, "start": "x", "images": {}, "split_version": 1, "resumed": [], "packages": {"a": "1"}}
    assert wrong_in(INFO | more | {"next": {"spec_sha256": "0", "base": "."}, "data_dir": "x"}) == ""
    assert wrong_in(INFO | {"subset": None, "start": None}) == ""
    assert wrong_in(INFO | {"mean": [0, 1.0], "std": [1, 0.0], "steps_per_epoch": 1}) == ""


@pytest.mark.parametrize("name", NEEDED)
def test_what_is_missing_is_named(name: str) -> None:
    assert wrong_in({key: value for key, value in INFO.items() if key != name}).startswith(f"`{name}`, ")


ODD: dict[str, list[Any]] = {
    "mean": [[-0.01], [1.01], [], 0.5, [0.5, "0"], [float("nan")]],
    "std": [[-0.01], [1.01], [], None],
    "classes": [["a", "a"], [], "a", [1]],
    "subset": [0, -1, 1.0, True],
    "start": [7, "a\0b"],
    "split_version": [0, "1", None],
    "packages": [[], {"a": 1}],
    "next": [{}, {"spec_sha256": "0"}, {"base": "."}, {"spec_sha256": "0", "base": "a\0b"}],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in ODD.items() for value in values])
def test_what_has_another_form_is_named(name: str, value: object) -> None:
    assert wrong_in(INFO | {name: value}).startswith(f"`{name}` is not ")


WHERE: dict[str, Any] = {
    "device_name": "a processor",
    "threads": 4,
    "precision": "fp32",
    "versions": {"torch": "2", "numpy": "2", "specc": "1", "python": "3"},
    "packages": {"words": "1"},
}


def test_the_same_environment_has_no_differences() -> None:
    assert differences(WHERE, WHERE) == []
    assert differences(WHERE, WHERE | {"versions": WHERE["versions"] | {"python": "4"}}) == []
    assert differences({}, {}) == []


@pytest.mark.parametrize("what", [what for what in MEANS if what != "processes"])
def test_each_thing_that_changes_numbers_is_told(what: str) -> None:
    versions = {"versions": WHERE["versions"] | {what: "other"}}
    [found] = differences(WHERE, WHERE | (versions if what in WHERE["versions"] else {what: "other"}))
    was = WHERE["versions"].get(what, WHERE.get(what))
    assert (found.what, found.was, found.now) == (what, str(was), "other")
    assert str(found).endswith(f"was {was}, is now other: {MEANS[what]}")
    assert set(MEANS) == {"device_name", "threads", "precision", "torch", "numpy", "specc", "processes"}


def test_the_number_of_processes_is_told_where_sums_depend_on_it() -> None:
    fast, exact = ([{"ranks": {"world": world, "across": across}} for world in (2, 3)] for across in ("fast", "exact"))
    [found] = differences(WHERE | fast[0], WHERE | fast[1])
    assert (found.what, found.was, found.now) == ("processes", "2", "3")
    assert differences(WHERE | exact[0], WHERE | exact[1]) == []


def test_threads_are_told_by_another_processor_and_packages_by_both_sides() -> None:
    [found] = differences(WHERE, WHERE | {"threads": 8, "device_name": "another"})
    assert found.what == "device_name"
    [found] = differences(WHERE, WHERE | {"packages": {"words": "2", "more": "1"}})
    assert (found.what, found.was, found.now) == ("words", "1", "2")
    assert differences(WHERE, WHERE | {"packages": {}}) == []
