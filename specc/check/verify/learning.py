"""Which weights learn, and how: `freeze`, `groups` and optimizers checked against the network."""

import re
from collections.abc import Sequence

from specc.check.context import Context
from specc.diagnostics import nearest
from specc.ir.graph import Graph
from specc.ir.weights import Weight, learning, selected, selectors_of, weights_of
from specc.source import Span
from specc.syntax import tree as t
from specc.tricks.optimizer import by_muon
from specc.tricks.sections import TrainSettings
from specc.values import Bound
from specc.vocabulary.weight import Drawn

MOST = 12  # names in a help text


def learning_fits(
    graph: Graph, train: TrainSettings, settings: dict[str, t.Setting], trains: bool, context: Context
) -> None:
    """Report what picks no weights, and where nothing is left to learn.

    settings: those that the section `train` gives. trains: the spec has data, so that it is there to be trained.
    """
    weights = weights_of(graph)
    _freeze_fits(weights, train, settings.get("freeze"), context)
    left = learning(weights, train.freeze or ())
    if trains and not left:
        _nothing_learns(graph, weights, settings.get("freeze"), context)
        return
    for group in train.groups or ():
        mine = _picked(group, weights, left, context)
        left = [weight for weight in left if weight not in mine]
        if mine and group.args.optimizer is not None:
            _muon_fits(group.args.optimizer, mine, group.span, context)
    if left:
        _muon_fits(train.optimizer, left, train.optimizer.span, context)


def initializers_fit(graph: Graph, context: Context) -> None:
    """Report a `whiten` that is not at the first layer, or whose filters are not two for each number of a patch."""
    for node in graph.nodes[1:]:
        starts = [weight.start for weight in graph.weights(node)]
        init = next((s.init for s in starts if isinstance(s, Drawn) and s.init.name == "whiten"), None)
        if init is None:
            continue
        span = init.span or node.span
        before = graph.nodes[node.inputs[0]]
        while before.op.torch is None and before.inputs:
            before = graph.nodes[before.inputs[0]]
        if before.index != 0 or node.op.name != "conv":
            message = f"`whiten` works on a conv directly after the input, which `{node.name}` is not"
            context.error("E319", message, span, help="use it for the first conv, or use init=dirac here")
            continue
        height, width = node.args.kernel
        needed = 2 * graph.input[0] * height * width
        if node.args.groups != 1:
            message = "`whiten` needs patches over all channels, but this conv is grouped"
            context.error("E319", message, span, help="remove `groups`")
        elif node.args.filters != needed:
            patch = f"{height}x{width} patches of {graph.input[0]} channel" + "s" * (graph.input[0] != 1)
            message = f"`whiten` needs {needed} filters for {patch}, but this conv has {node.args.filters}"
            context.error("E319", message, span, help=f"conv({needed}, {node.args.kernel}, init=whiten)")


def _freeze_fits(weights: list[Weight], train: TrainSettings, setting: t.Setting | None, context: Context) -> None:
    """Report what in `freeze` picks no weights."""
    if setting is None or not train.freeze:
        return
    items = getattr(setting.value, "items", ())
    for position, name in enumerate(train.freeze):
        if not selected([name], weights):
            span = items[position].span if len(items) == len(train.freeze) else setting.value.span
            _unknown(name, weights, span, context)


def _unknown(name: str, weights: list[Weight], span: Span, context: Context) -> None:
    top = ", ".join(list(dict.fromkeys(weight.name.partition(".")[0] for weight in weights))[:MOST])
    lists = f"`specc show` lists them: {top}" if top else "this network has no weights"
    message = f"no layer or block with weights is called `{name}`"
    context.error("E224", message, span, help=lambda: nearest(name, selectors_of(weights)) or lists)


def _picked(group: Bound, weights: list[Weight], left: list[Weight], context: Context) -> list[Weight]:
    """The weights of a group, out of those that are left; a selector that picks none of them is reported."""
    assert group.span is not None
    for name in group.args.weights:
        span = _within(group.span, name)
        known = selected([name], weights)
        if not known:
            _unknown(name, weights, span, context)
        elif not selected([name], left):
            frozen = all(not weight.learns for weight in known)
            why = "they are not trainable" if frozen else "they are frozen, or already in an earlier group"
            message = f"`{name}` selects no weights for this group: {why}"
            context.error(
                "E225",
                message,
                span,
                help="a weight belongs to the first group that selects it; freeze less or reorder the groups",
            )
    return selected(group.args.weights, left)


def _within(span: Span, name: str) -> Span:
    """The span of a selector within a call, or the whole call."""
    match = re.search(rf"(?<![\w.]){re.escape(name)}(?![\w.])", span.text)
    return Span(span.source, span.start + match.start(), span.start + match.end()) if match else span


def _muon_fits(optimizer: Bound, weights: Sequence[Weight], span: Span | None, context: Context) -> None:
    if optimizer.name != "muon" or any(by_muon(optimizer, weight.kind, weight.is_last) for weight in weights):
        return
    assert span is not None
    help = "muon updates only kernels, and that of the last layer only with last=true"
    context.error("E225", "`muon` has no kernel to update here", optimizer.span or span, help=help)


def _nothing_learns(graph: Graph, weights: list[Weight], freeze: t.Setting | None, context: Context) -> None:
    span = freeze.value.span if freeze is not None else graph.nodes[graph.output].span
    if weights:
        context.error("E446", "there is nothing to train: every weight is frozen", span, help="freeze less")
    else:
        help = "add a layer with weights, such as conv or dense"
        context.error("E446", "there is nothing to train: the network has no weights", span, help=help)
