"""The pure core: from a source to a typed graph, settings and every problem. No I/O, no printing.

`check` takes a spec from text to graph, pass by pass:

    parse      text -> trees                the file, and the files that it extends      gather/files.py
    gather     trees -> Spec                their items, by name                         gather/
    override   Spec, settings -> Spec       a variant and `--set` applied                gather/override.py
    settings   Spec -> settings             the sections `data`, `train` and `export`    settings.py
    expand     Spec, shape -> Graph         blocks and loops expanded, shapes inferred   expand/
    verify     Graph, settings              what does not fit together                   verify/
    lint       Graph, settings              what works, and is known to be a mistake     lint/

A pass takes values and returns a value. It reports problems to one object (`Context`), which it never queries, and
continues with UNKNOWN, which fits everywhere. Expressions (expressions/) and arguments (calls/) are evaluated along
the way.
"""

from collections.abc import Sequence
from typing import NamedTuple

from specc.check.calls.binder import Binder
from specc.check.checked import Checked, Compiled, Trainable
from specc.check.context import Context, LabelsOf, ShapeOf, TooMuch, Work
from specc.check.expand import expand
from specc.check.expand.names import Overwritten
from specc.check.expressions.evaluate import Evaluator
from specc.check.gather.assemble import gather
from specc.check.gather.files import Load, parse_files
from specc.check.gather.override import override, parse_set
from specc.check.gather.spec import Spec
from specc.check.gather.variants import settings_of
from specc.check.problems import Problems
from specc.check.resolved import resolved_text
from specc.check.set_elsewhere import point_at_settings
from specc.check.settings import file_scope, settings
from specc.check.trace import Trace
from specc.check.verify import verify
from specc.check.verify.fits import data_shape, help_to_say_the_shape, task_fits
from specc.check.verify.images import images_fit
from specc.check.verify.schedules import schedules_fit
from specc.check.verify.together import together_fit
from specc.check.verify.unreached import check_unreached
from specc.ir.graph import Graph, Node
from specc.ir.init import settle_inits
from specc.ir.passes import is_whole, keep_reachable, settle_biases
from specc.ir.receptive_field import find_receptive_fields
from specc.source import Source, Span
from specc.syntax.depth import deep_recursion
from specc.tricks.sections import DataSettings, ExportSettings, TrainSettings
from specc.values import UNKNOWN
from specc.vocabulary.shape import Shape

__all__ = ["Checked", "Compiled", "Trainable", "check"]


def check(
    source: Source,
    *,
    variant: str | None = None,
    sets: Sequence[str] = (),
    load: Load | None = None,
    shape_of: ShapeOf | None = None,
    labels_of: LabelsOf | None = None,
    everything: bool = False,
    lint: bool = False,
    trace: Trace | None = None,
    work: Work | None = None,
) -> Checked:
    """Check a spec and compute its graph and settings. Never raises, whatever the user wrote.

    variant, sets: what to change first (`sets` as `PATH=VALUE`). load: reads what `extends` names.
    shape_of: looks up the shape of a source's images where the text does not tell it; None: no file is looked into.
    labels_of: likewise, what is to be learned of them.
    everything: also check every variant and search, which a training of one of them does not need, and lint.
    lint: lint the spec as it is trained, too.
    trace: filled with how the spec itself was expanded. work: what may be used up; another thread may cancel it.
    """
    problems = Problems()
    checked = None
    context = Context(problems, work, shape_of, labels_of, trace)
    try:
        with deep_recursion():
            checked = _check(source, variant, sets, load, context, everything=everything, lint=lint)
    except RecursionError:
        problems.report(
            "E102", "this is nested too deeply", Span(source, 0, 0), help="move an inner part into a `let` or a `block`"
        )
    except TooMuch:
        pass  # and it has been reported
    nothing = Checked(source, "", variant, None, None, None, None, [], source.text)
    return (checked or nothing)._replace(diagnostics=problems.listed())


def _check(
    source: Source,
    variant: str | None,
    sets: Sequence[str],
    load: Load | None,
    context: Context,
    *,
    everything: bool,
    lint: bool,
) -> Checked | None:
    """The passes in a row; None where the text cannot be read, or there is no such variant."""
    problems = context.problems
    files = parse_files(source, load, problems, context.trace, context.work.go_on)
    if files is None:
        return None
    base = gather(files, problems)
    if context.trace is not None:
        context.trace.spec = base
    problems.unread = base.unread
    steps = [] if variant is None else settings_of(variant, base, context)
    if steps is None:
        return None
    given = [setting for text in sets if (setting := parse_set(text, problems)) is not None]
    spec = override(override(base, steps, problems), given, problems)
    parts = elaborate(spec, context)
    point_at_settings(spec, problems)
    if everything or lint:
        _lint(spec, parts, problems, context.work, is_variant=False)
        if everything:
            _check_the_rest(base, context)
        from specc.check.lint import silence

        is_complete = everything and not problems.has_errors and context.work.lints >= 0
        silence(problems, base.comments, base.source, is_complete=is_complete)
    name = spec.network.name if spec.network else ""
    is_changed = bool(given) or variant is not None or base.is_extended
    text = resolved_text(source, spec, is_changed, _looked_up(spec, parts))
    settings, variants = (parts.data, parts.train, parts.export), tuple(base.variants)
    written = frozenset(f"{section}.{name}" for section, names in spec.sections.items() for name in names)
    return Checked(source, name, variant, parts.graph, *settings, [], text, variants, written)


class Elaborated(NamedTuple):
    """The graph and settings of a spec; None where it has errors.

    dropped: nodes that lead nowhere, which are left out. overwritten: names that were given twice.
    """

    graph: Graph | None = None
    data: DataSettings | None = None
    train: TrainSettings | None = None
    export: ExportSettings | None = None
    dropped: tuple[Node, ...] = ()
    overwritten: tuple[Overwritten, ...] = ()


def elaborate(spec: Spec, context: Context) -> Elaborated:
    """Compute the settings, then the network, then check that they fit together."""
    try:
        binder = Binder(Evaluator(context))
        scope = file_scope(spec, binder)
        has_data = "data" in spec.sections
        data = settings(spec, "data", DataSettings, binder, scope) if has_data else None
        if data is not None:
            images_fit(data, spec.sections["data"], context)
        train = settings(spec, "train", TrainSettings, binder, scope)
        export = settings(spec, "export", ExportSettings, binder, scope)
        if train is not None:
            schedules_fit(train, context)
            together_fit(train, spec.sections.get("train", {}), context)
        expanded = expand(spec, scope, UNKNOWN if has_data and data is None else _images(data, context), context)
        if expanded is None or not is_whole(expanded.graph):
            if data is not None:
                task_fits(spec, None, data, train, export, context)
            return Elaborated(None, data, train, export)
        graph = expanded.graph
        dropped = keep_reachable(graph)
        for settle in (settle_biases, settle_inits, find_receptive_fields):
            context.work.go_on()
            settle(graph)
        context.work.go_on()
        verify(spec, graph, data, train, export, context)
        return Elaborated(graph, data, train, export, tuple(dropped), tuple(expanded.overwritten))
    except TooMuch:
        context.work.left, context.trail = -1, ()
        return Elaborated()


def _images(data: DataSettings | None, context: Context) -> Shape | str:
    """The shape of the images; or, where the data do not tell it, how to say it."""
    shape = data_shape(data, context.shape_of) if data is not None else None
    return shape or help_to_say_the_shape(data, context.shape_of)


def _looked_up(spec: Spec, parts: Elaborated) -> Shape | None:
    """The shape of the input where neither the network nor the section `data` says it, but the files of the source."""
    if spec.network is None or parts.graph is None or parts.data is None or data_shape(parts.data) is not None:
        return None
    is_written = parts.graph.nodes[0].span != spec.network.name_span
    return None if is_written else parts.graph.input


def _check_the_rest(base: Spec, context: Context) -> None:
    """Check unreached code, variants and searches."""
    if not base.is_broken:
        check_unreached(base, context)
    if base.variants or base.search:
        _check_alternatives(base, context)


def _check_alternatives(base: Spec, context: Context) -> None:
    """Check each variant, and each value of a search, as a whole; what only it gets wrong is reported with a note."""
    from specc.check.alternatives import alternatives  # which few files need

    problems, work = context.problems, context.work
    for changes, note in alternatives(base, context):
        own = Problems(base.unread)
        spec = override(base, changes, own)
        parts = elaborate(spec, Context(own, work, context.shape_of, context.labels_of))
        if not problems.has_errors:
            _lint(spec, parts, own, work, is_variant=True)
        problems.merge(own, note)


def _lint(spec: Spec, parts: Elaborated, problems: Problems, work: Work, *, is_variant: bool) -> None:
    """Lint what has no errors, while there is work left."""
    if parts.graph is None or parts.train is None or problems.has_errors:
        return
    work.lints -= len(parts.graph.nodes) + 10
    if work.lints >= 0:
        from specc.check.lint import Linted, find_lints  # many small files, which only `specc check` needs

        linted = Linted(spec, parts.graph, parts.data, parts.train, parts.dropped, parts.overwritten)
        find_lints(linted, problems, work.go_on, is_variant=is_variant)
