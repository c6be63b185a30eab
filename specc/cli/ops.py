"""`specc ops`: the vocabulary of layers, tricks and settings."""

import textwrap
from typing import Annotated, Any

import typer

from specc.cli.common import print_json
from specc.diagnostics import nearest
from specc.errors import SpeccError
from specc.fit import fitted, limit
from specc.ops import OPS
from specc.ops.op import Op
from specc.tricks import COMPONENTS
from specc.tricks.sections import SECTIONS
from specc.values import show
from specc.vocabulary.component import Component
from specc.vocabulary.param import REQUIRED, Param
from specc.vocabulary.shape import size_text

Entry = Op | Component


class Section(Component):
    """A section of a spec, with its settings as parameters."""

    family = "section"


_SECTION_DOCS = {
    "data": ("The data set, and how its images are preprocessed.", "data { source = digits; normalize = standard }"),
    "train": ("How the network is trained.", "train { epochs = 20; optimizer = adam(lr=1e-3) }"),
    "export": ("How the ONNX file is exported.", "export { output = logits }"),
}


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
    groups = groups_of_words()
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


def groups_of_words() -> dict[str, list[Entry]]:
    """Everything there is: layers by group, tricks by the setting that takes them, sections."""
    groups: dict[str, list[Entry]] = {}
    for op in OPS.values():
        groups.setdefault(op.group, []).append(op)
    for family, tricks in COMPONENTS.items():
        groups.setdefault(family, []).extend(tricks.values())
    groups["section"] = [
        Section(section, _SECTION_DOCS[section][0], params, example=_SECTION_DOCS[section][1])
        for section, params in SECTIONS.items()
    ]
    return groups


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


def signature(entry: Entry) -> str:
    if entry.family == "section":
        return f"{entry.name} {{ … }}"
    params = [p.name if p.default is REQUIRED else f"{p.name}={_default(p)}" for p in entry.params]
    body = {"one": " { … }", "branches": " { | … | … }"}.get(entry.body, "")
    return f"{entry.name}({', '.join(params)}){body}" if params else entry.name + body


def about(param: Param) -> str:
    """`the number of output channels (an integer of at least 1; required)`."""
    default = "required" if param.default is REQUIRED else f"default {_default(param)}"
    return f"{param.doc} ({param.kind.needs}; {default})".lstrip()


def _default(param: Param) -> str:
    return "none" if param.default == () else show(param.default)


def worked(entry: Entry) -> list[str]:
    """What the example of a layer does to a map: shapes, learned numbers and work."""
    if not isinstance(entry, Op):
        return []
    from specc.check import check
    from specc.source import Source

    graph = check(Source("example", f"network Example {{\n  input(8, 16x16)\n  {entry.example}\n}}\n")).graph
    if graph is None:
        return []
    shapes = f"{size_text(graph.input)} -> {size_text(graph.shape)}"
    words = f"# {shapes}, {graph.parameters:,} parameters, {graph.total_macs:,} multiply-accumulates"
    return [fitted(words, max(limit() - 2, 0), "# ")]


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
                "default": None if param.default is REQUIRED else _default(param),
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
