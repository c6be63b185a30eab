"""A search is checked at its ends and at a value between them, and each mistake is told once, where it is written."""

import pytest

from specc.check import check
from specc.diagnostics import Diagnostic
from specc.source import Source

TEXT = "network N(width=8, p=0.5) {{ input(3, 8x8)\nconv(width) -> dropout(p) }}\nsearch {{ {} }}"

DATA = "data {{ source = digits }}\nnetwork N {{ flatten -> dense(10) }}\nsearch {{ {} }}\n"


def errors(search: str) -> list[Diagnostic]:
    return check(Source("net.cnn", TEXT.format(search)), everything=True).errors


@pytest.mark.parametrize(
    "search",
    [
        "network.width = choice(4, 8)",
        "network.p = uniform(0, 0.5)",
        "network.width = integers(4, 8)",
        "network.p = log_uniform(0.1, 0.9)",
        "train.optimizer.lr = log_uniform(1e-4, 1e-1)",
    ],
)
def test_fine(search: str) -> None:
    assert errors(search) == []


@pytest.mark.parametrize(
    ("search", "places"),
    [
        ("train.batch = choice(4, 0, 8, -1)", ["0", "-1"]),
        ("train.batch = uniform(4, 8)", ["8"]),  # hardly any number between is whole
        ("train.batch = uniform(4.5, 8)", ["4.5", "8"]),
        ("train.ema = uniform(0.5, 2)", ["2"]),
        ("train.ema = uniform(-1, 0.5)", ["-1"]),
        ("network.width = choice(4, 0, 8, -1)", ["width"]),  # where the network uses it
        ("network.width = uniform(4, 8)", ["width"]),
        ("network.p = uniform(0.5, 2)", ["p"]),
        ("train.batch = integers(0, 8)", ["0"]),
        ("train.batch = integers(8, 4)", ["4"]),
        ("train.batch = integers(1.5, 4)", ["1.5"]),
    ],
)
def test_each_value_that_does_not_fit_is_told_at_its_place(search: str, places: list[str]) -> None:
    assert [error.span.text for error in errors(search)] == places


@pytest.mark.parametrize("high", ["9" * 19, "1e999"])
def test_a_number_that_is_too_long_is_one_mistake(high: str) -> None:
    assert [error.code for error in errors(f"train.batch = integers(2, {high})")] == ["E104"]


def test_a_width_that_no_device_holds_is_told_before_it_is_drawn() -> None:
    error, *more = errors("network.width = integers(1, 1000000000)")
    assert error.code == "E310" and "in the search over network.width" in error.notes and not more


@pytest.mark.parametrize(
    ("path", "values", "words"),
    [
        ("train.seed", "integers(0, 9)", "chosen for their luck"),
        ("data.seed", "integers(0, 9)", "measured in different ways"),
        ("data.validation", "choice(split(10%), split(20%))", "measured in different ways"),
        ("data.source", "choice(digits)", "measured in different ways"),
        ("train.best", "choice(loss, accuracy)", "measured in different ways"),
        ("export.opset", "integers(18, 20)", "the same"),
        ("train.plan", "choice(plan(threads=1), plan(threads=2))", "the same"),
    ],
)
def test_what_measures_and_what_changes_nothing_is_not_searched(path: str, values: str, words: str) -> None:
    found = check(Source("net.cnn", DATA.format(f"{path} = {values}")), everything=True).errors
    assert [(one.code, one.span.text) for one in found] == [("E514", path)] and words in found[0].message


def test_the_loss_is_searched_unless_it_measures() -> None:
    text = DATA.format("train.loss = choice(cross_entropy, cross_entropy(smoothing=0.1))")
    assert check(Source("net.cnn", text), everything=True).errors == []
    found = check(Source("net.cnn", text + "train { best = loss }"), everything=True).errors
    assert [one.code for one in found] == ["E514"]
