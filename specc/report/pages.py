"""The pages of the codes of diagnostics: one file for each error; a warning's is made from its lint."""

import textwrap
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from specc.render import render, summary

if TYPE_CHECKING:
    from specc.check.lint import Lint

FOLDER = Path(__file__).resolve().parents[1] / "pages"
WIDTH = 96


class Page(NamedTuple):
    """What there is to say about a code. `text()` is Markdown; its first line is `# CODE: title`."""

    code: str
    title: str
    text: Callable[[], str]


def pages() -> dict[str, Page]:
    """Every page by its code, in order: one file for each error, one lint for each warning."""
    from specc.check.lint import LINTS

    found = [_page(path.read_text(encoding="utf-8")) for path in FOLDER.glob("*.md")]
    found += [Page(lint.code, lint.name.replace("-", " "), partial(_lint_text, lint)) for lint in LINTS]
    return {page.code: page for page in sorted(found, key=lambda page: page.code)}


def _page(text: str) -> Page:
    code, _, title = text.partition("\n")[0].removeprefix("# ").partition(": ")
    return Page(code, title, lambda: text)


def _lint_text(lint: "Lint") -> str:
    """A lint's page, with what `specc check` prints for its bad example."""
    from specc.check import check
    from specc.source import Source

    diagnostics = check(Source("net.cnn", lint.bad), everything=True).diagnostics
    printed = "".join(f"{text}\n" for text in (*(render(one) + "\n" for one in diagnostics), summary(diagnostics)))
    prose = [lint.doc, lint.why, f"Source: {lint.source}"]
    parts = [
        f"# {lint.code}: {lint.name.replace('-', ' ')}",
        *(textwrap.fill(part, WIDTH, break_long_words=False, break_on_hyphens=False) for part in prose),
        f"```cnn\n{lint.bad}```",
        f"```text\n{printed}```",
        "Fixed:",
        f"```cnn\n{lint.good}```",
        f"If this is intended, silence it with `# allow {lint.code}` on the line or on the line above.",
    ]
    return "\n\n".join(parts) + "\n"
