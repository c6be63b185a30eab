"""The documentation as a site: its links lead somewhere, and it is read and searched in a browser without a network."""

import importlib.util
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import specc
from specc.cli.app import COMMANDS
from specc.ops import OPS
from specc.report.pages import pages
from specc.tricks import COMPONENTS
from specc.tricks.sections import SECTIONS
from tests.helpers.browser import Browser, browser, chromium

ROOT = Path(__file__).parent.parent
SITE = ROOT / "docs" / "site"
TOO_WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
DARK = "document.body.dataset.mdColorScheme === 'slate'"
DIALOG = "[...document.querySelectorAll('div')].find((node) => node.shadowRoot)?.shadowRoot"
LOOKED_AT = (
    "index",
    "docs/notebook",
    "docs/twenty",
    "docs/lessons/batch_norm",
    "reference/layers",
    "reference/commands",
)


def module(name: str) -> ModuleType:
    place = importlib.util.spec_from_file_location(f"site_{name}", SITE / f"{name}.py")
    assert place is not None and place.loader is not None
    found = importlib.util.module_from_spec(place)
    place.loader.exec_module(found)
    return found


def test_the_reference_names_every_word() -> None:
    written = module("reference").reference()
    headings = {name: set(re.findall(r"^##+ (.*)$", text, re.MULTILINE)) for name, text in written.items()}
    assert set(OPS) <= headings["reference/layers.md"]
    assert {name for family in COMPONENTS.values() for name in family} <= headings["reference/tricks.md"]
    assert headings["reference/settings.md"] == set(SECTIONS)
    settings = [param.name for params in SECTIONS.values() for param in params]
    assert [name for name in settings if f"<code>{name}</code>" not in written["reference/settings.md"]] == []
    assert headings["reference/commands.md"] == {f"specc {name}" for name in COMMANDS}
    assert headings["reference/python.md"] >= {f"specc.{name}" for name in vars(specc)["__all__"]}
    for code in pages():
        assert f"[{code}](" in written["reference/codes.md"]
        assert any(name.startswith(f"specc/pages/{code}") for name in written)


def test_every_page_is_in_the_navigation() -> None:
    text = (SITE / "zensical.toml").read_text(encoding="utf-8")
    tomllib.loads(text)
    listed = set(re.findall(r"\"([^\"]+\.md)\"", text))
    in_docs = {f"docs/{file.name}" for file in (ROOT / "docs").glob("*.md")}
    notebooks = {f"docs/{file.stem}.md" for file in (ROOT / "docs").glob("*.ipynb")}
    assert {name for name in listed if name.startswith("docs/") and "lessons" not in name} == in_docs | notebooks


def test_wrong_links_and_the_network_are_noticed(tmp_path: Path) -> None:
    (tmp_path / "b.html").write_text('<h1 id="there">b</h1>')
    (tmp_path / "a.html").write_text(
        '<a href="b.html#there">1</a> <a href="b.html#nowhere">2</a> <a href="c.html">3</a> <a href="https://x.y">4</a>'
        '<script src="https://unpkg.com/x"></script><link rel="stylesheet" href="//fonts.googleapis.com/css">'
    )
    assert module("links").problems(tmp_path) == [
        "a.html: loads https://unpkg.com/x from the network",
        "a.html: loads //fonts.googleapis.com/css from the network",
        "a.html: b.html#nowhere leads nowhere",
        "a.html: c.html leads nowhere",
    ]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    for name in ("zensical", "latex2mathml"):
        if importlib.util.find_spec(name) is None:
            pytest.skip(f"{name} is not there: pip install 'specc-cnn[docs]'")
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run([sys.executable, SITE / "build.py", folder], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "html"


@pytest.mark.slow
def test_it_is_whole(site: Path) -> None:
    """`build.py` fails where a link leads nowhere; styles load nothing from elsewhere, either."""
    assert (site / "index.html").exists() and (site / "search.js").exists()
    for style in site.rglob("*.css"):
        assert re.findall(r"(?:url\(|@import)\s*[\"']?(?:https?:)?//", style.read_text(encoding="utf-8")) == []
    assert "<math" in (site / "docs" / "lessons" / "batch_norm.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def tab(site: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    program = chromium()
    if program is None:
        pytest.skip("no Chromium is there")
    with browser(program, tmp_path_factory.mktemp("profile")) as opened:
        yield opened


def look(tab: Browser, width: int, theme: str) -> None:
    tab.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=width < 500)
    tab.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": theme}])


@pytest.mark.slow
def test_it_fits_and_follows_the_theme(site: Path, tab: Browser) -> None:
    for width, theme in ((1200, "light"), (390, "dark")):
        look(tab, width, theme)
        for name in LOOKED_AT:
            tab.open(site / f"{name}.html")
            assert tab.value(TOO_WIDE) <= 0, (name, width)
            assert tab.value(DARK) is (theme == "dark"), name
    assert tab.complaints() == []
    assert {url for url in tab.requests() if not url.startswith(("file:", "data:", "blob:", "about:"))} == set()


@pytest.mark.slow
def test_it_is_searched_without_a_network(site: Path, tab: Browser) -> None:
    look(tab, 1200, "light")
    tab.open(site / "index.html")
    tab.wait_for("!!document.querySelector('.md-search__button')")
    tab.value("document.querySelector('.md-search__button').click()")
    tab.wait_for(f"!!{DIALOG}?.activeElement?.matches('input')")
    tab.call("Input.insertText", text="spatial_dropout")
    links = f"[...{DIALOG}.querySelectorAll('a:has(mark)')].map(String)"
    tab.wait_for(f"{links}.length")
    results: Any = tab.value(links)
    assert any("reference/layers.html" in link for link in results)
