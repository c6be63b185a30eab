import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

UGLY = "data {source=digits}\n# why\nnetwork Net{conv(8)->relu\n\n\nflatten->dense(10)}"
LAID_OUT = """\
data { source = digits }

# why
network Net {
  conv(8) -> relu

  flatten -> dense(10)
}
"""


@pytest.fixture
def file(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "net.cnn"
    path.write_text(UGLY)
    return path


@pytest.fixture
def piped(specc, monkeypatch):
    """Run a command line with bytes on standard input: its status and the bytes on standard output."""

    def call(data: bytes, *arguments: str) -> tuple[int, bytes]:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))
        answer = specc(*arguments)
        return answer.status, answer.out.encode()

    return call


def test_a_file_is_laid_out_in_place(specc, file):
    assert specc("fmt", "net.cnn") == (0, "net.cnn: formatted\n", "")
    assert file.read_text() == LAID_OUT
    assert list(file.parent.iterdir()) == [file]


def test_a_file_that_is_laid_out_is_not_touched(specc, file):
    file.write_text(LAID_OUT)
    os.utime(file, (1, 1))
    node = file.stat().st_ino
    assert specc("fmt", "net.cnn") == (0, "", "")
    assert (file.stat().st_ino, file.stat().st_mtime) == (node, 1)


def test_check_changes_nothing(specc, file):
    (file.parent / "fine.cnn").write_text(LAID_OUT)
    assert specc("fmt", "--check", "net.cnn", "fine.cnn") == (1, "net.cnn: not in the canonical style\n", "")
    assert specc("fmt", "--check", "fine.cnn") == (0, "", "")
    assert file.read_text() == UGLY


def test_diff_changes_nothing(specc, file):
    answer = specc("fmt", "--diff", "net.cnn")
    assert answer.status == 1
    lines = answer.out.splitlines()
    assert lines[:2] == ["--- net.cnn", "+++ net.cnn (formatted)"]
    assert "-data {source=digits}" in lines
    assert "+data { source = digits }" in lines
    assert "\\ No newline at end of file" in lines
    assert file.read_text() == UGLY
    file.write_text(LAID_OUT)
    assert specc("fmt", "--diff", "net.cnn") == (0, "", "")


def test_several_files_one_with_syntax_errors(specc, file):
    broken = "network Net { conv(8 }\nlet = 3\n"
    (file.parent / "broken.cnn").write_text(broken)
    answer = specc("fmt", "broken.cnn", "net.cnn")
    assert (answer.status, answer.out) == (1, "net.cnn: formatted\n")
    assert "error[E1" in answer.err
    assert "broken.cnn:1:" in answer.err
    assert "broken.cnn:2:" in answer.err
    assert (file.parent / "broken.cnn").read_text() == broken
    assert file.read_text() == LAID_OUT


@pytest.mark.parametrize("option", ["--check", "--diff"])
def test_syntax_errors_with_check_and_diff(specc, file, option):
    file.write_text("network {")
    answer = specc("fmt", option, "net.cnn")
    assert (answer.status, answer.out) == (1, "")
    assert "error[E1" in answer.err


def test_semantic_errors_are_no_obstacle(specc, file):
    file.write_text("network Net{conw(8)}\n")
    assert specc("check", "net.cnn").status == 1
    assert specc("fmt", "net.cnn").status == 0
    assert file.read_text() == "network Net { conw(8) }\n"


def test_standard_input_to_standard_output(piped):
    assert piped(UGLY.encode(), "fmt", "-") == (0, LAID_OUT.encode())
    assert piped(LAID_OUT.encode(), "fmt", "-") == (0, LAID_OUT.encode())
    assert piped(UGLY.encode(), "fmt", "--check", "-") == (1, b"<stdin>: not in the canonical style\n")
    assert piped(b"network {", "fmt", "-") == (1, b"")
    assert piped(b"\xff", "fmt", "-") == (2, b"")
    assert piped(b"#" * 1_000_001, "fmt", "-") == (1, b"")


def test_line_endings_and_byte_order_mark_stay(specc, file, piped):
    windows = b"\xef\xbb\xbf" + LAID_OUT.replace("\n", "\r\n").encode()
    file.write_bytes(b"\xef\xbb\xbf" + UGLY.replace("\n", "\r\n").encode())
    assert specc("fmt", "net.cnn").status == 0
    assert file.read_bytes() == windows
    assert specc("fmt", "--check", "net.cnn").status == 0
    assert piped(windows, "fmt", "-") == (0, windows)


def test_line_endings_of_one_file_are_made_alike(specc, file):
    file.write_bytes(b"# a\r\n# b\n")
    assert specc("fmt", "--check", "net.cnn").status == 1
    assert specc("fmt", "net.cnn").status == 0
    assert file.read_bytes() == b"# a\r\n# b\r\n"


def test_permissions_and_links_stay(specc, file):
    file.chmod(0o640)
    link = file.parent / "link.cnn"
    link.symlink_to(file.name)
    assert specc("fmt", "link.cnn").status == 0
    assert link.is_symlink()
    assert file.stat().st_mode & 0o777 == 0o640
    assert file.read_text() == LAID_OUT


def test_a_file_that_cannot_be_written(specc, file, monkeypatch):
    def refuse(path, data):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("specc.cli.common.write_atomic", refuse)
    answer = specc("fmt", "net.cnn")
    assert (answer.status, answer.out) == (2, "")
    assert "error[E481]: `net.cnn` cannot be written: Permission denied" in answer.err
    assert file.read_text() == UGLY


@pytest.mark.parametrize("name", ["none.cnn", "."])
def test_files_that_are_none(specc, file, name):
    answer = specc("fmt", name)
    assert (answer.status, answer.out) == (2, "")


def test_the_examples_and_the_starter_are_laid_out(specc, file, examples):
    assert specc("new", "first").status == 0
    assert specc("fmt", "--check", "first.cnn", *sorted(examples.glob("*.cnn"))) == (0, "", "")


def test_a_run_of_a_variant_gets_a_spec_that_is_laid_out(specc, file):
    file.write_text("network Net(c=8){input(3,8x8)->conv(c)->flatten->dense(10)}\nvariant wide{network.c=16}\n")
    shown = json.loads(specc("show", "net.cnn", "--variant", "wide", "--json").out)
    from specc.check import check
    from specc.source import Source

    resolved = check(Source("net.cnn", file.read_text()), variant="wide").resolved
    file.write_text(resolved)
    assert specc("fmt", "--check", "net.cnn").status == 0
    assert json.loads(specc("show", "net.cnn", "--json").out)["parameters"] == shown["parameters"]


def test_a_closed_output_is_no_defect(file):
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "specc", "fmt", "-"], input=UGLY.encode(), stdout=writing, stderr=subprocess.PIPE
    )
    os.close(writing)
    assert b"defect" not in done.stderr
