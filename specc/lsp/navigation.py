"""From a name to where it is defined and used, in a spec, in those that it extends, and in those that extend it."""

import re
from collections.abc import Iterable, Sequence

from lsprotocol import types as lsp

from specc.check.context import Work
from specc.check.gather.files import Load, NoFiles
from specc.lsp.analysis import Analysis
from specc.lsp.documents import uri_of
from specc.lsp.edits import Hunk, applied, workspace_edit
from specc.lsp.essence import essence
from specc.lsp.names import Names, Occurrence, Symbol
from specc.lsp.positions import Positions
from specc.lsp.resolve import resolve
from specc.lsp.workspace import Whole
from specc.reading import check_spec
from specc.source import Source, Span
from specc.syntax import tree as t
from specc.syntax.parse import parse
from specc.vocabulary.registry import KEYWORDS
from specc.zoo import FOLDER, PREFIX, models

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Refused(Exception):
    """A name cannot be changed; the message says why."""


def definition(analysis: Analysis, position: lsp.Position) -> list[lsp.Location]:
    """Where the name at a position is defined; at `extends`, the file."""
    offset = analysis.positions.offset(position)
    for item in analysis.tree.items:
        if isinstance(item, t.Extends) and item.span.start <= offset <= item.span.end:
            target = extended(item, analysis)
            return [lsp.Location(target, lsp.Range(lsp.Position(0, 0), lsp.Position(0, 0)))] if target else []
    one = analysis.names.at(analysis.source.path, offset)
    if one is None or one.symbol is None:
        return []
    return locations(analysis.names.definitions(one.symbol), analysis.encoding)


def extended(item: t.Extends, analysis: Analysis) -> str | None:
    """The address of what `extends` names; for a model of the zoo, that of its family."""
    if item.path.startswith(PREFIX):
        family = models().get(item.path.removeprefix(PREFIX))
        return (FOLDER / f"{family.name}.cnn").as_uri() if family else uri_of(item.path)
    position = analysis.files.index(analysis.tree) + 1
    return uri_of(analysis.files[position].source.path) if position < len(analysis.files) else None


def highlights(analysis: Analysis, position: lsp.Position) -> list[lsp.DocumentHighlight]:
    """The other places of the name at a position, in the same text."""
    one = analysis.names.at(analysis.source.path, analysis.positions.offset(position))
    if one is None or one.symbol is None:
        return []
    kinds = {True: lsp.DocumentHighlightKind.Write, False: lsp.DocumentHighlightKind.Read}
    return [
        lsp.DocumentHighlight(analysis.positions.range(other.span), kinds[other.is_definition])
        for other in analysis.names.by_symbol[one.symbol]
        if other.span.source is analysis.source
    ]


def renamed_here(analysis: Analysis, position: lsp.Position) -> Occurrence | None:
    """The name at a position, if it can be changed: one of the spec, not of the language and not of the zoo."""
    one = analysis.names.at(analysis.source.path, analysis.positions.offset(position))
    if one is None or one.symbol is None:
        return None
    definitions = analysis.names.definitions(one.symbol)
    is_own = definitions and not any(place.span.source.path.startswith(PREFIX) for place in definitions)
    return one if is_own else None


def related(symbol: Symbol, names: Names, specs: Iterable[Whole]) -> list[Whole]:
    """The specs that share the files in which a name is defined."""
    homes = {one.span.source.path for one in names.definitions(symbol)}
    return [spec for spec in specs if homes & {file.source.path for file in spec.files}]


def references(
    analysis: Analysis, position: lsp.Position, specs: Iterable[Whole], *, with_definition: bool
) -> list[lsp.Location]:
    """Where the name at a position is used, in all specs of the workspace that share its definition."""
    one = analysis.names.at(analysis.source.path, analysis.positions.offset(position))
    if one is None or one.symbol is None:
        return []
    found = everywhere(one.symbol, analysis, related(one.symbol, analysis.names, specs))
    return locations([other for other in found if with_definition or not other.is_definition], analysis.encoding)


def everywhere(symbol: Symbol, analysis: Analysis, specs: Sequence[Whole]) -> list[Occurrence]:
    """The places of a name, each once."""
    all_names = [analysis.names, *(spec.names for spec in specs)]
    places: dict[tuple[str, int], Occurrence] = {}
    for names in all_names:
        for one in names.by_symbol.get(symbol, ()):
            places.setdefault((one.span.source.path, one.span.start), one)
    return [places[place] for place in sorted(places)]


def rename(
    analysis: Analysis,
    position: lsp.Position,
    new: str,
    specs: Iterable[Whole],
    versions: dict[str, int],
    load: Load,
) -> lsp.WorkspaceEdit:
    """Change a name everywhere. Raises Refused where it cannot be, or where it would come to mean something else."""
    one = renamed_here(analysis, position)
    if one is None or one.symbol is None:
        raise Refused("this name is not one that the spec defines")
    if not NAME.fullmatch(new) or new in KEYWORDS:
        raise Refused(f"`{new}` is not a name: letters, digits and underscores, not a digit first, and no keyword")
    sharing = related(one.symbol, analysis.names, specs)
    places = everywhere(one.symbol, analysis, sharing)
    sources = {place.span.source.path: place.span.source for place in places}
    changes = {
        path: [Hunk(place.span.start, place.span.end, new) for place in places if place.span.source.path == path]
        for path in sources
    }
    for files in (analysis.files, *(spec.files for spec in sharing)):
        _refuse_changed_meaning(files, changes, new)
    _refuse_changed_network(analysis, {path: _changed(sources[path], changes) for path in sources}, new, load)
    edits: dict[str, list[lsp.TextEdit]] = {}
    for path, hunks in changes.items():
        uri, positions = uri_of(path), Positions(sources[path], analysis.encoding)
        if uri is None or path.startswith(PREFIX):
            raise Refused("this name is used in the zoo, which comes with specc")
        edits[uri] = [lsp.TextEdit(positions.range((hunk.start, hunk.end)), hunk.text) for hunk in hunks]
    return workspace_edit(edits, versions)


def _refuse_changed_meaning(files: Sequence[t.File], changes: dict[str, list[Hunk]], new: str) -> None:
    """Resolve the names again after the change: each must stand for the same as before."""
    after = [parse(_changed(file.source, changes)).tree or file for file in files]
    if _meaning(resolve(files)) != _meaning(resolve(after)):
        raise Refused(f"`{new}` is taken: some names would come to mean something else")


def _changed(source: Source, changes: dict[str, list[Hunk]]) -> Source:
    return Source(source.path, applied(source.text, changes.get(source.path, [])))


def _refuse_changed_network(analysis: Analysis, sources: dict[str, Source], new: str, load: Load) -> None:
    """Check the text again after the change: it has to come to the same network, of which the same learns."""

    def load_changed(path: str, source: Source) -> Source | str | NoFiles:
        base = load(path, source)
        return sources.get(base.path, base) if isinstance(base, Source) else base

    source = sources.get(analysis.source.path, analysis.source)
    checked = check_spec(source, load=load_changed, everything=True, work=Work())
    if essence(analysis.checked) != essence(checked):
        raise Refused(f"`{new}` is taken: with it, the network or what it learns would be another one")


def _meaning(names: Names) -> list[tuple[str, str, int, bool]]:
    """What each name stands for, by numbers in the order in which things first occur."""
    numbers: dict[Symbol, int] = {}
    return [
        (path, one.kind, numbers.setdefault(one.symbol, len(numbers)) if one.symbol else -1, one.is_definition)
        for path in sorted(names.by_path)
        for one in names.by_path[path]
    ]


def locations(places: Iterable[Occurrence], encoding: str) -> list[lsp.Location]:
    """Places as addresses; those in a model of the zoo, which has no file, are left out."""
    pairs = [(uri_of(one.span.source.path), one.span) for one in places]
    return [lsp.Location(uri, _range(span, encoding)) for uri, span in pairs if uri]


def _range(span: Span, encoding: str) -> lsp.Range:
    return Positions(span.source, encoding).range(span)
