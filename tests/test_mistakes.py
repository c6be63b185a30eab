"""What docs/mistakes.md quotes of specc is what specc prints; Keras's and PyTorch's part needs them, and stays.

`pytest --update-pages` writes what is printed into the page.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

PAGE = Path(__file__).parent.parent / "docs" / "mistakes.md"
OURS = re.compile(r"^```cnn\n(?P<spec>.*?)^```\n\n```text\n(?P<output>.*?)^```$", re.MULTILINE | re.DOTALL)
ROW = re.compile(r"^(\| (?P<number>\d+)\. .* \| \*\*at the check\*\*, [^:]*: )(?P<quote>`+ ?.*?) \|$", re.MULTILINE)
LINES, WIDTH = 6, 160  # as the page says of itself


def cut(line: str) -> str:
    return line if len(line) <= WIDTH else line[:WIDTH] + " […]"


def quoted(output: str) -> str:
    """What is said of a spec, as the table quotes it."""
    line = cut("; ".join(re.findall(r"^net\.cnn:\d.*", output, re.MULTILINE)) or output.strip()).replace("|", "\\|")
    return f"`` {line} ``" if "`" in line else f"`{line}`"


def test_quotes_are_what_is_printed(
    specc: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.chdir(tmp_path)
    page = PAGE.read_text(encoding="utf-8")
    sections, rows = list(OURS.finditer(page)), list(ROW.finditer(page))
    assert len(sections) == len(rows) == 20
    printed = []
    for section in sections:
        Path("net.cnn").write_text(section["spec"], encoding="utf-8")
        answer = specc("check", "--short", "net.cnn")
        printed.append(answer.out + answer.err)
        assert printed[-1].count("\n") <= LINES
    texts = ["".join(cut(line) + "\n" for line in output.splitlines()) for output in printed]
    places = [*(row.span("quote") for row in rows), *(section.span("output") for section in sections)]
    changed = page
    for (start, end), text in reversed(list(zip(places, [*map(quoted, printed), *texts], strict=True))):
        changed = changed[:start] + text + changed[end:]
    if request.config.getoption("--update-pages"):
        PAGE.write_text(changed, encoding="utf-8")
    else:
        assert page == changed
