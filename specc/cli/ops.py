"""`specc ops`: the vocabulary of layers, tricks and settings."""

import textwrap
from typing import Annotated, Any

import typer

from specc.cli.common import print_json
from specc.diagnostics import nearest
from specc.errors import SpeccError
from specc.fit import fitted, limit
from specc.report.words import Entry, about, default_text, signature, words, worked
from specc.vocabulary.param import REQUIRED


def ops(
    name: Annotated[
        str, typer.Argument(help="A layer, a trick, a section or a group of these.", show_default=False)
    ] = "",
    json: Annotated[bool, typer.Option("--json", help="Print machine-readable JSON.")] = False,
) -> None:
    """Show the available layers, tricks and settings, with their parameters, defaults and an example of each.

    Examples:

      specc ops
      specc ops conv
      specc ops optimizer
    """
    groups = words()
    named = {group: [entry] for group, entries in groups.items() for entry in entries if entry.name == name}
    found = named or {group: entries for group, entries in groups.items() if name in ("", group)}
    if not found:
        known = [*groups, *(entry.name for entries in groups.values() for entry in entries)]
        raise SpeccError(
            "E477", f"nothing is called `{name}`", help=nearest(name, known) or "run `specc ops` to list everything"
        )
    if json:
        print_json({"ops": [_as_json(group, entry) for group, entries in found.items() for entry in entries]})
    else:
        one = _detail if named else _list
        print("\n\n".join(one(group, entries) for group, entries in found.items()))


def _list(group: str, entries: list[Entry]) -> str:
    wide = max(len(entry.name) for entry in entries)
    return "\n".join([group, *(_two_columns(entry.name, entry.doc, wide) for entry in entries)])


def _detail(group: str, entries: list[Entry]) -> str:
    entry = entries[0]  # names are unique within a group
    parts = [fitted(f"{signature(entry)}    [{group}]", more="    "), _fill(entry.doc, "")]
    if entry.params:
        wide = max(len(param.name) for param in entry.params)
        parts.append("\n".join(_two_columns(param.name, about(param), wide) for param in entry.params))
    if entry.example:
        parts.append(textwrap.indent("\n".join([entry.example, *worked(entry)]), "  "))
    return "\n\n".join(parts)


def _as_json(group: str, entry: Entry) -> dict[str, Any]:
    return {
        "name": entry.name,
        "group": group,
        "doc": entry.doc,
        "parameters": [
            {
                "name": param.name,
                "needs": param.kind.needs,
                "symbols": list(param.kind.symbols),
                "required": param.default is REQUIRED,
                "default": None if param.default is REQUIRED else default_text(param),
                "doc": param.doc,
            }
            for param in entry.params
        ],
        "body": entry.body,
        "example": entry.example,
    }


def _two_columns(left: str, right: str, wide: int) -> str:
    return _fill(right, f"  {left:<{wide}}  ", " " * (wide + 4))


def _fill(text: str, first: str, rest: str = "") -> str:
    width = limit() or 100
    if len(first) > width // 2:  # the name on a line of its own
        body = textwrap.fill(text, width, initial_indent="    ", subsequent_indent="    ", break_on_hyphens=False)
        return f"{first.rstrip()}\n{body}"
    return textwrap.fill(text, width, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False)
