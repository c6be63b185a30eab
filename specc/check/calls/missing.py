"""The report of a layer that does not exist."""

from collections.abc import Callable, Iterable

from specc.check.calls.families import article
from specc.check.context import Context
from specc.diagnostics import nearest
from specc.ops import OPS
from specc.syntax import tree as t
from specc.tricks import COMPONENTS


def missing_layer(context: Context, call: t.Call, blocks: Iterable[str], names: Callable[[], list[str]]) -> None:
    """Report E201 for a call of something that does not exist. `names`: those that the scope binds."""

    def known() -> list[str]:
        return [*OPS, *blocks, *names()]

    def help() -> str:
        family = next((family for family, components in COMPONENTS.items() if call.name in components), "")
        if family:
            return f"`{call.name}` is {article(family)}, not a layer"
        from specc.check.calls.elsewhere import layer_elsewhere  # long tables, which only a mistake needs

        return layer_elsewhere(call.name) or nearest(call.name, known())

    message = f"there is no layer or block called `{call.name}`"
    context.error("E201", message, call.callee, help=help, known=known, name=call.name)
