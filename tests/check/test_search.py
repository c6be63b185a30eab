"""A search is checked at its ends and at a value between them, and each mistake is told once, where it is written."""

import pytest

from specc.check import check
from specc.diagnostics import Diagnostic
from specc.source import Source

TEXT = "network N(width=8, p=0.5) {{ input(3, 8x8)\nconv(width) -> dropout(p) }}\nsearch {{ {} }}"


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
