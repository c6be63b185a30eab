"""docs/notebook.ipynb runs from top to bottom, and shows what its cells show now.

`pytest --update-pages` executes it and writes the outputs into it.
"""

import importlib.util
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.notebook import executed

FILE = Path(__file__).parent.parent / "docs" / "notebook.ipynb"
LARGEST = 200_000  # bytes


Shown = list[list[str]]


def shown(cells: list[dict[str, Any]]) -> Shown:
    """The outputs of each cell: what specs show, whole; of trainings, whose last digits another machine rounds
    otherwise, only the kinds."""
    outputs = [cell["outputs"] for cell in cells if cell["cell_type"] == "code"]
    specs = ["".join(text) for cell in outputs[:2] for output in cell for text in output["data"].values()]
    return [specs, *([kind for output in cell for kind in output.get("data", ["text"])] for cell in outputs)]


def test_it_runs_and_shows_what_it_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.chdir(tmp_path)
    notebook = json.loads(FILE.read_text(encoding="utf-8"))
    done = executed(notebook["cells"])
    if request.config.getoption("--update-pages"):
        text = json.dumps(notebook | {"cells": done}, indent=1, ensure_ascii=False).replace(str(tmp_path), "/home/you")
        FILE.write_text(text + "\n", encoding="utf-8")
    else:
        assert shown(done) == shown(notebook["cells"])
    assert (tmp_path / "runs" / "small" / "model.onnx").exists()


def test_it_is_small_and_needs_no_network() -> None:
    assert FILE.stat().st_size < LARGEST
    notebook = json.loads(FILE.read_text(encoding="utf-8"))
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)

    class Tags(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            assert tag not in ("script", "iframe", "link", "object", "form")
            for name, value in attrs:
                assert not name.startswith("on") and (name == "xmlns" or "//" not in (value or ""))

    for cell in notebook["cells"]:
        for output in cell.get("outputs", []):
            Tags().feed("".join(output.get("data", {}).get("text/html", [])))


def test_it_becomes_a_page() -> None:
    file = FILE.parent / "site" / "notebook.py"
    spec = importlib.util.spec_from_file_location("site_notebook", file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    page = module.as_markdown(FILE)
    assert page.startswith("# A notebook\n") and page.count("```python") == 5
    for block in re.findall(r"^<div>\n.*?^</div>$", page, re.MULTILINE | re.DOTALL):
        assert "\n\n" not in block  # Markdown would begin again there
