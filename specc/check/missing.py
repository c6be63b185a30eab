"""What is said of a layer that is not there."""

from collections.abc import Callable, Iterable

from specc.check.bind import article
from specc.check.evaluate import Evaluator
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


def missing_layer(evaluator: Evaluator, call: t.Call, blocks: Iterable[str], names: Callable[[], list[str]]) -> None:
    """Report E201 for a call of nothing that there is. `names`: those that the scope binds."""

    def known() -> list[str]:
        return [*OPS, *blocks, *names()]

    def help() -> str:
        if call.name.lower() in ELSEWHERE:
            return f"here this layer is called `{ELSEWHERE[call.name.lower()]}`"
        elsewhere = next((family for family, tricks in COMPONENTS.items() if call.name in tricks), "")
        return f"`{call.name}` is {article(elsewhere)}, not a layer" if elsewhere else nearest(call.name, known())

    message = f"there is no layer or block called `{call.name}`"
    evaluator.error("E201", message, call.callee, help=help, known=known)
