"""The pure core: a source in, a typed graph, settings and every problem out. No I/O, no printing."""

import sys
from collections.abc import Sequence
from typing import Any, NamedTuple

from specc.check.bind import Binder
from specc.check.expand import Expander, TooMuch
from specc.check.fits import data_shape, hold_together
from specc.check.override import override, parse_set
from specc.check.problems import Problems
from specc.check.resolved import resolved_text
from specc.check.scope import Scope
from specc.check.settings import settings
from specc.check.spec import Load, Spec, gather, lineage
from specc.diagnostics import Diagnostic, nearest
from specc.ir.graph import Graph
from specc.ir.passes import find_receptive_fields, is_whole, keep_reachable, settle_biases
from specc.kinds import One
from specc.source import Source, Span
from specc.values import UNKNOWN, Args

# Python's own limit is too near for deep, but legal, nests of blocks; frames of Python code cost no C stack.
RECURSION_LIMIT = 20_000
SEARCHED = One("search", "choice(…), uniform(low, high) or log_uniform(low, high)")


class Checked(NamedTuple):
    """What a spec is worth.

    graph: None where the network has errors or there is none. data: None where the file has no section `data`.
    resolved: the spec with variant and `--set` applied, as text that checks and trains by itself.
    """

    source: Source
    name: str
    variant: str | None
    graph: Graph | None
    data: Args | None
    train: Args | None
    export: Args | None
    diagnostics: list[Diagnostic]
    resolved: str
    variants: tuple[str, ...] = ()

    @property
    def errors(self) -> list[Diagnostic]:
        return [diagnostic for diagnostic in self.diagnostics if diagnostic.severity == "error"]


def check(
    source: Source,
    *,
    variant: str | None = None,
    sets: Sequence[str] = (),
    load: Load | None = None,
    everything: bool = False,
) -> Checked:
    """Check a spec and work out its graph and settings. Never raises on what a user wrote.

    variant, sets: what to change first (`sets` as `PATH=VALUE`). load: reads what `extends` names.
    everything: also check every variant and search, which a training of one of them does not need.
    """
    problems = Problems()
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, RECURSION_LIMIT))
    try:
        return _check(source, variant, sets, load, everything, problems)
    except RecursionError:
        problems.report("E102", "nested too deeply to be worked out", Span(source, 0, 0), help="use `let` or `block`")
        return _nothing(source, variant, problems)
    finally:
        sys.setrecursionlimit(limit)


def _nothing(source: Source, variant: str | None, problems: Problems) -> Checked:
    return Checked(source, "", variant, None, None, None, None, problems.listed(), source.text)


def _check(
    source: Source, variant: str | None, sets: Sequence[str], load: Load | None, everything: bool, problems: Problems
) -> Checked:
    base = gather(source, problems, load)
    if base is None:
        return _nothing(source, variant, problems)
    spec = base.copy()
    if variant is not None:
        chain = lineage(base, variant, problems, None)
        if chain is None:
            known = ", ".join(base.variants) or "this file has none"
            help = nearest(variant, base.variants) or f"variants: {known}"
            problems.report("E213", f"there is no variant `{variant}`", Span(source, 0, 0), help=help)
            return _nothing(source, variant, problems)
        for step in chain:
            override(spec, step.settings, problems)
    given = [setting for text in sets if (setting := parse_set(text, problems)) is not None]
    override(spec, given, problems)
    graph, data, train, export = _elaborate(spec, problems, source)
    if everything:
        _check_variants(base, problems, source)
        _check_search(base, problems, source)
    name = spec.network.name if spec.network else ""
    text = resolved_text(source, spec, bool(given) or variant is not None or base.is_extended)
    found = problems.listed()
    return Checked(source, name, variant, graph, data, train, export, found, text, tuple(base.variants))


def _elaborate(spec: Spec, problems: Problems, source: Source) -> tuple[Graph | None, Args | None, Any, Any]:
    """Work out the settings, then the network, then hold them together."""
    scope = Scope()
    binder = Binder(problems)
    for let in spec.lets.values():
        scope.names[let.name] = binder.evaluate(let.value, scope, None)
    has_data = "data" in spec.sections
    data = settings(spec, "data", binder, scope) if has_data else None
    train, export = settings(spec, "train", binder, scope), settings(spec, "export", binder, scope)
    if spec.network is None:
        if source.text.strip() == "":
            problems.report("E105", "this file is empty", Span(source, 0, 0), help="`specc new` writes a first spec")
        else:
            help = "network Net { conv(32) -> relu -> global_avg_pool -> dense(10) }"
            problems.report("E105", "this file has no network", Span(source, 0, 0), help=help)
        return None, data, train, export
    expander = Expander(spec, problems, scope)
    try:
        graph = expander.network(spec.network, UNKNOWN if has_data and data is None else data_shape(data))
    except TooMuch:
        graph = None
    if graph is None or not is_whole(graph):
        return None, data, train, export
    keep_reachable(graph)
    settle_biases(graph)
    find_receptive_fields(graph)
    if data is not None:
        hold_together(graph, data, spec.network, binder)
    return graph, data, train, export


def _check_variants(base: Spec, problems: Problems, source: Source) -> None:
    """Check each variant as a whole; what only it gets wrong is reported with its name."""
    for name, variant in base.variants.items():
        chain = lineage(base, name, problems, variant.name_span)
        if chain is None:
            continue
        spec, own = base.copy(), Problems()
        for step in chain:
            override(spec, step.settings, own)
        _elaborate(spec, own, source)
        problems.merge(own, f"in variant {name}")


def _check_search(base: Spec, problems: Problems, source: Source) -> None:
    """Check each value that a search names: all of a choice, both ends of a range."""
    binder = Binder(problems)
    for setting in base.search:
        path = ".".join(setting.path)
        value = binder.evaluate(setting.value, Scope(), None)
        if binder.fit(value, SEARCHED, f"the search of `{path}`", setting.value.span) is UNKNOWN:
            continue
        for argument in setting.value.arguments:
            spec, own = base.copy(), Problems()
            override(spec, [setting._replace(value=argument.value)], own)
            _elaborate(spec, own, source)
            problems.merge(own, f"in the search of {path}")
