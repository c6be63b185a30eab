"""W504: a bias that the norm right after it cancels."""

from collections.abc import Iterator

from specc.check.lint.lint import Found, Lint, Linted, trail
from specc.check.lint.names import without
from specc.diagnostics import Fix
from specc.ir.graph import Node
from specc.ops import OPS
from specc.source import Span
from specc.syntax import tree as t
from specc.syntax.tree import walk


def find(linted: Linted) -> Iterator[Found]:
    canceled: dict[Span, tuple[Node, Node]] = {}
    needed = {node.span for node in linted.ends}
    for node in linted.graph.nodes:
        readers = linted.readers[node.index]
        if readers and any(weight.kind == "bias" for weight in linted.graph.weights(node)):
            if all(reader.op.cancels_bias for reader in readers):
                canceled.setdefault(node.span, (node, readers[0]))
            else:
                needed.add(node.span)  # one call of a block, and one of its two uses needs the bias
    general = _set_by_default(linted) if canceled else set()
    for span, (node, norm) in canceled.items():
        if span not in needed:
            yield from _found(linted, node, norm, node.op.name in general)


def _found(linted: Linted, node: Node, norm: Node, general: bool) -> Iterator[Found]:
    call = linted.calls.get(node.span)
    written = next((argument for argument in call.arguments if argument.name == "bias"), None) if call else None
    if written is None and general:
        return  # set once for the whole file, as for published weights that have a bias
    yield Found(
        f"`{norm.op.name}` subtracts the mean, which cancels the bias of `{node.op.name}`",
        written.span if written else node.span,
        notes=trail(node),
        help=f"{node.op.name}(…, bias=false)"
        if written is None
        else "remove `bias`: the default adds one only where it has an effect",
        fix=None if call is None or general else _fix(linted, call, written),
    )


def _set_by_default(linted: Linted) -> set[str]:
    """The kinds of layers for which some `default` statement sets `bias`."""
    items = [*linted.spec.defaults, linted.spec.network, *linted.spec.blocks.values()]
    defaults = (part.call for part in walk(items) if isinstance(part, t.Default))
    return {call.name for call in defaults if any(argument.name == "bias" for argument in call.arguments)}


def _fix(linted: Linted, call: t.Call, written: t.Argument | None) -> Fix | None:
    """With `auto`, a variant without the norm keeps its bias; without `auto`, there must be no variants."""
    if written is not None and _is_automatic(call.name):
        return without(call, written)
    if linted.spec.variants or linted.spec.search:
        return None
    if written is not None:
        return Fix(written.value.span, "false")
    end = call.arguments[-1].span.end if call.arguments else 0
    return Fix(Span(call.span.source, end, end), ", bias=false") if end else None


def _is_automatic(layer: str) -> bool:
    return any(param.name == "bias" and param.default == "auto" for param in OPS[layer].params)


LINT = Lint(
    code="W504",
    name="bias-before-norm",
    doc="""\
A bias in a layer whose output goes only into batch_norm or instance_norm: written as `bias=true`, or the default of
dense. `default conv(bias=true)` sets it for all layers deliberately, so there is no warning then.
""",
    why="""\
The norm subtracts each channel's mean, so the bias has no effect and its gradient is zero; the norm's own shift takes
its place. The bias only costs memory and time.
""",
    source="Ioffe and Szegedy, 2015, Batch normalization, section 3.2, https://arxiv.org/abs/1502.03167",
    bad="""\
network Net {
  input(3, 32x32)
  conv(32, bias=true) -> batch_norm -> relu
  flatten -> dense(10)
}
""",
    good="""\
network Net {
  input(3, 32x32)
  conv(32) -> batch_norm -> relu
  flatten -> dense(10)
}
""",
    find=find,
)
