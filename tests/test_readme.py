"""What the README shows is what specc does."""

import re
from pathlib import Path

import pytest

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
MISTAKES = {
    "residual { unit(width) -> conv(width)": "residual { unit(width) -> conv(2 * width)",
    "relu -> max_pool": "rleu -> max_pool",
    "epochs    =": "epoch     =",
}


@pytest.fixture
def first(specc, tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    specc("new", "first")
    return tmp_path / "first.cnn"


def test_its_spec_is_the_starter_without_comments(first):
    (shown,) = re.findall(r"```cnn\n(.*?)```", README, re.DOTALL)
    lines = [re.sub(r"\s*#.*", "", line) for line in first.read_text(encoding="utf-8").splitlines()]
    assert [line for line in lines if line] == [line for line in shown.splitlines() if line]


def test_what_check_says(specc, first):
    text = first.read_text(encoding="utf-8")
    for right, wrong in MISTAKES.items():
        assert right in text
        text = text.replace(right, wrong, 1)
    first.write_text(text, encoding="utf-8")
    assert f"```text\n{specc('check', 'first.cnn').err}```" in README


def test_what_show_says(specc, first):
    assert f"```text\n{specc('show', 'first.cnn').out}```" in README


def test_what_ops_says(specc):
    (shown,) = re.findall(r"```text\n(conv\(.*?)```", README, re.DOTALL)
    said = specc("ops", "conv").out.splitlines()
    assert [line for line in shown.splitlines() if line != "…" and line not in said] == []


def test_its_table_holds_every_command():
    from specc.cli.app import COMMANDS

    assert re.findall(r"^\| `specc (\w+)", README, re.MULTILINE) == list(COMMANDS)
