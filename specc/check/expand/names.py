"""The names of tensors: given by one layer, looked up by others."""

from typing import Any

from specc.check.context import Context
from specc.check.expand.here import Here
from specc.diagnostics import nearest
from specc.source import Span
from specc.syntax import tree as t
from specc.values import UNKNOWN


class NameTable:
    """Gives names to tensors and finds them again. A tensor is the index of a node."""

    def __init__(self, context: Context) -> None:
        self.context = context

    def give(self, name: Any, tensor: int, call: t.Call, here: Here) -> None:
        """Name a tensor in the body where the expansion stands."""
        if name is not UNKNOWN:
            here.labels.give(name, tensor, call.span)

    def find(self, name: Any, call: t.Call, here: Here) -> int | None:
        """The tensor that a call names; None, with a message, where there is none."""
        if name is UNKNOWN:
            return None
        named = here.labels.find(name)
        if named is not None:
            return named[0]
        known = here.labels.all_names()
        help = nearest(name, known) or (f"named so far: {', '.join(known)}" if known else "name it with as(…)")
        self.context.error("E219", f"no tensor is named `{name}` here", first_argument(call), help=help)
        return None


def first_argument(call: t.Call) -> Span:
    """Where the first argument stands; the call itself where a `default` gave it."""
    return call.arguments[0].value.span if call.arguments else call.span
