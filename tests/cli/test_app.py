import errno
import os
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from socket import AF_UNIX, socket
from typing import Any

import pytest
import typer

from specc import __version__, reading
from specc.cli import app, common
from specc.diagnostics import Diagnostic
from specc.errors import SpeccError
from specc.source import Source, Span

FULL = Path("/dev/full")


def test_version(specc):
    assert specc("--version") == (0, f"specc {__version__}\n", "")


def test_help_lists_every_command_in_order(specc):
    answer = specc("--help")
    assert answer.status == 0
    lines = answer.out[answer.out.index("Commands:") :].splitlines()[1:]
    assert [line.split()[0] for line in lines if line[2:3].strip()] == list(app.COMMANDS)


@pytest.mark.parametrize("name", app.COMMANDS)
def test_every_command_has_help_with_an_example(specc, name):
    answer = specc(name, "--help")
    assert answer.status == 0
    assert f"\n    specc {name}" in answer.out, "an example, on a line of its own"


@pytest.mark.parametrize("name", app.COMMANDS)
def test_every_command_is_a_function_of_its_module(name):
    module, function = app.COMMANDS[name][0].split(":")
    assert callable(getattr(import_module(module), function))


def test_without_a_command_it_shows_help(specc):
    answer = specc()
    assert (answer.status, answer.out) == (2, "")
    assert answer.err.startswith("Usage: specc ")
    assert "Commands:" in answer.err


@pytest.mark.parametrize(
    ("arguments", "found", "help"),
    [
        ("chekc", "E477]: there is no command `chekc`", "did you mean `check`?"),
        ("qqq net.cnn", "E477]: there is no command `qqq`", "run `specc --help` to list the commands"),
        ("--nope", "E483]: `specc` has no option `--nope`", "run `specc --help` to list the options"),
        ("ops --jsn", "E483]: `specc ops` has no option `--jsn`", "did you mean `--json`?"),
        ("check -x a.cnn", "E483]: `specc check` has no option `-x`", "run `specc check --help` to list the options"),
        ("check", "E483]: missing argument `FILE...`", "run `specc check --help` to list the options"),
        ("new a b", "E483]: got unexpected extra argument(s) (b)", "run `specc new --help` to list the options"),
        (
            "check --json=3",
            "E483]: option `--json` does not take a value",
            "run `specc check --help` to list the options",
        ),
        (
            "train a --seed",
            "E483]: option `--seed` requires an argument",
            "run `specc train --help` to list the options",
        ),
        (
            "train a --seed=x",
            "E483]: invalid value for `--seed`: `x` is not a valid int",
            "run `specc train --help` to list the options",
        ),
    ],
)
def test_misuse_is_told_like_every_other_error(specc, arguments, found, help):
    assert specc(*arguments.split()) == (2, "", f"error[{found}\n  = help: {help}\n")


@pytest.fixture
def failing(monkeypatch):
    """Make `specc new` raise an exception, or return a status."""

    def put(outcome):
        def new() -> int:
            if isinstance(outcome, BaseException):
                raise outcome
            return outcome

        monkeypatch.setattr("specc.cli.new.new", new)

    return put


@pytest.mark.parametrize(
    ("outcome", "status", "message"),
    [
        (0, 0, ""),
        (None, 0, ""),
        (1, 1, ""),
        (typer.Exit(1), 1, ""),
        (
            SpeccError("E410", "it is\x1b[2J broken", help="mend it"),
            2,
            "error[E410]: it is\\x1b[2J broken\n  = help: mend it\n",
        ),
        (SpeccError("E410", "wrong", status=1), 1, "error[E410]: wrong\n"),
        (KeyboardInterrupt(), 130, ""),
        (
            MemoryError(),
            2,
            "error[E479]: out of memory\n  = help: try a smaller `batch` or `resize`\n",
        ),
        (
            PermissionError(errno.EACCES, "Permission denied", "a.txt"),
            2,
            "error[E478]: operating system error: Permission denied: a.txt\n",
        ),
    ],
)
def test_outcomes(specc, failing, outcome, status, message):
    failing(outcome)
    assert specc("new") == (status, "", message)


def test_a_defect_is_owned_up_to_and_its_traceback_kept_in_a_file(specc, failing, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    failing(ZeroDivisionError("by nought"))
    answer = specc("new")
    (file,) = tmp_path.iterdir()
    assert (answer.status, answer.out) == (2, "")
    assert answer.err.startswith("internal error in specc (this is a bug): ZeroDivisionError: by nought\n")
    assert str(file) in answer.err
    assert "Traceback" not in answer.err
    kept = file.read_text()
    assert kept.startswith(f"specc {__version__}")
    assert "Traceback" in kept


def test_a_defect_on_a_full_disk(specc, failing, monkeypatch):
    def refuse(*arguments, **options):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("tempfile.NamedTemporaryFile", refuse)
    failing(ZeroDivisionError("by nought"))
    answer = specc("new")
    assert answer.status == 2
    assert answer.err.endswith("  = help: please report it, with the traceback that SPECC_TRACEBACK=1 prints\n")


def test_characters_that_the_output_cannot_show(tmp_path):
    (tmp_path / "größe.cnn").write_text("network N { input(3, 8x8) -> conv(4) }")
    done = subprocess.run(
        [sys.executable, "-m", "specc", "check", "größe.cnn"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout) == (0, "gr\\xf6\\xdfe.cnn: no problems\n")


def test_the_traceback_is_shown_where_it_is_wanted(specc, failing, monkeypatch):
    monkeypatch.setenv("SPECC_TRACEBACK", "1")
    failing(ZeroDivisionError("by nought"))
    answer = specc("new")
    assert answer.status == 2
    assert "Traceback (most recent call last)" in answer.err


def test_completion_knows_commands_and_their_options():
    done = subprocess.run(
        [sys.executable, "-m", "specc"],
        env={**os.environ, "_SPECC_COMPLETE": "complete_bash", "COMP_WORDS": "specc ops --js", "COMP_CWORD": "2"},
        capture_output=True,
        text=True,
    )
    assert "--json" in done.stdout


def test_a_reader_that_leaves_is_no_error():
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run([sys.executable, "-m", "specc", "ops"], stdout=writing, stderr=subprocess.PIPE, text=True)
    os.close(writing)
    assert done.stderr == ""


@pytest.mark.skipif(not FULL.exists(), reason="only Linux has a device that is always full")
def test_an_output_that_is_full():
    with FULL.open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "specc", "--version"], stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert (done.returncode, done.stderr) == (2, "error[E478]: operating system error: No space left on device\n")


class TestReadSource:
    def wrong(self, path):
        with pytest.raises(SpeccError) as caught:
            reading.read_source(path)
        return caught.value

    def test_windows_text(self, tmp_path):
        (tmp_path / "a.cnn").write_bytes(b"\xef\xbb\xbfnetwork N {\r\n}\r\n")
        source = reading.read_source(tmp_path / "a.cnn")
        assert (source.text, source.path) == ("network N {\n}\n", str(tmp_path / "a.cnn"))

    def test_empty(self, tmp_path):
        (tmp_path / "a.cnn").touch()
        assert reading.read_source(tmp_path / "a.cnn").text == ""

    def test_not_there(self, tmp_path):
        (tmp_path / "digits.cnn").touch()
        for name in ("digit.cnn", "digits"):
            error = self.wrong(tmp_path / name)
            assert (error.code, error.status, error.help) == ("E470", 2, "did you mean `digits.cnn`?")
        assert self.wrong(tmp_path / "zzz").help == "specs there: digits.cnn"
        assert self.wrong(tmp_path / "none" / "a.cnn").help == f"folder `{tmp_path / 'none'}` does not exist either"

    def test_a_folder(self, tmp_path):
        assert self.wrong(tmp_path).code == "E471"
        (tmp_path / "a.cnn").touch()
        assert self.wrong(tmp_path).help == "specs in it: a.cnn"

    @pytest.mark.parametrize("data", [b"\x89PNG\r\n\x1a\n\0\0", b"a\0b", b"caf\xe9"])
    def test_binary(self, tmp_path, data):
        (tmp_path / "a.cnn").write_bytes(data)
        assert self.wrong(tmp_path / "a.cnn").code == "E472"

    def test_too_large(self, tmp_path):
        (tmp_path / "a.cnn").write_bytes(b"#" * (reading.LARGEST + 1))
        assert self.wrong(tmp_path / "a.cnn").code == "E103"

    def test_not_readable(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        with socket(AF_UNIX) as listening:
            listening.bind("a.cnn")
            assert self.wrong("a.cnn").code == "E474"

    def test_a_name_with_a_nul(self):
        assert self.wrong("a\0b").code == "E470"


class TestReport:
    span = Span(Source("a.cnn", "x"), 0, 1)
    error, warning = Diagnostic("E201", "wrong", span), Diagnostic("W501", "odd", span)

    @pytest.mark.parametrize(
        ("found", "status", "last"),
        [
            ([], 0, None),
            ([warning], 0, "1 warning"),
            ([warning._replace(is_strict=True)], 1, "1 error"),
            ([error, warning, error], 1, "2 errors, 1 warning"),
        ],
    )
    def test_status_and_summary(self, capsys, found, status, last):
        assert common.report(found) == status
        out, err = capsys.readouterr()
        assert out == ""
        assert (err.splitlines() or [None])[-1] == last

    def test_short(self, capsys):
        common.report([self.error], short=True)
        assert capsys.readouterr().err == "a.cnn:1:1: error[E201]: wrong\n1 error\n"


@pytest.mark.parametrize(
    "arguments",
    [("eval", ""), ("runs", ""), ("train", "net.cnn", "--out", ""), ("watch", ""), ("report", "one", "")],
)
def test_an_empty_path_is_refused(specc: Callable[..., Any], arguments: tuple[str, ...]) -> None:
    """As a path it would be the folder that one is in: `specc report $RUN`, with no such variable."""
    answer = specc(*arguments)
    assert answer.status == 2 and f"error[E483]: `specc {arguments[0]}` was given an empty " in answer.err
