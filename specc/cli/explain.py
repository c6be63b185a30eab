"""`specc explain`: the whole story of a diagnostic, from the page or the lint that documents and tests it."""

import re
import shutil
import sys
import textwrap
from collections.abc import Iterable
from typing import Annotated

import typer

from specc.cli.common import print_json
from specc.diagnostics import nearest
from specc.errors import SpeccError
from specc.fit import fitted
from specc.plugins import load_words
from specc.render import Style, style_of
from specc.report.pages import pages

WIDTH = 96


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
