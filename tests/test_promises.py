"""docs/promises.md names tests that exist, and its numbers are those of the tests."""

import re
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
ROWS = [
    line.strip("|").split(" | ")
    for line in (ROOT / "docs" / "promises.md").read_text(encoding="utf-8").splitlines()
    if line.startswith("| ") and not line.startswith("| promise ")
]


def of(module: str, *names: str) -> int:
    """How many entries the tables of a test module have together."""
    return sum(len(getattr(import_module(f"tests.{module}"), name)) for name in names)


# A number of the page, at the parenthesis, and what the tests have.
NUMBERS: dict[str, Callable[[], int]] = {
    r"(\d+) inputs for eight readers": lambda: (
        of("helpers.damaged_sources", "SOURCES")
        + of("helpers.damaged_images", "IMAGES")
        + of("damaged.test_runs", "RUN", "CHECKPOINTS")
        + of("damaged.test_models", "READ", "VERIFIED")
    ),
    r"(\d+) such inputs in one process": lambda: of("damaged.test_memory", "EXPLOSIVE", "PICTURES"),
    r"(\d+) dresses of": lambda: of("backend.data.test_parts", "DRESSES"),
    r"dresses of (\d+) words": lambda: of("backend.data.test_parts", "TRAIN", "VALIDATION", "TEST"),
    r"words in (\d+) cases": lambda: of("backend.data.test_parts", "CASES"),
    r"(\d+) points in writing": lambda: of("faults.test_kills", "POINTS"),
    r"(\d+) in the export": lambda: of("faults.test_kills", "EXPORT_POINTS"),
    r"^ *(\d+) kinds of damage *$": lambda: of("backend.train.test_damaged_metrics", "DAMAGE") + 1,
    r"(\d+) kinds of damage, ": lambda: of("backend.run.test_weights", "DAMAGE"),
    r"(\d+) edits of `run.json`": lambda: of("backend.run.test_weights", "MEANINGS"),
    r"(\d+) sources and tasks": lambda: of("backend.data.shards.test_round_trip", "CASES"),
    r"killed at (\d+) places": lambda: of("cli.test_pack", "KILLS"),
    r"(\d+) impossible values in indexes": lambda: of("damaged.test_packed", "ODD_INDEX", "ODD_TABLE"),
    r"(\d+) parts, and the fp16": lambda: of("faults.test_mutants", "PARTS"),
}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0].strip()[:50])
def test_the_tests_are_there(row: list[str]) -> None:
    folder = ROOT
    names = re.findall(r"`([^`]+)`", row[1])
    assert names
    for name in names:
        if name.startswith("make "):
            assert f"\n{name.removeprefix('make ')}:" in (ROOT / "Makefile").read_text(encoding="utf-8")
            continue
        path = ROOT / name if "/" in name else folder / name
        folder = path.parent
        assert path.exists() or (name.startswith("benchmarks/") and not (ROOT / "benchmarks").exists()), name


@pytest.mark.parametrize("number", NUMBERS)
def test_the_numbers_are_those_of_the_tests(number: str) -> None:
    found: list[Any] = [match[1] for row in ROWS for match in re.finditer(number, row[-1])]
    assert found == [str(NUMBERS[number]())]
