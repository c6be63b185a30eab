"""`specc explain`: the whole story of a diagnostic, from the page or the lint that documents and tests it."""

import re
import shutil
import sys
import textwrap
from collections.abc import Callable, Iterable
from functools import partial
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from specc.cli.common import print_json, report
from specc.diagnostics import nearest
from specc.errors import SpeccError
from specc.fit import fitted
from specc.plugins import load_words
from specc.render import Style, style_of

if TYPE_CHECKING:
    from specc.check.lint import Lint

FOLDER = Path(__file__).resolve().parents[1] / "pages"
WIDTH = 96


class Page(NamedTuple):
    """What there is to say about a code. `text()` is Markdown; its first line is `# CODE: title`."""

    code: str
    title: str
    text: Callable[[], str]


def explain(
    code: Annotated[str, typer.Argument(help="A code, such as E301.", show_default=False)] = "",
    json: Annotated[bool, typer.Option("--json", help="Print machine-readable JSON.")] = False,
) -> None:
    """Explain an error or warning code: what it means, why it matters and how to fix it, with examples.

    Without a code, list all codes.

    Examples:

      specc explain E301
      specc explain
    """
    found = pages()
    if code.upper() not in found:
        load_words()
        found = pages()
    if not code:
        if json:
            print_json({"pages": [{"code": page.code, "title": page.title} for page in found.values()]})
        else:
            print("\n".join(fitted(f"{page.code}  {page.title}", more=" " * 6) for page in found.values()))
        return
    page = found.get(code.upper())
    if page is None:
        raise SpeccError("E477", f"unknown code `{code}`", help=_near(code.upper(), found))
    text = page.text()
    if json:
        print_json({"code": page.code, "title": page.title, "text": text})
    elif sys.stdout.isatty():
        print(laid_out(text, style_of(sys.stdout), shutil.get_terminal_size().columns))
    else:
        print(text, end="")


def laid_out(text: str, style: Style, width: int) -> str:
    """A page for people: prose filled to the width, what was fenced indented and never broken."""
    parts = re.split(r"^```[^\n]*\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)
    shown: list[str] = []
    for position, part in enumerate(parts):
        if position % 2:
            shown.append(textwrap.indent(part.rstrip(), "    "))
        else:
            shown += [_paragraph(prose, style, min(width, WIDTH)) for prose in part.strip().split("\n\n") if prose]
    return "\n\n".join(shown)


def _paragraph(prose: str, style: Style, width: int) -> str:
    if prose.startswith("# "):
        return style.paint(prose.removeprefix("# "), "bold")
    whole = re.sub("`[^`]+`", lambda code: code[0].replace(" ", "\0"), " ".join(prose.split()))
    filled = textwrap.fill(whole, width, break_long_words=False, break_on_hyphens=False).replace("\0", " ")
    return re.sub("`([^`]+)`", lambda code: style.paint(code[1], "note"), filled) if style.color else filled


def _near(code: str, known: Iterable[str]) -> str:
    """The help for a code that does not exist: the nearest number of its letter."""
    letter, number = code[:1], code[1:]
    alike = [other for other in known if other.startswith(letter)]
    if not alike or not number.isdecimal():
        return nearest(code, known) or "run `specc explain` to list all codes"
    return f"did you mean `{min(alike, key=lambda other: abs(int(other[1:]) - int(number)))}`?"


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

    printed = StringIO()
    report(check(Source("net.cnn", lint.bad), everything=True).diagnostics, stream=printed)
    prose = [lint.doc, lint.why, f"Source: {lint.source}"]
    parts = [
        f"# {lint.code}: {lint.name.replace('-', ' ')}",
        *(textwrap.fill(part, WIDTH, break_long_words=False, break_on_hyphens=False) for part in prose),
        f"```cnn\n{lint.bad}```",
        f"```text\n{printed.getvalue()}```",
        "Fixed:",
        f"```cnn\n{lint.good}```",
        f"If this is intended, silence it with `# allow {lint.code}` on the line or on the line above.",
    ]
    return "\n\n".join(parts) + "\n"
