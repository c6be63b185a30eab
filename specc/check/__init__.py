"""The pure core: a source in, a typed graph, settings and every problem out. No I/O, no printing."""

from collections.abc import Iterator, Sequence

from specc.check.bind import Binder
from specc.check.checked import Checked, Compiled, Trainable
from specc.check.evaluate import TooMuch, Work
from specc.check.fits import batch_fits, data_shape, hold_together
from specc.check.learning import initializers_fit, learning_fits
from specc.check.network import NetworkExpander
from specc.check.override import override, parse_set
from specc.check.problems import Problems
from specc.check.resolved import resolved_text
from specc.check.search import searched
from specc.check.settings import file_scope, settings
from specc.check.spec import Load, Spec, gather, lineage
from specc.check.unreached import check_unreached
from specc.diagnostics import nearest
from specc.ir.graph import Graph
from specc.ir.passes import find_receptive_fields, is_whole, keep_reachable, settle_biases
from specc.source import Source, Span
from specc.syntax import tree as t
from specc.syntax.depth import deep_recursion
from specc.tricks.sections import DataSettings, ExportSettings, TrainSettings
from specc.values import UNKNOWN

__all__ = ["Checked", "Compiled", "Trainable", "check"]

WORK_OF_AN_ALTERNATIVE = 300  # of a variant, or of a value of a search, besides that of its network


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
    everything: also check every variant and search, which a training of one of them does not need, and lint.
    """
    problems = Problems()
    try:
        with deep_recursion():
            return _check(source, variant, sets, load, everything, problems)
    except RecursionError:
        problems.report("E102", "nested too deeply to be worked out", Span(source, 0, 0), help="use `let` or `block`")
        return _nothing(source, variant, problems)
    except TooMuch:
        return _nothing(source, variant, problems)


def _nothing(source: Source, variant: str | None, problems: Problems) -> Checked:
    return Checked(source, "", variant, None, None, None, None, problems.listed(), source.text)


def _check(
    source: Source, variant: str | None, sets: Sequence[str], load: Load | None, everything: bool, problems: Problems
) -> Checked:
    base = gather(source, problems, load)
    if base is None:
        return _nothing(source, variant, problems)
    work = Work()
    steps = [] if variant is None else _steps_to(variant, base, Binder(problems, work), source)
    if steps is None:
        return _nothing(source, variant, problems)
    spec = base.copy()
    override(spec, steps, problems)
    given = [setting for text in sets if (setting := parse_set(text, problems)) is not None]
    override(spec, given, problems)
    parts = _elaborate(spec, problems, work, source, with_lints=everything)
    if everything:
        if not base.is_broken:
            check_unreached(base, Binder(problems, work))
        for changes, note in _alternatives(base, Binder(problems, work)):
            _check_alternative(base, changes, note, problems, work, source)
        from specc.check.lint import silence

        silence(problems, base.comments, source, is_complete=not problems.has_errors and work.lints >= 0)
    name = spec.network.name if spec.network else ""
    text = resolved_text(source, spec, bool(given) or variant is not None or base.is_extended)
    return Checked(source, name, variant, *parts, problems.listed(), text, tuple(base.variants))


def _steps_to(variant: str, base: Spec, binder: Binder, source: Source) -> list[t.Setting] | None:
    """The settings of a variant after those of the variants that it extends; None where it is not there."""
    if variant in base.variants:
        return lineage(base, variant, binder)
    known = f"variants: {', '.join(base.variants)}" if base.variants else "this file has none"
    help = nearest(variant, base.variants) or known
    binder.error("E213", f"there is no variant `{variant}`", Span(source, 0, 0), help=help)
    return None


Parts = tuple[Graph | None, DataSettings | None, TrainSettings | None, ExportSettings | None]


def _elaborate(
    spec: Spec, problems: Problems, work: Work, source: Source, *, with_lints: bool, is_variant: bool = False
) -> Parts:
    """Work out the settings, then the network, then hold them together; lint what has no errors."""
    binder = Binder(problems, work)
    try:
        scope = file_scope(spec, binder)
        has_data = "data" in spec.sections
        data = settings(spec, "data", DataSettings, binder, scope) if has_data else None
        train = settings(spec, "train", TrainSettings, binder, scope)
        export = settings(spec, "export", ExportSettings, binder, scope)
        if spec.network is None:
            _no_network(problems, source)
            return None, data, train, export
        known = UNKNOWN if has_data and data is None else data_shape(data)
        graph = NetworkExpander(spec, problems, work, scope).expand(spec.network, known)
        if graph is None or not is_whole(graph):
            return None, data, train, export
        dropped = keep_reachable(graph)
        settle_biases(graph)
        find_receptive_fields(graph)
        if data is not None:
            hold_together(graph, data, train, spec.network, binder)
        initializers_fit(graph, binder)
        if train is not None:
            learning_fits(graph, train, spec.sections.get("train", {}), data is not None, binder)
            if data is not None:
                batch_fits(graph, train, spec.sections.get("train", {}), binder)
        if with_lints and train is not None and not problems.has_errors:
            work.lints -= len(graph.nodes) + 10
            if work.lints >= 0:
                from specc.check.lint import Linted, find_lints  # many small files, which only `specc check` needs

                find_lints(Linted(source, spec, graph, data, train, dropped), problems, is_variant=is_variant)
        return graph, data, train, export
    except TooMuch:
        work.left = -1
        return None, None, None, None


def _no_network(problems: Problems, source: Source) -> None:
    if problems.is_broken:
        return  # it may be what cannot be read
    if source.text.strip() == "":
        problems.report("E105", "this file is empty", Span(source, 0, 0), help="`specc new` writes a first spec")
    else:
        help = "write one, such as network Net { conv(32) -> relu -> global_avg_pool -> dense(10) }"
        problems.report("E105", "this file has no network", Span(source, 0, 0), help=help)


def _alternatives(base: Spec, binder: Binder) -> Iterator[tuple[list[t.Setting], str]]:
    """What may run besides the file as it stands: each variant, and each value that a search names."""
    try:
        for name, variant in base.variants.items():
            steps = lineage(base, name, binder)
            if steps is not None:
                binder.spend(WORK_OF_AN_ALTERNATIVE + len(steps), variant.name_span)
                yield steps, f"in variant {name}"
        for setting, value in searched(base, binder):
            binder.spend(WORK_OF_AN_ALTERNATIVE, value.span)
            yield [setting._replace(value=value)], f"in the search of {'.'.join(setting.path)}"
    except TooMuch:
        return


def _check_alternative(
    base: Spec, changes: list[t.Setting], note: str, problems: Problems, work: Work, source: Source
) -> None:
    """Check a spec with changes as a whole; what only it gets wrong is reported with a note."""
    spec, own = base.copy(), Problems(problems.unread)
    override(spec, changes, own)
    _elaborate(spec, own, work, source, with_lints=not problems.has_errors, is_variant=True)
    problems.merge(own, note)
