"""A spec assembled from all of its files, by name, before anything is evaluated."""

from collections.abc import Sequence
from typing import Any

from specc.check.gather.files import Files
from specc.check.problems import Problems
from specc.diagnostics import Label
from specc.ops import OPS
from specc.source import Source, Span
from specc.syntax import tree as t


class Spec:
    """The items of a file and of the files that it extends; a later one of the same name replaces an earlier one."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.lets: dict[str, t.Let] = {}
        self.defaults: list[t.Default] = []
        self.blocks: dict[str, t.Block] = {}
        self.network: t.Block | None = None
        self.sections: dict[str, dict[str, t.Setting]] = {}
        self.section_spans: dict[str, Span] = {}
        self.variants: dict[str, t.Variant] = {}
        self.search: list[t.Setting] = []
        self.comments: list[Span] = []
        self.is_extended = False
        self.unread: frozenset[str] = frozenset()  # the words of the lines that could not be read

    @property
    def is_broken(self) -> bool:
        """Whether parts of the text could not be parsed: what is missing may be there."""
        return bool(self.unread)

    def names_of(self, callee: str) -> list[str]:
        """The names of the parameters of a block or a layer."""
        block = self.blocks.get(callee)
        parameters: Sequence[Any] = block.parameters if block else OPS[callee].params
        return [parameter.name for parameter in parameters]

    def copy(self) -> "Spec":
        """A copy whose settings and network may be replaced without touching this one's."""
        twin = Spec(self.source)
        twin.lets, twin.defaults, twin.blocks = dict(self.lets), list(self.defaults), dict(self.blocks)
        twin.is_extended, twin.unread = self.is_extended, self.unread
        twin.network, twin.variants, twin.search = self.network, dict(self.variants), list(self.search)
        twin.section_spans, twin.comments = dict(self.section_spans), self.comments
        twin.sections = {name: dict(settings) for name, settings in self.sections.items()}
        return twin


def gather(files: Files, problems: Problems) -> Spec:
    """The spec that a file and what it extends add up to."""
    spec = Spec(files.trees[0].source)
    spec.unread = files.unread
    spec.is_extended = len(files.trees) > 1
    for tree in reversed(files.trees):
        _add(spec, tree, problems)
    return spec


def _add(spec: Spec, file: t.File, problems: Problems) -> None:
    """Add one file's items. The same name twice in one file is an error; in a base file it is replaced."""
    seen: dict[tuple[str, str], Span] = {}
    spec.comments += file.comments

    def once(what: str, name: str, span: Span) -> None:
        if (what, name) in seen:
            first = Label(seen[what, name], "first defined here")
            message = f"{what} `{name}` is defined twice" if name else f"this file has a second {what}"
            help = (
                "rename or remove one of them" if name else f"a file has only one {what}: turn the other into a block"
            )
            problems.report("E209", message, span, labels=(first,), help=help)
        seen[what, name] = span

    for item in file.items:
        match item:
            case t.Let(name=name):
                once("let", name, item.name_span)
                spec.lets[name] = item
            case t.Default():
                spec.defaults.append(item)
            case t.Block():
                # A file holds one network, whatever it is called.
                once("network" if item.is_network else "block", "" if item.is_network else item.name, item.name_span)
                _add_block(spec, item, problems)
            case t.Variant(name=name):
                once("variant", name, item.name_span)
                spec.variants[name] = item
            case t.Section(name="search", settings=settings):
                spec.search += settings
            case t.Section(name=name, settings=settings):
                section = spec.sections.setdefault(name, {})
                spec.section_spans[name] = item.name_span
                for setting in settings:
                    once("setting", f"{name}.{'.'.join(setting.path)}", setting.path_span)
                    section[".".join(setting.path)] = setting


def _add_block(spec: Spec, block: t.Block, problems: Problems) -> None:
    if block.is_network:
        spec.network = block
    else:
        spec.blocks[block.name] = block
    names: dict[str, Span] = {}
    for parameter in block.parameters:
        if parameter.name in names:
            first = Label(names[parameter.name], "first defined here")
            message = f"`{block.name}` has two parameters called `{parameter.name}`"
            problems.report("E209", message, parameter.span, labels=(first,), help="rename or remove one of them")
        names.setdefault(parameter.name, parameter.span)
