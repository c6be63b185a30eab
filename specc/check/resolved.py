"""The text of a spec with its variant and `--set` applied: what a run keeps as `spec.cnn`."""

from specc.check.gather.spec import Spec
from specc.source import Source, Span
from specc.syntax import tree as t
from specc.syntax.parse import parse
from specc.values import Size
from specc.vocabulary.shape import Shape


def resolved_text(source: Source, spec: Spec, changed: bool, looked_up: Shape | None) -> str:
    """The source itself where nothing was changed; else the whole spec, printed, without variants and searches.

    looked_up: the shape of the images where only the files of the data source tell it; the network then says it, so
    that the spec of a run needs no data to be read again.
    """
    if not changed and looked_up is None:
        return source.text
    from specc.syntax.format import format_file  # the formatter is not needed to check a spec

    nowhere = Span(source, 0, 0)
    sections = {
        name: t.Section(name, tuple(settings.values()), spec.section_spans.get(name, nowhere), nowhere)
        for name, settings in spec.sections.items()
    }
    data = [sections.pop("data")] if "data" in sections else []
    network = [_with_input(spec.network, looked_up)] if spec.network else []
    items = [*spec.lets.values(), *spec.defaults, *data, *spec.blocks.values(), *network, *sections.values()]
    return format_file(t.File(source, tuple(items), ()))


def _with_input(network: t.Block, shape: Shape | None) -> t.Block:
    """A network that begins with `input(…)`, where a shape is given."""
    if shape is None:
        return network
    parsed = parse(Source("input", f"network N {{ input({shape[0]}, {Size(*shape[1:])}) }}")).tree
    assert parsed is not None
    first: t.Block = parsed.items[0]
    body = network.body
    return network._replace(
        body=body._replace(branches=((*first.body.statements, *body.statements), *body.branches[1:]))
    )
