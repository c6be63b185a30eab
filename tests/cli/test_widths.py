"""What is printed keeps to the width of the terminal: words are broken at spaces, and a wide table becomes a list.

Source text, examples and addresses are never broken: a line break would change what they mean.
"""

import io
import re
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from specc.cli.app import COMMANDS, run
from specc.fit import fitted, limited
from specc.report.columns import columns
from tests.helpers.tiny_run import trained

WIDTHS = (40, 60, 80, 120, 200)
SPEC = """\
data { source = digits }
network Widths(width=8) {
  conv(width) -> batch_norm -> relu -> max_pool
  conv(2 * width) -> relu
  global_avg_pool -> dense(10)
}
train { epochs = 2; batch = 64; schedule = cosine }
variant wide { network.width = 12; train.epochs = 3 }
"""
LINE = "conv(8, kernl=3) -> batch_norm -> relu -> max_pool -> rleu -> conv(16)"
WRONG = f"network Wrong {{\n  input(3, 32x32)\n  {LINE}\n}}\n"
UNBROKEN = re.compile(r"^    error|<\w+\||https?://|^\s+(\w.* \| )?specc |[{}=]|^ *\d* *[│|]|\w+(/\w+){2,}|^\S+$")


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def printed(width: int, *arguments: str) -> str:
    """What a command prints on a terminal of that width, to both streams."""
    out = Terminal()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(out):
        patch.setenv("COLUMNS", str(width))
        patch.setenv("NO_COLOR", "1")
        patch.setenv("TERM", "xterm")
        assert run([*arguments]) in (0, 1)
    return re.sub(r"[^\n]*\r\x1b\[2K", "", out.getvalue())


def too_long(text: str, width: int) -> list[str]:
    return [line for line in text.splitlines() if len(line) > width and not UNBROKEN.search(line)]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("net.cnn").write_text(SPEC)
    Path("wrong.cnn").write_text(WRONG)
    return tmp_path


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize(
    "line",
    [
        "show net.cnn",
        "show net.cnn --init",
        "show --defaults",
        "ops",
        "ops conv",
        "zoo",
        "zoo resnet18",
        "diff net.cnn --variant wide",
        "explain",
        "explain E301",
        "check wrong.cnn",
        "--help",
    ],
)
def test_the_front_end(place: Path, line: str, width: int) -> None:
    text = printed(width, *line.split())
    assert text and too_long(text, width) == []


@pytest.mark.parametrize("width", WIDTHS)
def test_the_help_of_every_command(width: int) -> None:
    for command in COMMANDS:
        assert too_long(printed(width, command, "--help"), width) == [], command


def test_runs_and_their_figures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = trained(tmp_path)
    monkeypatch.chdir(tmp_path)
    Path("other").symlink_to(run)
    for width in WIDTHS:
        for line in ("runs", "eval run", "diff run other", "probe run/spec.cnn", "doctor"):
            words = ("runs", ".") if line == "runs" else tuple(line.split())
            assert too_long(printed(width, *words), width) == [], (line, width)


def test_a_pipe_gets_whole_rows(place: Path, specc: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    rows = [line for line in specc("show", "net.cnn").out.splitlines() if line.startswith("conv")]
    assert len(rows) == 2 and all("receptive" not in row and len(row) > 40 for row in rows)


def test_a_table_that_does_not_fit_is_a_list() -> None:
    rows = [("", "layer", "output", "why"), ("+", "conv1", "8 x 8 x 8", ""), ("~", "relu1", "8", "a b c d e f g h")]
    assert columns(rows, (2,))[2] == "+  conv1  8 x 8 x 8"
    with limited(20):
        assert columns(rows, (2,)) == [
            "+ conv1",
            "  output  8 x 8 x 8",
            "~ relu1",
            "  output  8",
            "  why     a b c d e\n          f g h",
        ]


def test_lines_are_broken_at_spaces_only() -> None:
    assert fitted("  one two three\nshort", 10, "  ") == "  one two\n    three\nshort"
    assert fitted("https://example.org/a-long-address", 10) == "https://example.org/a-long-address"
    assert fitted("one two three") == "one two three"
