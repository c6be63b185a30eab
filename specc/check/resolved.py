"""The text of a spec with its variant and `--set` applied: what a run keeps as `spec.cnn`."""

from specc.check.spec import Spec
from specc.source import Source
from specc.syntax import format as text


def resolved_text(source: Source, spec: Spec, changed: bool) -> str:
    """The source itself where nothing was changed; else the whole spec, printed, without variants and searches."""
    if not changed:
        return source.text
    parts = [text.statement(let, 0) for let in spec.lets.values()]
    parts += [text.statement(default, 0) for default in spec.defaults]
    blocks = ["\n".join(lines) for lines in parts]
    sections = {name: text.section(name, settings.values()) for name, settings in spec.sections.items()}
    if "data" in sections:
        blocks.append(sections.pop("data"))
    blocks += map(text.block, spec.blocks.values())
    if spec.network is not None:
        blocks.append(text.block(spec.network))
    blocks += sections.values()
    return "\n\n".join(blocks) + "\n"
