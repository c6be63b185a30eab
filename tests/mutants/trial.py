"""One mutant on trial: its tests, until the first one fails."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import pytest

from tests.mutants.process import run

Verdict = Literal["killed", "survived", "timeout"]


class Outcome(NamedTuple):
    """How a trial ended. test: the one that failed, where pytest got as far as a test."""

    verdict: Verdict
    seconds: float
    test: str = ""


class Chosen:
    """A plugin of pytest that runs only some tests, in their order, and notes the first that fails."""

    def __init__(self, tests: Sequence[str], note: Path) -> None:
        self.order = {test: number for number, test in enumerate(tests)}
        self.note = note

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = sorted((item for item in items if item.nodeid in self.order), key=lambda i: self.order[i.nodeid])

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.note.write_text(report.nodeid)


def try_out(root: Path, tests: Sequence[str], seconds: float) -> Outcome:
    """Run tests of the tree at `root` in their order, for at most so many seconds."""
    start, note = time.monotonic(), root / ".failed"
    note.unlink(missing_ok=True)

    def work() -> int:
        files = dict.fromkeys(test.partition("::")[0] for test in tests)
        options = ["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--rootdir", str(root)]
        return int(pytest.main([*options, *files], plugins=[Chosen(tests, note)]))

    status = run(root, work, seconds)
    verdict: Verdict = "timeout" if status is None else "killed" if status else "survived"
    return Outcome(verdict, time.monotonic() - start, note.read_text() if note.exists() else "")
