"""The tool that changes the sources: what it changes, what it leaves, and that each trial sees one change."""

import ast
from pathlib import Path

import pytest

from tests.mutants.lines import Lines
from tests.mutants.mutations import mutations
from tests.mutants.sample import Mutant, covering, equivalent, mutate, restore

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("source", "changed"),
    [
        ("x = a < b", ["a <= b", "a >= b"]),
        ("x = a == b", ["a != b"]),
        ("x = a + b", ["a - b"]),
        ("x = 'a' + b", []),
        ("x = -a", ["a"]),
        ("x = a and b", ["a or b", "b", "a"]),
        ("x = a or b or c", ["a and b and c", "b or c", "a or c", "a or b"]),
        ("x = not a", ["a"]),
        ("x = 3", ["4"]),
        ("x = 0.5", ["1.0"]),
        ("x = True", ["False"]),
        ("x = 'text'", []),
        ("x = a if b else c", ["a", "c"]),
        ("x = max(a)", ["min(a)"]),
        ("x = a.max()", ["a.min()", "a.mean()", "a.sum()"]),
        ("x = {'a': b, 'c': d}", ["{'c': d}", "{'a': b}"]),
        ("x = f(a=b, help=c)", ["f(help=c)"]),
        ("x = [a for a in b if c]", ["[a for a in b]"]),
        ("f(a)", ["pass"]),
        ("a.b = c", ["pass"]),
        ("a += b", ["pass"]),
        ("def f() -> 3: return a", ["return None"]),
        ("def f(): return None", []),
        ("def f(a: 3 = b): pass", []),
        ("assert a < b", []),
        ("x = f'{a + 1}'", []),
        ("raise a", ["pass"]),
    ],
)
def test_what_is_changed(source: str, changed: list[str]) -> None:
    assert [mutation.after for mutation in mutations(source)] == changed


def test_a_mutation_changes_one_place_of_the_text() -> None:
    text = "def f(a):\n    é = 'é' if a else 2  # kept\n    return g(\n        é,\n        a < 3,\n    )\n"
    found = {str(mutation): mutation for mutation in mutations(text)}
    bound = found["a < 3  =>  a <= 3"]
    assert bound.text == text.replace("a < 3", "(a <= 3)") and bound.original == text
    assert (bound.line, bound.first, bound.function) == (5, 3, "f")
    assert found["2  =>  3"].text == text.replace("else 2", "else (3)")
    for mutation in found.values():
        ast.parse(mutation.text)


def test_no_two_trials_see_the_same_file(tmp_path: Path) -> None:
    """Python takes a compiled file for that of a source which is as long and as old."""
    (tmp_path / "m.py").write_text("x = 1 < 2\n")
    change = next(iter(mutations("x = 1 < 2\n")))
    mutant, times = Mutant("", "m.py", change), set()
    for number in range(3):
        mutate(tmp_path, mutant, number)
        assert (tmp_path / "m.py").read_text() == "x = (1 <= 2)\n"
        times.add((tmp_path / "m.py").stat().st_mtime)
        restore(tmp_path, mutant, number)
        assert (tmp_path / "m.py").read_text() == "x = 1 < 2\n"
        times.add((tmp_path / "m.py").stat().st_mtime)
    assert len(times) == 6


def test_the_covering_a_line_are_its_folders_and_the_quickest_first() -> None:
    change = next(mutation for mutation in mutations("\n\nx = f(\n  1)\n") if mutation.before == "1")
    mutant = Mutant("specc/ops", "specc/ops/conv.py", change)
    seconds = {"tests/ops/a.py::a": 2.0, "tests/ops/a.py::b": 1.0, "tests/ops/a.py::c": 1e9, "tests/cli/a.py::a": 0.1}
    by_line = {3: ["tests/ops/a.py::a", "tests/cli/a.py::a", "tests/ops/a.py::b", "tests/ops/a.py::c"]}
    expected = ["tests/ops/a.py::b", "tests/ops/a.py::a"]
    assert covering(mutant, Lines(seconds, {"specc/ops/conv.py": by_line}), 60) == expected
    assert covering(mutant, Lines(seconds, {}), 60) == expected, "only an import runs it"


def test_the_equivalent_mutants_are_still_there() -> None:
    """An entry whose source has changed says nothing any more."""
    entries = equivalent()
    files = {entry.partition(" ")[0] for entry in entries}
    keys = {Mutant("", file, change).key for file in files for change in mutations((ROOT / file).read_text())}
    assert entries <= keys
