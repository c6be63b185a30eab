"""Whether a step keeps all that the backward pass needs or computes parts once more, and how much memory it takes."""

import math
from typing import NamedTuple

import torch

from specc.backend.engine.rehearsal import Peak, rehearse
from specc.backend.engine.trainer import Trainer
from specc.backend.execution.plan import SPEC_SAYS, Plan
from specc.backend.memory import USED, needed, room
from specc.backend.precision import Precision
from specc.backend.ranks import ALONE, Ranks
from specc.backend.tasks.bound import BoundTask
from specc.check import Trainable
from specc.report.layers import byte_text
from specc.vocabulary.family import PlanOptions
from specc.vocabulary.registry import component

ROUGHLY = 2  # so many times as much as the rough estimate says a step may take, before it is worth a closer look


class Need(NamedTuple):
    """What a step takes with everything kept, and with segments computed twice; None where that is not looked at."""

    whole: Peak
    less: Peak | None = None

    @property
    def least(self) -> Peak:
        return self.less if self.less is not None and self.less.step < self.whole.step else self.whole


def need(
    spec: Trainable, batch: int, precision: Precision, device: torch.device, task: BoundTask, world: int = 1
) -> Need:
    """What a step with so many images takes; with segments, where the spec allows these and they are needed to fit.

    spec: whose losses have their weights as numbers.
    """
    asked = asked_for(spec)
    whole = rehearse(spec, batch, precision, device, world=world, task=task)
    if asked == "never" or not whole.is_exact or (asked == "auto" and whole.step <= USED * room(device)):
        return Need(whole)
    return Need(whole, rehearse(spec, batch, precision, device, world=world, task=task, recomputes=True))


def asked_for(spec: Trainable) -> str:
    """What the spec says of it: "auto", "always" or "never"."""
    plan = spec.train.plan or component(PlanOptions, "plan").call()
    return str(plan.args.recompute)


def choose_recompute(
    plan: Plan, spec: Trainable, batch: int, task: BoundTask, ranks: Ranks = ALONE, *, is_short: bool = False
) -> Plan:
    """The plan with the segments of the forward pass that are computed twice, where a step does not fit otherwise.

    batch: the images of one. is_short: steps begin with features that are kept, so that little is left of the forward
    pass. The first process decides for all.
    """
    if is_short:
        why = "steps begin with the features of frozen layers, which are kept: there is little to compute twice"
        return plan._replace(reasons={**plan.reasons, "recompute": why}) if asked_for(spec) == "always" else plan
    ends, why = ranks.broadcast(_choice(plan, spec, batch, task) if ranks.is_first else None)
    if not why:
        return plan
    reasons = {**plan.reasons, "recompute": why}
    if not ends:
        return plan._replace(reasons=reasons)
    if plan.recorded:
        reasons["launch"] = "parts of the forward pass are computed twice, and draw the same random numbers"
    return plan._replace(ends=tuple(ends), recorded=False, open=plan.open - {"step"}, reasons=reasons)


def _choice(plan: Plan, spec: Trainable, batch: int, task: BoundTask) -> tuple[tuple[int, ...], str]:
    """Where segments end, and why; no word where nothing was asked for and everything fits."""
    asked = asked_for(spec)
    space = room(plan.device)
    if asked == "never" or (asked == "auto" and ROUGHLY * needed(spec, batch, plan.world) <= USED * space):
        return (), ""
    whole, less = need(spec, batch, plan.precision, plan.device, task, plan.world)
    if less is None:
        return (), ""
    because = SPEC_SAYS if asked == "always" else f"{byte_text(space)} are free"
    if plan.compiled:
        return (), "a compiled step decides by itself what to compute twice"
    if not less.ends or less.step >= whole.step:
        return (), f"{because}, but computing parts twice would save nothing of {byte_text(whole.step)}"
    gain = f"{byte_text(less.step)} a step by estimate instead of {byte_text(whole.step)}"
    return less.ends, f"{because}: {gain}, for {math.floor(100 * less.again)}% of the forward pass once more"


def memory_of(plan: Plan, spec: Trainable, trainer: Trainer, world: int = 1) -> Peak:
    """What a step of a training takes, carried out as planned by one of `world` processes."""
    features = trainer.features
    constant = features.constant if features and features.until >= trainer.total else frozenset()
    return rehearse(
        spec._replace(train=trainer.settings),
        trainer.loader.batch,
        plan.precision,
        plan.device,
        world=world,
        recomputes=bool(plan.ends),
        constant=constant,
        task=trainer.loader.task,
    )
