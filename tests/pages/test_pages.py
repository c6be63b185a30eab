"""The pages in specc/pages: each code has one, and what it shows is what specc prints.

`pytest --update-pages` writes what is printed into the pages; read the difference before it is committed.
"""

import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from specc.check.lint import LINTS, Lint
from specc.report.pages import FOLDER, pages
from tests.helpers.provoke import PROVOKE, Stage
from tests.helpers.tiny_run import trained

PACKAGE = FOLDER.parent
FILES = {path.name.partition("-")[0]: path for path in sorted(FOLDER.glob("*.md"))}
FENCE = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FRACTION = re.compile(r"\d+\.\d{2,}(?:e-\d+)?")
HOME = "/home/ada"


class Fence(NamedTuple):
    """A fenced block of a page: `cnn`, `text` or `console`, the file name behind that, and where its content is."""

    kind: str
    name: str
    text: str
    start: int
    end: int


def fences(page: str) -> list[Fence]:
    return [Fence(m[1], m[2] or "", m[3], m.start(3), m.end(3)) for m in FENCE.finditer(page)]


def used_codes() -> set[str]:
    return {
        code
        for path in PACKAGE.rglob("*.py")
        for code in re.findall(r"""["']([EW]\d{3})["']""", path.read_text(encoding="utf-8"))
    }


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run, exported."""
    from specc.backend.onnx.export import export_run

    run = trained(tmp_path_factory.mktemp("finished"))
    export_run(run, device="cpu")
    return run


class Shown:
    """What the commands of a page print, in a folder that the page's specs and the code's function furnish."""

    def __init__(self, specc: Callable[..., Any], folder: Path) -> None:
        self.specc, self.folder = specc, folder

    def run(self, *arguments: str, statuses: tuple[int, ...] = (1, 2)) -> str:
        answer = self.specc(*arguments)
        assert answer.status in statuses
        return (answer.err + answer.out).replace(str(self.folder), HOME)

    def of(self, page: str, status: int = 1) -> Iterator[tuple[Fence, str]]:
        """Each block that shows something printed, with what is printed."""
        for fence in fences(page):
            if fence.kind == "cnn":
                path = self.folder / (fence.name or "net.cnn")
                path.parent.mkdir(exist_ok=True)
                path.write_text(fence.text, encoding="utf-8")
            elif fence.kind == "text":
                yield fence, self.run("check", "net.cnn", statuses=(status,))
            else:
                assert fence.kind == "console"
                commands = [line for line in fence.text.splitlines() if line.startswith("$ specc ")]
                printed = (f"{line}\n{self.run(*shlex.split(line)[2:])}" for line in commands)
                yield fence, "".join(printed)


@pytest.fixture
def shown(
    request: pytest.FixtureRequest, specc: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], Shown]:
    """`shown("E301")`: the stage for a code is set."""

    def prepare(code: str) -> Shown:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / ".cache"))
        monkeypatch.delenv("SPECC_DATA", raising=False)
        if code in FILES and "```console" in FILES[code].read_text(encoding="utf-8"):  # as on a machine without a GPU
            monkeypatch.setattr("specc.backend.device.devices", lambda: ["cpu"])
            monkeypatch.setattr("onnxruntime.get_available_providers", lambda: ["CPUExecutionProvider"])
        if code in PROVOKE:
            PROVOKE[code](Stage(monkeypatch, request.getfixturevalue("finished")))
        return Shown(specc, tmp_path)

    return prepare


def shortened(text: str, printed: str) -> str:
    """What is printed; where the page leaves out its middle by a line `…`, only what stands around that.

    Fractions are those of the page, since a training's last digits depend on the processor.
    """
    if FRACTION.sub("", text) == FRACTION.sub("", printed):
        return text
    head, dots, tail = text.partition("…\n")
    if not dots:
        return printed
    tail = tail or "\n".join(printed.splitlines()[-4:]) + "\n"
    return head + dots + tail if printed.startswith(head) and printed.endswith(tail) else printed


@pytest.mark.parametrize("code", FILES)
def test_a_page_shows_what_is_printed(request: pytest.FixtureRequest, shown: Callable[[str], Shown], code: str) -> None:
    page = FILES[code].read_text(encoding="utf-8")
    found = [(fence, shortened(fence.text, printed)) for fence, printed in shown(code).of(page)]
    assert found
    assert all(f"[{code}]" in printed for _, printed in found)
    if request.config.getoption("--update-pages"):
        for fence, printed in reversed(found):
            page = page[: fence.start] + printed + page[fence.end :]
        FILES[code].write_text(page, encoding="utf-8")
    for fence, printed in found:
        assert fence.text == printed or request.config.getoption("--update-pages")


@pytest.mark.parametrize("code", [code for code in FILES if code < "E4" and code != "E106"])
def test_the_bad_example_has_this_problem_only_and_the_good_one_has_none(
    shown: Callable[[str], Shown], code: str
) -> None:
    page = FILES[code].read_text(encoding="utf-8")
    stage = shown(code)
    codes = [set(re.findall(r"^(?:error|warning)\[(\w+)\]", printed, re.MULTILINE)) for _, printed in stage.of(page)]
    assert codes == [{code}]
    blocks = fences(page)
    if "text" in [fence.kind for fence in blocks]:
        assert [fence.kind for fence in blocks if not fence.name] == ["cnn", "text", "cnn"]
        answer = stage.specc("check", "net.cnn", "--strict")
        assert (answer.status, answer.out) == (0, "net.cnn: no problems\n"), answer.err


@pytest.mark.parametrize("lint", LINTS, ids=lambda lint: str(lint.code))
def test_the_page_of_a_lint(specc: Callable[..., Any], shown: Callable[[str], Shown], lint: Lint) -> None:
    page = specc("explain", lint.code).out
    assert [fence.kind for fence in fences(page)] == ["cnn", "text", "cnn"]
    for fence, printed in shown(lint.code).of(page, status=0):
        assert fence.text == printed
    assert specc("check", "net.cnn").out == "net.cnn: no problems\n"


def test_each_code_has_a_page_and_each_page_a_code() -> None:
    assert used_codes() == set(pages())
    assert {code for code in used_codes() if code.startswith("E")} == set(FILES)


@pytest.mark.parametrize("code", FILES)
def test_the_form_of_a_page(code: str) -> None:
    page = FILES[code].read_text(encoding="utf-8")
    title = page.partition("\n")[0]
    assert re.fullmatch(rf"# {code}: .{{8,60}}[^.]", title)
    prose = FENCE.sub("", page)
    assert max(map(len, prose.splitlines())) <= 120
    assert "```" not in prose
    assert page.endswith("\n") and not page.endswith("\n\n")
