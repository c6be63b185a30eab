"""Every example in the documentation is tried: specs are checked, commands are taken apart by the commands themselves,
Python is run; what a page alone can tell is tested in a file of its own, which is named here."""

import re
import shlex
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from specc.check import check
from specc.cli.app import COMMANDS, load
from specc.reading import load_base
from specc.source import Source
from tests.helpers.fake_sink import install
from tests.helpers.together import each_of

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
# Pages whose examples other tests run, with all that they print.
OWN_TESTS = {"mistakes.md": "test_mistakes.py"}
PYTHON = {"python.md": "test_python_page.py"}
WITH_PYTHON_TOML = "packages.md"  # a package, of which the one file is Python
OTHER_PROGRAMS = ("make", "pip", "python", "#!/bin/bash", "#SBATCH", "git", "cd", "npm", "code")
QUOTED = ("text", "csv", "math", "lua", "elisp")  # what is printed, which tests compare; data; formulas; editors' own
SECTION = re.compile(r"^(#.*\n)*\s*(data|train|export|search|variant|block|network|extends|let|default)\b")
HEAD = {  # what the piece of a spec needs to be one
    "body": "network Net {{\n  input(64, 32x32)\n{}\n  global_avg_pool -> dense(10)\n}}\n",
    "section": "{}\nnetwork Net {{\n  input(3, 32x32)\n  conv(8) -> relu -> global_avg_pool -> dense(10)\n}}\n",
    "data": "{}\nnetwork Net {{\n  conv(8) -> relu -> global_avg_pool -> dense(10)\n}}\n",
    "variant": 'extends "deck_cifar10.cnn"\n{}\n',
}


class Example(NamedTuple):
    """A fenced block of a page. line: its first one, from 1."""

    page: Path
    line: int
    language: str
    text: str

    @property
    def name(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def examples_of(page: Path) -> list[Example]:
    text = page.read_text(encoding="utf-8")
    found = re.finditer(r"^```(\w*)[^\n]*\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [Example(page, text.count("\n", 0, match.start()) + 2, match[1], match[2]) for match in found]


EXAMPLES = [example for page in PAGES if page.name not in OWN_TESTS for example in examples_of(page)]


def of(*languages: str) -> list[Example]:
    return [example for example in EXAMPLES if example.language in languages]


def test_no_example_is_of_a_language_that_nothing_tries() -> None:
    known = ("cnn", "sh", "console", "bash", "python", "py", "toml", *QUOTED)
    assert [example.name for example in EXAMPLES if example.language not in known] == []
    assert {example.page.name for example in of("python")} <= {*PYTHON, WITH_PYTHON_TOML}
    for name in (*OWN_TESTS.values(), *PYTHON.values()):
        assert (ROOT / "tests" / name).exists()


def spec_of(text: str) -> str:
    """A piece of a spec, with what it needs around it."""
    if re.search(r"^(network|extends)\b", text, re.MULTILINE):
        return text
    first = SECTION.match(text)
    kind = "body" if first is None or first[2] in ("let", "default") else "section"
    kind = {"variant": "variant", "data": "data"}.get(first[2] if first else "", kind)
    return HEAD[kind].format(text)


def test_its_specs_are_right(examples: Path) -> None:
    each_of([(example, examples) for example in of("cnn")], spec_is_right)


def spec_is_right(example: Example, examples: Path) -> None:
    checked = check(Source(str(examples / "example.cnn"), spec_of(example.text)), load=load_base, everything=True)
    unknown = "E308" if example.text.startswith("data") else ""  # its data, which would give the shape, are not here
    assert [f"{error.code}: {error.message}" for error in checked.errors if error.code != unknown] == []


def commands(text: str) -> list[list[str]]:
    """The words of each command of a block of shell: without prompts, comments, other programs' words and output."""
    lines = text.replace("\\\n", " ").splitlines()
    if any(line.startswith("$ ") for line in lines):
        lines = [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
    parts = [part for line in lines for part in re.split(r" \| | && ", line.partition(" #")[0])]
    return [words for part in parts if (words := shlex.split(part, comments=True))]


def specc_words(words: list[str]) -> list[str] | None:
    """The words after `specc`, where a command starts it itself or through torchrun or srun."""
    for start in (["specc"], ["-m", "specc"]):
        for place in range(len(words)):
            if words[place : place + len(start)] == start and "install" not in words[:place]:
                return words[place + len(start) :]
    return None


def test_its_commands_are_right() -> None:
    each_of([(example,) for example in of("sh", "console", "bash")], commands_are_right)


def commands_are_right(example: Example) -> None:
    found = commands(example.text)
    assert found or example.text.startswith("#!")
    for words in found:
        arguments = specc_words(words)
        if arguments is None:
            assert words[0] in (*OTHER_PROGRAMS, "find"), words
            for script in (word for word in words if word.endswith(".py")):
                assert (ROOT / script).exists() or not (ROOT / "benchmarks").exists(), script
        elif arguments[0].startswith("-"):
            assert arguments in (["--help"], ["--version"], ["--install-completion"])
        else:
            taken_apart(arguments)


def taken_apart(arguments: list[str]) -> None:
    """A command line that its command takes: it raises where an option is unknown, or an argument missing."""
    assert arguments[0] in COMMANDS
    load(arguments[0]).make_context(f"specc {arguments[0]}", arguments[1:])


def test_a_wrong_command_would_be_noticed() -> None:
    for line in ("specc train --colour red", "specc predict", "specc show net.cnn other.cnn"):
        with pytest.raises(Exception, match=r"No such option|Missing parameter|unexpected extra argument"):
            taken_apart(line.split()[1:])


def test_its_toml_is_right() -> None:
    assert all(tomllib.loads(example.text) for example in of("toml"))


def test_the_words_of_the_package_are_a_loss() -> None:
    (example,) = (example for example in of("python") if example.page.name == WITH_PYTHON_TOML)
    names: dict[str, Any] = {}
    exec(compile(example.text, example.name, "exec"), names)  # noqa: S102 - text of this repository
    assert [word.name for word in names["WORDS"]] == ["squared"] and callable(names["squared"])


# The commands of these pages run one after the other on small data; what would take long is made short.
REPORTS = ("report.md",)


@pytest.mark.slow
@pytest.mark.parametrize("name", REPORTS)
def test_its_commands_run(
    name: str, specc: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import io
    import sys

    import numpy as np
    from PIL import Image

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("specc.cli.loopback.Loopback.serve_forever", lambda server: None)
    install(monkeypatch.setattr)
    (tmp_path / "photos").mkdir()
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(tmp_path / "photos" / "zero.png")
    specc("new", "first")
    small = ("--set", "train.epochs=1", "--set", "network.width=4", "--device", "cpu", "--quiet")
    for seed in (1, 2):
        assert specc("train", "first.cnn", *small, "--seed", seed, "--out", f"runs/First-{seed}").status == 0
    tried = 0
    for words in (words for example in examples_of(ROOT / "docs" / name) for words in commands(example.text)):
        arguments = specc_words(words)
        if arguments is None:
            assert words[0] in ("find", "pip")
            continue
        monkeypatch.setattr(sys, "stdin", io.StringIO("photos/zero.png\n"))
        more = small if arguments[0] == "train" else ()
        answer = specc(*(word.replace("cuda", "cpu") for word in arguments), *more)
        assert answer.status == 0, (words, answer.err)
        tried += 1
    assert tried == 13
