"""A spec put together: what all of its files say, by name, before anything is worked out."""

import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from specc.check.evaluate import Evaluator
from specc.check.problems import Problems
from specc.check.scope import shorten
from specc.diagnostics import Label, nearest
from specc.ops import OPS
from specc.source import Source, Span
from specc.syntax import tree as t
from specc.syntax.parse import parse

# Reads the file that `extends "path"` names, relative to the source that says so; a text where that fails.
Load = Callable[[str, Source], Source | str]
MOST_FILES = 50


class Spec:
    """The items of a file and of the files that it extends; a later one of the same name replaces an earlier one."""

    def __init__(self) -> None:
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
        self.is_broken = False  # syntax errors: what is missing may only be unreadable

    def names_of(self, callee: str) -> list[str]:
        """The names of the parameters of a block or a layer."""
        block = self.blocks.get(callee)
        parameters: Sequence[Any] = block.parameters if block else OPS[callee].params
        return [parameter.name for parameter in parameters]

    def copy(self) -> "Spec":
        """A copy whose settings and network may be replaced without touching this one's."""
        twin = Spec()
        twin.lets, twin.defaults, twin.blocks = dict(self.lets), list(self.defaults), dict(self.blocks)
        twin.is_extended, twin.is_broken = self.is_extended, self.is_broken
        twin.network, twin.variants, twin.search = self.network, dict(self.variants), list(self.search)
        twin.section_spans, twin.comments = dict(self.section_spans), self.comments
        twin.sections = {name: dict(settings) for name, settings in self.sections.items()}
        return twin


def gather(source: Source, problems: Problems, load: Load | None) -> Spec | None:
    """The spec of a source and of what it extends; None where a file cannot be read or parsed."""
    files = _with_bases(source, problems, load)
    if files is None:
        return None
    spec = Spec()
    problems.unread = frozenset(word for problem in problems.found.values() for word in _words(problem.span))
    spec.is_broken = problems.is_broken
    spec.is_extended = len(files) > 1
    for file in reversed(files):
        _add(spec, file, problems)
    return spec


def _words(span: Span) -> list[str]:
    """The words of the lines that a span touches."""
    first, last = (span.source.position(place)[0] for place in (span.start, span.end))
    return ["", *(word for line in range(first, last + 1) for word in re.findall(r"\w+", span.source.line(line)))]


def _with_bases(source: Source, problems: Problems, load: Load | None) -> list[t.File] | None:
    """The file itself, then the file that it extends, and so on."""
    files: list[t.File] = []
    current: Source | None = source
    while current is not None:
        parsed = parse(current)
        for diagnostic in parsed.diagnostics:
            problems.add(diagnostic)
        if parsed.tree is None:
            return None
        files.append(parsed.tree)
        current, fine = _base(parsed.tree, [file.source.path for file in files], problems, load)
        if not fine:
            return None
    return files


def _base(file: t.File, seen: list[str], problems: Problems, load: Load | None) -> tuple[Source | None, bool]:
    """The source that a file extends, and whether that went well."""
    extends = [item for item in file.items if isinstance(item, t.Extends)]
    if not extends:
        return None, True
    for extra in extends[1:]:
        first = Label(extends[0].span, "first here")
        help = "let the first one extend the other"
        problems.report("E209", "a file extends at most one other", extra.span, labels=(first,), help=help)
    found = load(extends[0].path, file.source) if load else "files cannot be read here"
    if len(seen) >= MOST_FILES:
        problems.report("E214", f"more than {MOST_FILES} files extend each other", extends[0].span)
        return None, False
    if isinstance(found, str):
        help = "a path counts from the folder of the file that says `extends`"
        problems.report("E218", f'"{extends[0].path}" cannot be read: {found}', extends[0].span, help=help)
        return None, False
    if found.path in seen:
        problems.report("E221", f'"{extends[0].path}" extends this file in turn', extends[0].span)
        return None, False
    return found, True


def _add(spec: Spec, file: t.File, problems: Problems) -> None:
    """Add one file's items. The same name twice in one file is an error; in a base file it is replaced."""
    seen: dict[tuple[str, str], Span] = {}
    spec.comments += file.comments

    def once(what: str, name: str, span: Span) -> None:
        if (what, name) in seen:
            first = Label(seen[what, name], "first here")
            message = f"{what} `{name}` stands here a second time" if name else f"this is a second {what}"
            help = "rename one of them, or take it out" if name else f"a file holds one {what}: make one a block"
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
            first = Label(names[parameter.name], "first here")
            found = f"`{block.name}` has two parameters called `{parameter.name}`"
            problems.report("E209", found, parameter.span, labels=(first,), help="rename one of them, or take it out")
        names.setdefault(parameter.name, parameter.span)


def lineage(spec: Spec, name: str, evaluator: Evaluator) -> list[t.Setting] | None:
    """The settings of a variant after those of all that it extends; None where one is unknown or they form a circle."""
    chain: dict[str, t.Variant] = {}
    while name:
        variant = spec.variants.get(name)
        if variant is None:
            last = next(reversed(chain.values()))
            assert last.base_span is not None
            missing = f"there is no variant `{name}`"
            evaluator.error("E213", missing, last.base_span, help=partial(nearest, name, spec.variants))
            return None
        evaluator.spend(1, variant.name_span)
        if name in chain:
            circle = list(chain)[list(chain).index(name) :]
            first = min(circle, key=lambda member: spec.variants[member].span.start)
            place = circle.index(first)
            found = f"variant `{first}` extends itself: {' -> '.join([*circle[place:], *circle[:place], first])}"
            evaluator.error("E221", shorten(found, 200), spec.variants[first].name_span)
            return None
        chain[name] = variant
        name = variant.base
    return [setting for variant in reversed(chain.values()) for setting in variant.settings]
