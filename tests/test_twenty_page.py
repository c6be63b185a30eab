"""docs/twenty.md has twenty rows, and its column for specc names commands and calls that there are."""

import re
import shlex
from pathlib import Path

import pytest

import specc
from tests.test_docs_examples import taken_apart

PAGE = (Path(__file__).parent.parent / "docs" / "twenty.md").read_text(encoding="utf-8")
ROWS = [re.split(r"(?<!\\) \| ", line.strip("| ")) for line in re.findall(r"^\| \d.*\|$", PAGE, re.MULTILINE)]


def test_there_are_twenty() -> None:
    assert [row[0].partition(".")[0] for row in ROWS] == [str(number) for number in range(1, 21)]
    assert {len(row) for row in ROWS} == {5} and all(cell.strip() for row in ROWS for cell in row)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_its_commands_are_there(row: list[str]) -> None:
    found = re.findall(r"`specc ([^`]+)`", row[-1])
    assert bool(found) or row[-1] == "—"
    for command in found:
        taken_apart(shlex.split(command))


def test_its_calls_are_there() -> None:
    text = PAGE.rpartition("From Python")[2]
    assert all(hasattr(specc, name) for name in re.findall(r"`specc\.(\w+)\(", text))
    members = re.findall(r"`\.(\w+)`", text)
    assert len(members) == 4 and all(hasattr(specc.Run, name) for name in members)
