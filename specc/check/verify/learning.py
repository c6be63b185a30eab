"""Which weights learn, and how: `freeze`, `groups` and optimizers checked against the network."""

import re
from collections.abc import Sequence

from specc.check.context import Context
from specc.diagnostics import nearest
from specc.ir.graph import Graph, Node
from specc.ir.weights import Weight, learning, norm_parts, selected, selectors_of, weights_of
from specc.source import Span
from specc.syntax import tree as t
from specc.tricks.sections import TrainSettings
from specc.values import Bound
from specc.vocabulary.family import Initializer, Optimizer, Site
from specc.vocabulary.problem import Problem
from specc.vocabulary.registry import component
from specc.vocabulary.weight import Drawn

MOST = 12  # names in a help text
KINDS = {"kernel": "kernels", "bias": "biases", "norm": "norms", "other": "other weights"}


def learning_fits(
    graph: Graph, train: TrainSettings, settings: dict[str, t.Setting], trains: bool, context: Context
) -> None:
    """Report what picks no weights, and where nothing is left to learn.

    settings: those that the section `train` gives. trains: the spec has data, so that it is there to be trained.
    """
    weights = weights_of(graph)
    of_norms = [one for parts in norm_parts(graph, weights).values() for one in parts]
    _freeze_fits([*weights, *of_norms], train, settings.get("freeze"), context)
    left = learning(weights, train.frozen)
    if trains and not learning(weights, train.frozen_at_first):
        _nothing_learns(graph, weights, train, settings.get("freeze"), context)
        return
    for group in train.groups or ():
        mine = _picked(group, weights, left, context)
        left = [weight for weight in left if weight not in mine]
        if mine and group.args.optimizer is not None:
            _optimizer_fits(group.args.optimizer, mine, group.span, context)
    if left:
        _optimizer_fits(train.mover, left, train.optimizer.span, context)


def initializers_fit(graph: Graph, context: Context) -> None:
    """Report kernels that cannot start as their initializer says."""
    for node in graph.nodes[1:]:
        for start in (weight.start for weight in graph.weights(node)):
            fits = component(Initializer, start.init).fits if isinstance(start, Drawn) else None
            if fits is None or not isinstance(start, Drawn):
                continue
            try:
                fits(start.init.args, _site(graph, node))
            except Problem as problem:
                context.error(problem.code, problem.message, start.init.span or node.span, help=problem.help)


def _site(graph: Graph, node: Node) -> Site:
    before = graph.nodes[node.inputs[0]]
    while before.op.torch is None and before.inputs:
        before = graph.nodes[before.inputs[0]]
    return Site(node.name, node.op.name, node.args, before.shape, before.index == 0)


def _freeze_fits(weights: list[Weight], train: TrainSettings, setting: t.Setting | None, context: Context) -> None:
    """Report what in `freeze` picks no weights."""
    if setting is None:
        return
    names, items = train.frozen_at_first, getattr(setting.value, "items", ())
    for position, name in enumerate(names):
        if not selected([name], weights):
            span = items[position].span if len(items) == len(names) else _within(setting.value.span, name)
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


def _optimizer_fits(optimizer: Bound, weights: Sequence[Weight], span: Span | None, context: Context) -> None:
    """Report an optimizer that moves some kinds of weight only where there is none of them to move."""
    word, name = component(Optimizer, optimizer), optimizer.name
    division = word.division
    if division is None or any(word.moves(optimizer.args, weight.kind, weight.is_last) for weight in weights):
        return
    assert span is not None
    last = f"; those of the last layer only with {division.last}=true" if division.last else ""
    help = f"{name} updates {' and '.join(KINDS[kind] for kind in division.kinds)}{last}"
    message = f"`{name}` has no {' or '.join(division.kinds)} to update here"
    context.error("E225", message, optimizer.span or span, help=help)


def _nothing_learns(
    graph: Graph, weights: list[Weight], train: TrainSettings, freeze: t.Setting | None, context: Context
) -> None:
    span = freeze.value.span if freeze is not None else graph.nodes[graph.output].span
    if weights:
        first = "" if train.frozen_until is None or not learning(weights, ()) else " at first"
        context.error("E446", f"there is nothing to train{first}: every weight is frozen", span, help="freeze less")
    else:
        help = "add a layer with weights, such as conv or dense"
        context.error("E446", "there is nothing to train: the network has no weights", span, help=help)
