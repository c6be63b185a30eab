"""Work in a fork: its status, its output, and an end where it takes too long."""

import os
import sys
from pathlib import Path

from tests.mutants.process import BROKEN, run


def test_status_output_and_place(tmp_path: Path) -> None:
    def work() -> int:
        print(Path.cwd(), os.environ["PYTHONPATH"], sys.path[0])
        return 3

    assert run(tmp_path, work, 60) == 3
    assert (tmp_path / ".output").read_text() == f"{tmp_path} {tmp_path} {tmp_path}\n"
    assert os.environ.get("PYTHONPATH") != str(tmp_path)


def test_an_exception_is_no_success(tmp_path: Path) -> None:
    assert run(tmp_path, lambda: 1 // 0, 60) == BROKEN
    assert "ZeroDivisionError" in (tmp_path / ".output").read_text()


def test_what_does_not_end_is_ended(tmp_path: Path) -> None:
    def work() -> int:
        while True:
            pass

    assert run(tmp_path, work, 0.5) is None
