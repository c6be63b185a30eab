"""The settings of the sections, as one would write them."""

from specc.ops.op import REQUIRED, Param
from specc.tricks.sections import SECTIONS
from specc.values import show


def defaults_text() -> str:
    """Every setting with its default and what it means, as a spec."""
    blocks = []
    for section, params in SECTIONS.items():
        rows = [(param.name, _default(param), param.doc) for param in params]
        names, values = (max(len(row[column]) for row in rows) for column in (0, 1))
        lines = [f"  {name:<{names}} = {value:<{values}}  # {doc}" for name, value, doc in rows]
        blocks.append("\n".join([f"{section} {{", *lines, "}"]))
    return "\n\n".join(blocks)


def _default(param: Param) -> str:
    if param.default is REQUIRED:
        return "…"
    return "none" if param.default == () else show(param.default)
