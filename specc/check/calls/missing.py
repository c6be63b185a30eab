"""The report of a layer that does not exist."""

from collections.abc import Callable, Iterable

from specc.check.calls.families import article
from specc.check.context import Context
from specc.diagnostics import nearest
from specc.ops import OPS
from specc.syntax import tree as t
from specc.tricks import COMPONENTS

# What other frameworks and papers call a layer, where that is not near to its name here.
ELSEWHERE = {
    "linear": "dense",
    "fc": "dense",
    "fully_connected": "dense",
    "bn": "batch_norm",
    "lrn": "local_response_norm",
    "gap": "global_avg_pool",
    "global_average_pooling2d": "global_avg_pool",
    "swish": "silu",
    "deconv": "conv_transpose",
    "shortcut": "residual",
    "skip": "residual",
}


def missing_layer(context: Context, call: t.Call, blocks: Iterable[str], names: Callable[[], list[str]]) -> None:
    """Report E201 for a call of something that does not exist. `names`: those that the scope binds."""

    def known() -> list[str]:
        return [*OPS, *blocks, *names()]

    def help() -> str:
        if call.name.lower() in ELSEWHERE:
            return f"here this layer is called `{ELSEWHERE[call.name.lower()]}`"
        elsewhere = next((family for family, components in COMPONENTS.items() if call.name in components), "")
        return f"`{call.name}` is {article(elsewhere)}, not a layer" if elsewhere else nearest(call.name, known())

    message = f"there is no layer or block called `{call.name}`"
    context.error("E201", message, call.callee, help=help, known=known)
