"""Pieces of HTML, and the page around them: one file that needs nothing else and asks nobody for anything."""

import base64
import hashlib
import re
from collections.abc import Iterable, Sequence
from html import escape
from importlib import resources
from typing import NamedTuple

from specc import __version__
from specc.errors import clean
from specc.report.picture import STYLE

ALONE = "This file contains everything that it shows; it loads nothing and sends nothing."


class Section(NamedTuple):
    """A part of the page. name: in its address and in the table of contents. body: HTML."""

    name: str
    title: str
    body: str


def text(value: object) -> str:
    """A text as HTML: nothing in it is markup, moves the cursor or turns the direction of reading."""
    return escape(clean(str(value)))


def sentence(words: str) -> str:
    """Words that begin with a capital."""
    return words[:1].upper() + words[1:]


def paragraph(words: str, kind: str = "") -> str:
    """A paragraph of plain text."""
    return f'<p class="{kind}">{text(words)}</p>' if kind else f"<p>{text(words)}</p>"


def table(head: Sequence[str], rows: Iterable[Sequence[str]], *, texts: int = 1, raw: bool = False) -> str:
    """A table that scrolls by itself where it is wide. texts: how many columns, the first ones, hold words; numbers
    stand to the right. raw: cells are HTML already."""

    def cells(row: Sequence[str], tag: str) -> str:
        shown = row if raw and tag == "td" else [text(cell) for cell in row]
        kinds = ["" if place < texts else ' class="n"' for place in range(len(shown))]
        return "".join(f"<{tag}{kind}>{cell}</{tag}>" for kind, cell in zip(kinds, shown, strict=True))

    body = "".join(f"<tr>{cells(row, 'td')}</tr>" for row in rows)
    return scroll(f"<table><thead><tr>{cells(head, 'th')}</tr></thead><tbody>{body}</tbody></table>", "table")


def scroll(body: str, label: str) -> str:
    """A box that scrolls sideways, with the keyboard too."""
    return f'<div class="scroll" tabindex="0" role="region" aria-label="{text(label)}">{body}</div>'


def facts(pairs: Iterable[tuple[str, str]]) -> str:
    """Names and values."""
    return "<dl>" + "".join(f"<dt>{text(name)}</dt><dd>{text(value)}</dd>" for name, value in pairs) + "</dl>"


def tiles(pairs: Iterable[tuple[str, str, str]]) -> str:
    """The few numbers that matter most: each with its name and a word below it."""
    cells = (
        f'<div class="tile"><dt>{text(name)}</dt><dd>{text(value)}</dd><dd class="q">{text(word)}</dd></div>'
        for name, value, word in pairs
    )
    return f'<dl class="tiles">{"".join(cells)}</dl>'


def fold(summary: str, body: str, *, name: str = "", is_open: bool = False) -> str:
    """What is shown once its summary is chosen. name: its id; "" for none."""
    attributes = (f' id="{text(name)}"' if name else "") + (" open" if is_open else "")
    return f"<details{attributes}><summary>{text(summary)}</summary>{body}</details>"


def figures(charts: Iterable[str]) -> str:
    """Charts side by side, where there is room."""
    return f'<div class="charts">{"".join(charts)}</div>'


def page(title: str, lead: str, sections: Sequence[Section], script: str = "", foot: str = ALONE) -> str:
    """The whole page. lead: HTML of its head, below the title. script: what it runs; only a page that is served has
    one. foot: its last words, behind what made it."""
    style = re.sub(r"\n+", "\n", part("page.css") + STYLE).strip()
    contents = "".join(f'<a href="#{section.name}">{text(section.title)}</a>' for section in sections)
    body = "".join(
        f'<section id="{section.name}"><h2>{text(section.title)}</h2>{section.body}</section>' for section in sections
    )
    parts = {
        "policy": policy(style, script),
        "title": text(title),
        "lead": lead,
        "contents": contents,
        "sections": body,
        "style": style,
        "script": f"<script>{script}</script>" if script else "",
        "foot": text(foot),
        "version": text(__version__),
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found[1]], part("page.html"))


def policy(style: str, script: str = "") -> str:
    """The Content-Security-Policy: this style, images that lie within, no network. A script may ask its own server."""
    runs = f"script-src {_hash(script)}; connect-src 'self'; " if script else ""
    return f"default-src 'none'; style-src {_hash(style)}; {runs}img-src data:; base-uri 'none'; form-action 'none'"


def _hash(source: str) -> str:
    digest = base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()
    return f"'sha256-{digest}'"


def part(name: str) -> str:
    """A part of the page, as it lies in this package."""
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")
