"""Which tests run which lines: a plugin of pytest that has coverage.py keep the lines of each test.

What a fixture runs that several tests share counts for all tests that use it.
"""

import hashlib
import json
import time
from collections import defaultdict
from collections.abc import Generator, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.mutants.process import run

LONGEST = 600.0  # seconds for one file of tests


class Lines(NamedTuple):
    """seconds: of each test. tests: by file and line, those that run it."""

    seconds: dict[str, float]
    tests: dict[str, dict[int, list[str]]]


class Recorder:
    """Records seconds and lines of each test of a session."""

    def __init__(self, root: Path, folders: Sequence[str]) -> None:
        self.root = root
        import coverage  # an extra, which only `make mutants` installs

        self.coverage = coverage.Coverage(data_file=None, include=[f"{root / folder}/*" for folder in folders])
        self.seconds: dict[str, float] = {}
        self.users: dict[str, set[str]] = defaultdict(set)  # of a shared fixture
        self.contexts = [""]

    def begin(self, context: str) -> None:
        self.contexts.append(context)
        self.coverage.switch_context(context)

    def end(self) -> None:
        self.contexts.pop()
        self.coverage.switch_context(self.contexts[-1])

    def pytest_sessionstart(self) -> None:
        self.coverage.start()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        start = time.process_time()
        for name in getattr(item, "fixturenames", []):
            self.users[name].add(item.nodeid)
        self.begin(item.nodeid)
        try:
            return (yield)
        finally:
            self.end()
            self.seconds[item.nodeid] = round(time.process_time() - start, 3)

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[Any]) -> Generator[None, object, object]:
        shared = fixturedef.scope != "function"
        if shared:
            self.begin(f"fixture {fixturedef.argname}")
        try:
            return (yield)
        finally:
            if shared:
                self.end()

    def lines(self) -> Lines:
        """What was recorded. A line that only an import runs has no tests."""
        self.coverage.stop()
        data = self.coverage.get_data()
        tests: dict[str, dict[int, list[str]]] = {}
        for file in data.measured_files():
            by_line = tests[str(Path(file).relative_to(self.root))] = {}
            for line, contexts in data.contexts_by_lineno(file).items():
                names: set[str] = set()
                for context in filter(None, contexts):
                    kind, _, name = context.partition(" ")
                    names |= self.users[name] if kind == "fixture" else {context}
                if names:
                    by_line[line] = sorted(names)
        return Lines(self.seconds, tests)


def record(root: Path, folders: Sequence[str], files: Sequence[Path], kept: Path) -> Lines:
    """The lines of these files of tests. kept: where what was recorded lies, by the hashes of specc and the file."""
    kept.mkdir(exist_ok=True)
    source = _hash(root, [*(root / "specc").rglob("*.py"), *(root / "grammar").rglob("*")])
    every = Lines({}, defaultdict(lambda: defaultdict(list)))
    for file in files:
        place = kept / f"{_hash(root, [file])}-{source}.json"
        if not place.exists():
            print(f"recording {file.relative_to(root)}", flush=True)
            _record_one(root, folders, file, place)
        found = Lines(*json.loads(place.read_text()))
        every.seconds.update(found.seconds)
        for name, by_line in found.tests.items():
            for line, tests in by_line.items():
                every.tests[name][int(line)] += tests
    return every


def _record_one(root: Path, folders: Sequence[str], file: Path, place: Path) -> None:
    def work() -> int:
        recorder = Recorder(root, folders)
        options = ["-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-m", "not slow", "--rootdir", str(root)]
        pytest.main([*options, str(file.relative_to(root))], plugins=[recorder])
        place.write_text(json.dumps(recorder.lines()))
        return 0

    run(root, work, LONGEST)
    if not place.exists():
        place.write_text(json.dumps(Lines({}, {})))


def _hash(root: Path, files: Iterable[Path]) -> str:
    whole = hashlib.sha256()
    for file in sorted(files):
        if file.is_file():
            whole.update(str(file.relative_to(root)).encode() + file.read_bytes())
    return whole.hexdigest()[:16]
