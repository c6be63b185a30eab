"""Pipes, devices, folders and endless files in the place of each file that a command opens: never waited for."""

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import specc
from specc.errors import SpeccError
from specc.files import open_file, read_file
from specc.reading import load_base, read_source
from specc.source import Source
from tests.helpers.forked import Forks

NETWORK = "network N {\n  input(1, 8x8)\n  flatten -> dense(10)\n}\n"
ODD: dict[str, Callable[[Path], Any]] = {
    "pipe": os.mkfifo,
    "device": lambda path: path.symlink_to("/dev/zero"),
    "terminal": lambda path: path.symlink_to("/dev/tty"),
    "folder": Path.mkdir,
    "link to itself": lambda path: path.symlink_to(path.name),
    "file without an end": lambda path: path.symlink_to("/proc/kmsg"),
    "standard input": lambda path: path.symlink_to("/dev/stdin"),
}
# What each command is given; `odd.cnn` is replaced.
CALLS = {
    "check": ["odd.cnn"],
    "check --json": ["odd.cnn"],
    "fmt": ["odd.cnn"],
    "show": ["odd.cnn"],
    "diff": ["net.cnn", "odd.cnn"],
    "emit": ["odd.cnn"],
    "probe": ["odd.cnn"],
    "train": ["odd.cnn"],
    "study": ["odd.cnn"],
    "export": ["odd.cnn"],
}
Outcome = Callable[[Path, list[list[str]]], tuple[list[int], str]]


@pytest.fixture
def outcome(front_forks: Forks) -> Outcome:
    """The exit statuses of several command lines, and what they print; their standard input is a pipe that waits."""

    def run(place: Path, commands: list[list[str]]) -> tuple[list[int], str]:
        cache = {"XDG_CACHE_HOME": str(place / "cache")}
        done = [front_forks.run(*command, cwd=place, waits=True, environment=cache) for command in commands]
        assert all(one.status >= 0 for one in done), "it waited"
        return [one.status for one in done], "".join(one.stdout + one.stderr for one in done)

    return run


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "net.cnn").write_text(NETWORK)
    return tmp_path


@pytest.mark.parametrize("odd", ODD)
def test_a_spec(outcome: Outcome, place: Path, odd: str) -> None:
    ODD[odd](place / "odd.cnn")
    statuses, text = outcome(place, [[*command.split(), *files] for command, files in CALLS.items()])
    assert all(statuses) and "defect" not in text and "Traceback" not in text
    assert len(re.findall(r"error\[E|\"code\": \"E", text)) >= len(CALLS)


@pytest.mark.parametrize("odd", ODD)
def test_a_spec_that_is_extended(outcome: Outcome, place: Path, odd: str) -> None:
    ODD[odd](place / "odd.cnn")
    (place / "own.cnn").write_text('extends "odd.cnn"\n')
    (status,), text = outcome(place, [["check", "own.cnn", "net.cnn", "--json"]])
    found = json.loads(text)
    assert status == 1 and found["errors"] == 1
    assert found["diagnostics"][0]["code"] in ("E218", "E105")


@pytest.mark.parametrize("odd", [odd for odd in ODD if odd != "standard input"])
def test_the_tables_of_the_parser(outcome: Outcome, place: Path, odd: str) -> None:
    (place / "cache/specc").mkdir(parents=True)
    ODD[odd](place / "cache/specc/grammar.json")
    assert outcome(place, [["check", "net.cnn"]])[0] == [0]


@pytest.mark.parametrize("odd", ODD)
def test_what_is_opened_at_all(tmp_path: Path, odd: str) -> None:
    if odd == "standard input":
        pytest.skip("pytest's own may be a file")
    ODD[odd](tmp_path / "odd")
    if odd != "file without an end":  # which has no size, and is not read
        with pytest.raises(OSError, match=r"pipe|folder|link|No such device|Permission"):
            open_file(tmp_path / "odd")
    elif os.access("/proc/kmsg", os.R_OK):
        assert read_file(tmp_path / "odd") == b""


def test_nothing_else_opens_files_for_reading() -> None:
    """Files of the package and of `/proc`, and those that are written, are no user's."""
    own = {"backend/device.py", "backend/doctor.py", "backend/data/memory.py", "backend/onnx/web/page.py"}
    own |= {
        "plugins.py",
        "report/pages.py",
        "emit/layers.py",
        "syntax/grammar.py",
        "backend/train/prove.py",
        "files.py",
    }
    folder = Path(specc.__file__).parent
    opens = re.compile(r"""open\(["']r|\.read_text\(|(?<!images)\.read_bytes\(|np\.load\(|np\.fromfile\(path""")
    found = {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*.py")
        if opens.search(path.read_text(encoding="utf-8"))
    }
    written = {"backend/data/download.py", "backend/onnx/web/runtime.py"}  # what they wrote themselves
    written |= {"backend/data/records.py", "backend/data/shards/cache.py", "backend/search/pool.py"}
    package = {"backend/report_page/html.py"} | {
        f"zoo/{name}.py" for name in ("__init__", "figures", "lookalikes", "weights")
    }
    assert found - own == written | package


def test_a_name_that_no_system_takes(outcome: Outcome, place: Path) -> None:
    (place / "long.cnn").write_text(f'extends "{"a" * 5000}.cnn"\n')
    (status,), text = outcome(place, [["check", "long.cnn", "net.cnn", "x" * 5000 + ".cnn", "--json"]])
    found = json.loads(text)
    assert status == 2 and [one["code"] for one in found["diagnostics"]] == ["E218", "E474"]
    assert all(len(one["message"]) < 600 for one in found["diagnostics"])


@pytest.mark.parametrize("name", ["secret.txt", "secret", "secret.env", "linked.cnn"])
def test_lines_of_other_files_are_not_quoted(outcome: Outcome, place: Path, name: str) -> None:
    (place / "secret.txt").write_text("password = hunter2\n")
    (place / "linked.cnn").symlink_to("secret.txt")
    if not (place / name).exists():
        (place / name).write_text("password = hunter2\n")
    (place / "own.cnn").write_text(f'extends "{name}"\n')
    for options in ([], ["--json"], ["--sarif"]):
        (status,), text = outcome(place, [["check", "own.cnn", *options]])
        assert (status == 1 and "hunter2" not in text and ".cnn file" in text) or "not a .cnn" in text
    if name == "linked.cnn":
        with pytest.raises(SpeccError, match=r"not a \.cnn"):
            read_source(place / name)


def test_a_base_that_is_linked_to_a_spec_is_read(place: Path) -> None:
    (place / "linked.cnn").symlink_to("net.cnn")
    base = load_base("linked.cnn", Source(str(place / "own.cnn"), ""))
    assert isinstance(base, Source) and base.text == NETWORK
