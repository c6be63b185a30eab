"""The settings of the sections, as one would write them."""

from typing import Any

from specc.fit import fitted, limit
from specc.ops.conv import INIT
from specc.tricks.sections import SECTIONS
from specc.values import show
from specc.vocabulary.param import REQUIRED, Param

OF_LAYERS = f"""\
# The defaults of layers: `specc ops conv`, and so on. Kernels start with init={INIT.default}, which chooses by what
# follows them: `specc show FILE --init`."""


def defaults_text() -> str:
    """Every setting with its default and what it means, as a spec."""
    blocks = []
    for section, params in SECTIONS.items():
        rows = [(param.name, _default(param), param.doc) for param in params]
        names, values = (max(len(row[column]) for row in rows) for column in (0, 1))
        lines = [f"  {name:<{names}} = {value:<{values}}  # {doc}" for name, value, doc in rows]
        if 0 < limit() < max(map(len, lines)):
            lines = [
                line for name, value, doc in rows for line in (fitted(f"  # {doc}", more="# "), f"  {name} = {value}")
            ]
        blocks.append("\n".join([f"{section} {{", *lines, "}"]))
    return "\n\n".join([*blocks, fitted(OF_LAYERS, more="# ")])


def defaults_json() -> dict[str, Any]:
    """Every setting of each section with its default, written as a spec does, and what it means; null: required."""
    return {
        section: [
            {"name": p.name, "default": None if p.default is REQUIRED else _default(p), "doc": p.doc} for p in params
        ]
        for section, params in SECTIONS.items()
    }


def _default(param: Param) -> str:
    if param.default is REQUIRED:
        return "…"
    return "none" if param.default == () else show(param.default)
