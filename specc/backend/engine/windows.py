"""When weights learn, in steps of a training: `freeze` keeps some back at first, and groups end early."""

import math
from collections.abc import Iterable
from typing import NamedTuple

from specc.backend.engine.optimizers import param_rule
from specc.ir.graph import Graph
from specc.ir.weights import Weight, norm_parts, selects, weights_of
from specc.tricks.sections import TrainSettings
from specc.vocabulary.family import Clock


class Window(NamedTuple):
    """The steps in which a weight learns: from the first whose number is not below `begin` to the last below `end`."""

    begin: float
    end: float

    def has(self, step: int) -> bool:
        """Whether the weight learns in the step before which `step` steps were taken."""
        return self.begin <= step < self.end

    @property
    def is_empty(self) -> bool:
        return self.begin >= self.end


NEVER, ALWAYS = Window(0.0, 0.0), Window(0.0, math.inf)


def weight_windows(graph: Graph, settings: TrainSettings, clock: Clock) -> dict[str, Window]:
    """When each weight learns, by its key in the state dict."""
    return {weight.name: _window(weight, settings, clock) for weight in weights_of(graph)}


def norm_windows(graph: Graph, settings: TrainSettings, clock: Clock) -> dict[str, list[Window]]:
    """For each layer with running statistics when its parts learn. As long as none of them does, it rests."""
    return {layer: [_window(part, settings, clock) for part in parts] for layer, parts in norm_parts(graph).items()}


def thaw_step(settings: TrainSettings, clock: Clock) -> float:
    """After how many steps what is frozen at first learns; infinity where nothing ever thaws."""
    return math.inf if settings.frozen_until is None else clock.steps(settings.frozen_until)


def constant_nodes(
    graph: Graph, settings: TrainSettings, clock: Clock, until: float, *, but_for_noise: bool = False
) -> set[int]:
    """The nodes that give the same numbers for an image in every step below `until`, and in evaluation, by index.

    Nothing that they depend on learns before that, is random, or averages over the images of a batch. but_for_noise:
    also those that depend on what is random.
    """
    weights, norms = weight_windows(graph, settings, clock), norm_windows(graph, settings, clock)

    def stands_still(windows: Iterable[Window]) -> bool:
        return all(window.is_empty or window.begin >= until for window in windows)

    constant = {0}
    for node in graph.nodes[1:]:
        is_random = node.op.training_only and not node.op.idle(node.args)
        if (is_random and not but_for_noise) or not constant.issuperset(node.inputs):
            continue
        parts = norms.get(node.owner.name)
        averages = node.op.batch_statistics or bool(graph.statistics(node))
        rests = not averages or (parts is not None and stands_still(parts))
        if rests and stands_still(weights[f"{node.owner.name}.{weight.name}"] for weight in graph.weights(node)):
            constant.add(node.index)
    return constant


def _window(part: Weight, settings: TrainSettings, clock: Clock) -> Window:
    if not part.learns or any(selects(selector, part) for selector in settings.frozen):
        return NEVER
    is_late = any(selects(selector, part) for selector in settings.frozen_at_first)
    until = param_rule(part, settings).until
    return Window(thaw_step(settings, clock) if is_late else 0.0, math.inf if until is None else clock.steps(until))
