"""The words of the language, as they are shown to people: their signatures, parameters and examples."""

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


def words() -> dict[str, list[Entry]]:
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


def signature(entry: Entry) -> str:
    if entry.family == "section":
        return f"{entry.name} {{ … }}"
    params = [p.name if p.default is REQUIRED else f"{p.name}={default_text(p)}" for p in entry.params]
    body = {"one": " { … }", "branches": " { | … | … }"}.get(entry.body, "")
    return f"{entry.name}({', '.join(params)}){body}" if params else entry.name + body


def about(param: Param) -> str:
    """`the number of output channels (an integer of at least 1; required)`."""
    default = "required" if param.default is REQUIRED else f"default {default_text(param)}"
    return f"{param.doc} ({param.kind.needs}; {default})".lstrip()


def default_text(param: Param) -> str:
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
