"""`in.channels`, `in.size`: the input shape at the place where they are used."""

from collections.abc import Callable
from typing import Any

from specc.syntax import tree as t
from specc.values import UNKNOWN, Size

# A shape, UNKNOWN below an error, or None where there is no input (settings, the file's own lets).
Flow = Any
FIELDS = ("channels", "height", "width", "size")


def flowing(expression: t.Flowing, flow: Flow, error: Callable[..., Any]) -> Any:
    """The value of `in.field` where `flow` flows; `error` reports a problem, and gives UNKNOWN."""
    if flow is UNKNOWN:
        return UNKNOWN
    if flow is None:
        message = "`in` is the input shape of a layer, but there is no layer here"
        help = "move this into the body of a block or the network, after a layer"
        return error("E212", message, expression.span, help=help)
    field = expression.field
    if field not in FIELDS:
        help = f"available: {', '.join('in.' + name for name in FIELDS)}"
        return error("E212", f"`in` has no field `{field}`", expression.span, help=help)
    if field == "channels":
        return flow[0]
    if len(flow) == 1:
        message = f"`in.{field}` needs a feature map, but the input here is a vector of {flow[0]}"
        help = f"to use the {field} of an earlier feature map, name it there: let {field} = in.{field}"
        return error("E212", message, expression.span, help=help)
    return {"height": flow[1], "width": flow[2], "size": Size(flow[1], flow[2])}[field]
