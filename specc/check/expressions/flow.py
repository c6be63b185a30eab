"""`in.channels`, `in.size`: the shape that flows into the place where they stand."""

from collections.abc import Callable
from typing import Any

from specc.syntax import tree as t
from specc.values import UNKNOWN, Size

# A shape, UNKNOWN below an error, or None where nothing flows (settings, the file's own lets).
Flow = Any
FIELDS = ("channels", "height", "width", "size")


def flowing(expression: t.Flowing, flow: Flow, error: Callable[..., Any]) -> Any:
    """The value of `in.field` where `flow` flows; `error` reports a problem, and gives UNKNOWN."""
    if flow is UNKNOWN:
        return UNKNOWN
    if flow is None:
        message = "`in` is the shape that flows into a layer; nothing flows here"
        help = "move this into the body of a block or of the network, behind a layer"
        return error("E212", message, expression.span, help=help)
    field = expression.field
    if field not in FIELDS:
        help = f"there are {', '.join('in.' + name for name in FIELDS)}"
        return error("E212", f"there is no `in.{field}`", expression.span, help=help)
    if field == "channels":
        return flow[0]
    if len(flow) == 1:
        message = f"`in.{field}` needs channels x height x width; what flows here is flat: {flow[0]}"
        help = f"to use an earlier one, name it where it flows: let {field} = in.{field}"
        return error("E212", message, expression.span, help=help)
    return {"height": flow[1], "width": flow[2], "size": Size(flow[1], flow[2])}[field]
