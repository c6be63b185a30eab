"""Which mutants are tried, and on which tests."""

import os
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path
from random import Random
from typing import NamedTuple

from tests.mutants.lines import Lines
from tests.mutants.mutations import Mutation, mutations

FOLDERS = {  # and the tests that hold them
    "specc/ops": [
        "ops",
        "ir",
        "attack/test_networks.py",
        "backend/test_contract.py",
        "backend/test_receptive_field.py",
        "backend/test_shape_sweep.py",
        "backend/test_signal.py",
        "check/test_bodies.py",
        "check/test_shapes.py",
    ],
    "specc/check": ["check", "attack/test_specs.py", "cli/test_hints.py"],
    "specc/backend/engine": ["backend/engine", "formulas"],
    "specc/backend/run": ["backend/run", "backend/train", "damaged/test_runs.py"],
    "specc/backend/study": ["backend/study", "cli/test_study.py", "report/test_study.py"],
    "specc/backend/onnx": ["backend/onnx", "damaged/test_models.py"],
}
LEFT_OUT = {"test_fuzz.py", "test_limits.py", "test_web_browser.py", "test_airbench.py"}  # they take long
# What only words things for people, or measures time.
WORDING = {"card.py", "page.py", "live.py", "elsewhere.py", "latency.py"}
EQUIVALENT = Path(__file__).with_name("equivalent.txt")


class Mutant(NamedTuple):
    """A change of a file of one of the folders."""

    folder: str
    file: str
    change: Mutation

    @property
    def key(self) -> str:
        """What the list of equivalent ones calls it, whatever its line is by now."""
        return f"{self.file} {self.change.function}: {self.change}"

    def __str__(self) -> str:
        return f"{self.file}:{self.change.line} {self.change.function}: {self.change}"


def copy_tree(root: Path, place: Path) -> Path:
    """A copy of what Git knows of a tree, and of what it does not ignore."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=root, check=True, capture_output=True, text=True
    )
    for name in listed.stdout.splitlines():
        if (root / name).is_file() and not (root / name).is_symlink():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(root / name, place / name)
    return place


def files_of_tests(root: Path, folders: Iterable[str]) -> list[Path]:
    """The files of tests that hold these folders."""
    places = {root / "tests" / place for folder in folders for place in FOLDERS[folder]}
    files = {file for place in places for file in ([place] if place.is_file() else place.rglob("test_*.py"))}
    return sorted(file for file in files if file.name not in LEFT_OUT)


def equivalent() -> set[str]:
    """The mutants that change nothing that could be told: lines of `equivalent.txt`, each under its reason."""
    return {line for line in EQUIVALENT.read_text().splitlines() if line and not line.startswith("#")}


def draw(root: Path, folder: str, each: int, seed: int, containing: str) -> list[Mutant]:
    """So many mutants of a folder, drawn at random from all that are not equivalent, in the order of the sources."""
    known = equivalent()
    mutants = [
        mutant
        for file in sorted((root / folder).rglob("*.py"))
        if file.name not in WORDING
        for change in mutations(file.read_text())
        if (mutant := Mutant(folder, str(file.relative_to(root)), change)).key not in known
    ]
    wanted = [mutant for mutant in mutants if containing in str(mutant)]
    chosen = Random(seed).sample(range(len(wanted)), min(each, len(wanted)))  # noqa: S311
    return [wanted[number] for number in sorted(chosen)]


def covering(mutant: Mutant, lines: Lines, most: float) -> list[str]:
    """The folder's tests that run the changed line, or the first of its statement: those that mirror it first, and of
    each place the quickest first.

    All of the folder's tests where only an import runs it. most: how many seconds of tests.
    """
    places = [f"tests/{place}" for place in FOLDERS[mutant.folder]]
    by_line = lines.tests.get(mutant.file, {})
    running = by_line.get(mutant.change.line) or by_line.get(mutant.change.first) or lines.seconds
    ranked = {
        test: next((rank for rank, place in enumerate(places) if test.startswith(place)), None) for test in running
    }
    own = sorted((rank, lines.seconds[test], test) for test, rank in ranked.items() if rank is not None)
    chosen: list[str] = []
    seconds = 0.0
    for _, _, test in own:
        seconds += lines.seconds[test] + 0.005
        if seconds > most:
            break
        chosen.append(test)
    return chosen


def mutate(root: Path, mutant: Mutant, number: int) -> None:
    """Write a mutant into a copy of the tree, so late that Python compiles it anew."""
    _write(root / mutant.file, mutant.change.text, 2 * number)


def restore(root: Path, mutant: Mutant, number: int) -> None:
    _write(root / mutant.file, mutant.change.original, 2 * number + 1)


def _write(file: Path, text: str, seconds: int) -> None:
    file.write_text(text)
    os.utime(file, (2_000_000_000 + seconds,) * 2)
