"""The reference, made from the code: what `specc ops`, `specc explain`, `--help` and docstrings say, as Markdown."""

import inspect
import re
import textwrap
from collections.abc import Iterable
from html import escape
from itertools import groupby
from typing import Any

import typer

import specc
from specc.cli.app import COMMANDS, load
from specc.ops.op import Op
from specc.report.pages import FOLDER, Page, pages
from specc.report.words import Entry, about, signature, words, worked

KINDS = {  # what the first digits of a code are about
    "E1": "Syntax", "E2": "Names, arguments and settings", "E3": "Shapes", "E4": "Data, training, export, files",
    "E5": "Processes, searches, packed data, reports", "W5": "Warnings",
}  # fmt: skip


def reference() -> dict[str, str]:
    """Every page of the reference by its path from the root of the site."""
    groups = words()
    layers = {group: entries for group, entries in groups.items() if isinstance(entries[0], Op)}
    tricks = {group: entries for group, entries in groups.items() if group not in layers and group != "section"}
    return {
        "reference/commands.md": _commands(),
        "reference/layers.md": _words("Layers", "What a network is made of. `specc ops` prints this list.", layers),
        "reference/tricks.md": _words("Tricks", "The values of settings, by the setting that takes them.", tricks),
        "reference/settings.md": _settings(groups["section"]),
        "reference/codes.md": _codes(pages().values()),
        "reference/python.md": _python(),
        **{_place(page): page.text() for page in pages().values()},
    }


def _words(title: str, intro: str, groups: dict[str, list[Entry]]) -> str:
    parts = [f"# {title}", intro]
    for group, entries in groups.items():
        parts.append(f"## {group[0].upper()}{group[1:]}")
        for entry in entries:
            example = "\n".join([entry.example, *worked(entry)])
            parts += [f"### {entry.name}", f"```cnn\n{_lines(signature(entry))}\n```", _prose(entry.doc)]
            if entry.params:
                parts.append(_table(("argument", "meaning"), [(p.name, _prose(about(p))) for p in entry.params]))
            if entry.example:
                parts.append(f"Example:\n\n```cnn\n{example}\n```")
    return "\n\n".join(parts) + "\n"


def _lines(call: str) -> str:
    return textwrap.fill(call, 88, subsequent_indent="     ", break_long_words=False, break_on_hyphens=False)


def _settings(sections: list[Entry]) -> str:
    parts = [
        "# Settings",
        "Each is one line of its section, and can be given on the command line: `--set train.epochs=3`.",
    ]
    for section in sections:
        rows = [(param.name, _prose(about(param))) for param in section.params]
        parts += [f"## {section.name}", _prose(section.doc), f"```cnn\n{section.example}\n```"]
        parts.append(_table(("setting", "meaning"), rows))
    return "\n\n".join(parts) + "\n"


def _codes(found: Iterable[Page]) -> str:
    parts = ["# Codes", "What each error and warning means, and how to fix it. `specc explain E301` prints a page."]
    for kind, group in groupby(found, key=lambda page: page.code[:2]):
        rows = [f"| [{page.code}](../{_place(page)}) | {_prose(page.title)} |" for page in group]
        parts += [f"## {KINDS[kind]}", "\n".join(["| code | problem |", "|---|---|", *rows])]
    return "\n\n".join(parts) + "\n"


def _place(page: Page) -> str:
    """Where the page of a code stands: as in the repository, so that links from other pages find it."""
    (name, *_) = [*(file.name for file in FOLDER.glob(f"{page.code}-*.md")), f"{page.code}.md"]
    return f"specc/pages/{name}"


def _commands() -> str:
    parts = ["# Commands", "`specc COMMAND --help` prints what stands here."]
    for name in COMMANDS:
        command = load(name)
        context = typer.Context(command, info_name=f"specc {name}")
        usage = command.get_usage(context).removeprefix("Usage: ")
        parts += [f"## specc {name}", f"```sh\n{' '.join(usage.split())}\n```", _help(command.help or "")]
        records = [record for one in command.get_params(context) if (record := one.get_help_record(context))]
        parts.append(_table(("argument or option", "meaning"), [(left, _prose(right)) for left, right in records]))
    return "\n\n".join(parts) + "\n"


def _help(text: str) -> str:
    """The paragraphs of a help; one whose lines are kept becomes a block of code."""
    parts = []
    for paragraph in text.split("\n\n"):
        if paragraph.startswith("\b\n"):
            parts.append(f"```sh\n{textwrap.dedent(paragraph.removeprefix(chr(8))).strip()}\n```")
        else:
            parts.append(_prose(paragraph))
    return "\n\n".join(parts)


def _python() -> str:
    parts = [
        "# Python",
        "All that `import specc` offers. [specc from Python](../docs/python.md) shows it in use.",
    ]
    for name in specc.__all__:
        value = getattr(specc, name)
        if not inspect.isclass(value):
            parts += [f"## specc.{name}", *_call(name, value)]
            continue
        parts += [f"## specc.{name}", _docstring(value)]
        for member, what in vars(value).items():
            if member.startswith("_") or not (inspect.isroutine(what) or isinstance(what, property)):
                continue
            call = [_docstring(what)] if isinstance(what, property) else _call(member, what)
            parts += [f"### {name}.{member}", *call]
    return "\n\n".join(part for part in parts if part) + "\n"


def _call(name: str, function: Any) -> list[str]:
    text = f"{name}{inspect.signature(function)}"
    if len(text) > 100:
        text = re.sub(r"\((.*)\)( -> .*)?$", lambda m: f"(\n    {_split(m[1])},\n){m[2] or ''}", text)
    return [f"```python\n{text}\n```", _docstring(function)]


def _split(arguments: str) -> str:
    """Arguments, one a line; a comma in brackets parts none."""
    return re.sub(r", (?![^\[\]]*\])(?![^()]*\))", ",\n    ", arguments)


def _docstring(value: Any) -> str:
    return "\n\n".join(
        f"```python\n{textwrap.dedent(part)}\n```" if part.startswith("  ") else _prose(part)
        for part in (inspect.getdoc(value) or "").split("\n\n")
    )


def _prose(text: str) -> str:
    """Text that Markdown leaves as it is, outside of code."""
    halves = re.split(r"(`[^`]*`)", text)
    return "".join(half if half.startswith("`") else re.sub(r"([*_<\[\]])", r"\\\1", half) for half in halves)


def _table(headings: tuple[str, str], rows: Iterable[tuple[str, str]]) -> str:
    lines = [f"| <code>{_cell(escape(name))}</code> | {_cell(text)} |" for name, text in rows]
    return "\n".join([f"| {headings[0]} | {headings[1]} |", "|---|---|", *lines])


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "&#124;")
