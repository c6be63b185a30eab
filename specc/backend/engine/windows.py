"""When weights learn, in steps of a training: `freeze` keeps some back at first, and groups end early."""

import math
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


def _window(part: Weight, settings: TrainSettings, clock: Clock) -> Window:
    if not part.learns or any(selects(selector, part) for selector in settings.frozen):
        return NEVER
    is_late = any(selects(selector, part) for selector in settings.frozen_at_first)
    until = param_rule(part, settings).until
    return Window(thaw_step(settings, clock) if is_late else 0.0, math.inf if until is None else clock.steps(until))
