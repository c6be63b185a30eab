"""looks.jsonl: a line for every look, whoever looks at the same time, and whatever a kill has left."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from specc.backend.run.looks import read_looks, write_look
from specc.errors import SpeccError
from specc.files import append_locked

MANY = """
import sys
from pathlib import Path
from specc.backend.run.looks import write_look
for number in range(40):
    write_look(Path(sys.argv[1]), {"who": sys.argv[2], "number": number, "padding": "x" * 5000})
"""


def test_looks_add_up(tmp_path: Path) -> None:
    assert read_looks(tmp_path) == []
    assert [write_look(tmp_path, {"number": number}) for number in range(3)] == [1, 2, 3]
    assert [look["number"] for look in read_looks(tmp_path)] == [0, 1, 2]


def test_processes_that_look_at_once_lose_no_line(tmp_path: Path) -> None:
    looking = [subprocess.Popen([sys.executable, "-c", MANY, str(tmp_path), who]) for who in "abc"]
    assert [process.wait(timeout=120) for process in looking] == [0, 0, 0]
    looks = [json.loads(line) for line in (tmp_path / "looks.jsonl").read_text().splitlines()]
    assert len(looks) == 120
    for who in "abc":
        assert [look["number"] for look in looks if look["who"] == who] == list(range(40))


def test_half_a_line_is_a_look_and_hurts_no_other(tmp_path: Path) -> None:
    (tmp_path / "looks.jsonl").write_bytes(b'{"number": 0}\n{"num')
    assert write_look(tmp_path, {"number": 2}) == 3
    assert read_looks(tmp_path) == [{"number": 0}, {}, {"number": 2}]


@pytest.mark.skipif(os.name != "posix", reason="POSIX has such files")
@pytest.mark.parametrize("kind", ["fifo", "folder", "device"])
def test_what_is_no_file_is_refused(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "looks.jsonl"
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to("/dev/null")
    with pytest.raises(OSError, match=r".+"):
        append_locked(path, b"a line\n")
    with pytest.raises(SpeccError, match="cannot be recorded") as caught:
        write_look(tmp_path, {})
    assert caught.value.code == "E481" and read_looks(tmp_path) == []
