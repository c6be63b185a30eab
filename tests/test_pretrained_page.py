"""What docs/pretrained.md shows is what happens: its specs, each of its commands, and the lines that it quotes."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

PAGE = (Path(__file__).parent.parent / "docs" / "pretrained.md").read_text(encoding="utf-8")


def test_its_commands_print_what_it_quotes(
    specc: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, text in re.findall(r"```cnn\n# (\S+)\n(.*?)```", PAGE, re.DOTALL):
        Path(name).write_text(text)
    (console,) = re.findall(r"```console\n(.*?)```", PAGE, re.DOTALL)
    commands = [part.splitlines() for part in console.split("$ specc ")[1:]]
    assert len(commands) == 5
    for command, *quoted in commands:
        device = ("--device", "cpu") if command.startswith(("train", "probe")) else ()
        answer = specc(*command.split(), *device)
        printed = [line.rstrip() for line in (answer.out + answer.err).splitlines()]
        assert answer.status == 0 and [line for line in quoted if line not in printed] == [], command
        if command.startswith("diff"):
            assert "train.start" in answer.out and "train.freeze" in answer.out


def test_it_has_a_line_for_each_word_of_the_mapping() -> None:
    from typing import get_args

    from specc.ir.mapping import Fate

    assert re.findall(r"^\| (\w+) \|", PAGE, re.MULTILINE)[1:] == list(get_args(Fate))
