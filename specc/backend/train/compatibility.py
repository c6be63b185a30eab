"""What a changed spec means for a run that goes on with it: is a difference safe, does it matter, does it not fit?"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch

from specc.backend.build import build
from specc.backend.engine.optimizers import ParamRule, param_rules
from specc.check import Trainable
from specc.errors import SpeccError
from specc.ir.graph import Graph
from specc.report.diff import Change, LayerChange, compare
from specc.tricks.schedule import rate
from specc.tricks.sections import TrainSettings
from specc.vocabulary.family import Clock, Optimizer
from specc.vocabulary.registry import component

SAFE, TRAJECTORY, INCOMPATIBLE = "safe", "changes the trajectory", "incompatible"
BEGINNING = (
    *("data.validation", "data.seed"),  # images that were trained on would measure
    *("train.freeze", "train.start"),
)
STOPPING = ("train.target", "train.early_stop", "export.")


class Judged(NamedTuple):
    """A difference in words, and what it means: SAFE, TRAJECTORY or INCOMPATIBLE."""

    text: str
    kind: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.text}"


def judge(run: Trainable, spec: Trainable, per_epoch: int) -> list[Judged]:
    """All differences between a run's spec and one to go on with. per_epoch: steps of an epoch of the run."""
    found = compare(run, spec)
    shapes = [_shapes(graph) for graph in (run.graph, spec.graph)]
    judged = [_layer(change, *shapes) for change in found.layers]
    same_state = _optimizers(run) == _optimizers(spec)
    for change in found.settings:
        text = f"{change.name}: {change.a or 'not set'} -> {change.b or 'not set'}"
        kind = TRAJECTORY
        if change.name.startswith(STOPPING):
            kind = SAFE
        elif change.name == "train.epochs":
            grows = spec.data.progressive
            lasts = (grows.args.until,) if grows else ()
            kind = SAFE if _rates_stay(run.train, spec.train, per_epoch, lasts) else TRAJECTORY
        elif change.name.startswith("network."):
            kind = SAFE  # what follows from it is told by itself
        elif change.name.startswith(("train.optimizer", "train.groups")):
            kind = TRAJECTORY if same_state else INCOMPATIBLE
        elif change.name.startswith(BEGINNING) or _begins(change):
            kind = INCOMPATIBLE
        judged.append(Judged(text, kind))
    return judged


def refuse_incompatible(judged: list[Judged], run: object, spec: object) -> None:
    """Raise SpeccError E488 where a difference does not fit what the run has trained so far."""
    if any(one.kind == INCOMPATIBLE for one in judged):
        raise SpeccError(
            "E488",
            [f"{run} cannot be continued with {spec}:", *map(str, judged)],
            help=f"run `specc train {spec} --start-from {run}` to start a new run from these weights",
            status=1,
        )


def _shapes(graph: Graph) -> dict[str, tuple[int, ...]]:
    """The shape of each weight and buffer by its key; no memory is taken for them."""
    with torch.device("meta"):
        return {name: tuple(value.shape) for name, value in build(graph).state_dict().items()}


def _layer(change: LayerChange, one: dict[str, tuple[int, ...]], other: dict[str, tuple[int, ...]]) -> Judged:
    layer = change.b or change.a
    assert layer is not None
    mine = [{k: v for k, v in side.items() if k.rpartition(".")[0] == layer.name} for side in (one, other)]
    details = ", ".join(f"{part.name} {part.a} -> {part.b}" for part in change.arguments)
    text = f"layer {layer.name} ({layer.op}) {change.kind}" + (f": {details}" if details else "")
    return Judged(text, TRAJECTORY if mine[0] == mine[1] else INCOMPATIBLE)


def _optimizers(spec: Trainable) -> dict[str, Any]:
    """For each weight what its optimizer remembers of it: by its name, and by arguments that add to that."""

    def state(rule: ParamRule) -> tuple[Any, ...]:
        tunable = component(Optimizer, rule.optimizer).tunable
        return rule.optimizer, rule.is_free, tuple((name, value) for name, value in rule.options if name not in tunable)

    names = list(_shapes(spec.graph))
    return {name: state(rule) for name, rule in param_rules(spec.graph, spec.train, names).items()}


def _begins(change: Change) -> bool:
    """Whether a moving average is to begin in the middle of a training."""
    return change.name == "train.ema" and change.a in (None, "none")


def _rates_stay(a: TrainSettings, b: TrainSettings, per_epoch: int, lasts: Sequence[float] = ()) -> bool:
    """Whether the learning rate, and all else that depends on the length, is the same in a training of another one.

    lasts: other lengths in epochs, or percent of the training, that count.
    """
    totals = [max(1, round(settings.epochs * per_epoch)) for settings in (a, b)]
    groups = b.groups or ()
    schedules = [b.schedule, *(group.args.schedule for group in groups if group.args.schedule)]
    clocks = [Clock(0, per_epoch, total) for total in totals]
    starts = (b.frozen_until, b.average.args.start if b.average else None)
    untils = [until for until in (*starts, *lasts, *(group.args.until for group in groups)) if until is not None]
    return (
        b.lookahead is None
        and all(clocks[0].steps(until) == clocks[1].steps(until) for until in untils)
        and all(
            rate(schedule, step, per_epoch, totals[0]) == rate(schedule, step, per_epoch, totals[1])
            for schedule in schedules
            for step in range(min(totals))
        )
    )
