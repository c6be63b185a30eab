"""A parameter of a call, or a setting of a section."""

from typing import Any, NamedTuple

from specc.vocabulary.kinds import Kind

REQUIRED: Any = type("Required", (), {"__repr__": lambda self: "required"})()


class Param(NamedTuple):
    """A parameter of a call, or a setting of a section: its kind, its default and one line about it.

    A default is the converted value (`Size(3, 3)`, `"same"`, `None`), not its text.
    """

    name: str
    kind: Kind
    default: Any = REQUIRED
    doc: str = ""
