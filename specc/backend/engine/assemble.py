"""A training put together from its settings: its state, its loop, and what each trick applied to."""

from typing import Any

import torch
from torch import Tensor

from specc.backend.build import Net
from specc.backend.engine.applied import applied, averaged, by_rule, frozen_note, of_epochs, resting, written
from specc.backend.engine.average import Average, EpochMean, FreeAverage, Lookahead, Snapshot, constants
from specc.backend.engine.optimizers import (
    ParamRule,
    Weights,
    freeze,
    kernel_names,
    learning,
    make_optimizers,
    param_rules,
)
from specc.backend.engine.penalty import Penalty
from specc.backend.engine.state import TrainState
from specc.backend.engine.statistics import has_statistics
from specc.backend.engine.step import Step
from specc.backend.engine.trainer import Loader, Trainer, length
from specc.backend.evaluation.losses import loss_function
from specc.backend.precision import Precision
from specc.backend.ranks import ALONE, Ranks
from specc.backend.run.metrics import selection
from specc.ir.weights import weights_of
from specc.tricks.sections import TrainSettings, losses_of
from specc.vocabulary.family import Clock


def assemble(
    net: Net, settings: TrainSettings, loader: Loader, precision: Precision, ranks: Ranks = ALONE
) -> tuple[Trainer, list[str]]:
    """The loop around a fresh state, for the settings of the section `train`, and notes on what each trick reached.

    The checker has seen to it that something learns, and that each trick reaches something.
    """
    kernels = kernel_names(net.graph)
    freeze(net, net.graph, settings.frozen)
    weights, fixed = learning(net), constants(net)
    frozen = freeze(net, net.graph, settings.frozen_at_first)
    late = constants(net) - fixed
    device = next(iter(weights.values())).device
    per_epoch, total = length(settings, loader)
    task = loader.task
    loss = loss_function(losses_of(settings, task.facts), task, device)
    lookahead = None
    if settings.lookahead:
        a = settings.lookahead.args
        lookahead = Lookahead(net, a, Clock(0, per_epoch, total).steps(a.start), total)
    optimizers = make_optimizers(net.graph, settings, weights)
    snapshot: Snapshot | None = None
    if settings.wrapper("schedule_free"):
        snapshot = FreeAverage(net, optimizers.average_of)
    elif settings.average:
        snapshot = EpochMean(net, Clock(0, per_epoch, total).steps(settings.average.args.start))
    penalty = Penalty(settings.regularize, kernels, weights)
    state = TrainState(
        net,
        weights,
        optimizers,
        Average(net, settings.ema) if settings.ema else None,
        lookahead,
        snapshot,
        precision.scaler(device),
        _table(loss.rows, task.columns, loader, settings.shards, device),
        per_epoch,
        selection(settings.best, task.facts),
        sorted(late),
    )
    trainer = Trainer(state, loader, settings, Step(state, settings, task, loss, penalty, precision), ranks)
    return trainer, _notes(trainer, frozen)


def _table(rows: int, columns: int, loader: Loader, shards: int, device: torch.device) -> Tensor:
    """Room for what a step gives of each shard of an epoch's batches: rows of its loss, columns of each image."""
    return torch.zeros(rows + loader.batch // shards * columns, loader.batches * shards, device=device)


def _notes(trainer: Trainer, frozen: list[str]) -> list[str]:
    """What each trick applied to, a line each. frozen: the weights that `freeze` keeps as they are, at first."""
    net, settings, weights = trainer.state.net, trainer.settings, trainer.state.weights
    penalty = trainer.compute.penalty
    notes, found = [], param_rules(net.graph, settings, weights)
    if frozen or settings.frozen_until is not None:
        held = [weight for weight in weights_of(net.graph) if weight.name in frozen]
        notes.append(frozen_note(settings, held, trainer.thaw_step, trainer.total))
    notes += resting(trainer.norm_windows)
    if penalty.names:
        what = written(settings.regularize) if settings.regularize else "regularize"
        notes.append(applied(net.graph, weights, penalty.names, what))
    if sam := settings.wrapper("sam"):
        notes.append(applied(net.graph, weights, weights, f"sam, rho {sam.args.rho:g}, moves for the second pass"))
    lines = by_rule(net.graph, weights, found, settings.schedule)
    notes += lines or _decay(net, weights, found)
    if settings.ema or settings.lookahead:
        fixed = constants(net) - set(trainer.state.late)
        beside = [n for n, value in net.state_dict().items() if value.is_floating_point() and n not in fixed]
        notes += averaged(settings, beside, weights)
    if snapshot := trainer.state.snapshot:
        notes += of_epochs(settings, snapshot, has_statistics(net), trainer.loader.batches)
    if settings.evaluate:
        notes.append(
            f"validation with {written(settings.evaluate)}; the exported file uses a single view of each image"
        )
    return notes


def _decay(net: Net, weights: Weights, found: dict[str, ParamRule]) -> list[str]:
    """What weight decay reaches, where all weights learn in the same way."""
    decays: dict[float, list[Any]] = {}
    for name, rule in found.items():
        if rule.decay:
            decays.setdefault(rule.decay, []).append(name)
    return [applied(net.graph, weights, names, f"weight_decay {decay:g}") for decay, names in decays.items()]
