"""The text of a spec with its variant and `--set` applied: what a run keeps as `spec.cnn`."""

from specc.check.gather.spec import Spec
from specc.source import Source, Span
from specc.syntax import tree as t


def resolved_text(source: Source, spec: Spec, changed: bool) -> str:
    """The source itself where nothing was changed; else the whole spec, printed, without variants and searches."""
    if not changed:
        return source.text
    from specc.syntax.format import format_file  # the formatter is not needed to check a spec

    nowhere = Span(source, 0, 0)
    sections = {
        name: t.Section(name, tuple(settings.values()), spec.section_spans.get(name, nowhere), nowhere)
        for name, settings in spec.sections.items()
    }
    data = [sections.pop("data")] if "data" in sections else []
    network = [spec.network] if spec.network else []
    items = [*spec.lets.values(), *spec.defaults, *data, *spec.blocks.values(), *network, *sections.values()]
    return format_file(t.File(source, tuple(items), ()))
