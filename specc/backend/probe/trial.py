"""A few real steps on the images of one batch: do the outputs learn to tell them apart?

A network that gives every image the same answer can still bring the loss down to that of the best such answer. Only one
whose signal gets through goes clearly below it. On one batch this shows within a few steps, in which a training that
goes through its data may still be at chance.
"""

import math
from collections.abc import Iterable
from statistics import fmean

import torch
from torch import Tensor

from specc.backend.build import Net
from specc.backend.engine.assemble import assemble
from specc.backend.engine.optimizers import learning
from specc.backend.engine.step import Batch
from specc.backend.engine.trainer import Trainer
from specc.backend.evaluation.losses import Loss
from specc.backend.evaluation.totals import exact_dtype
from specc.backend.precision import Precision
from specc.backend.ranks import ALONE, Ranks
from specc.backend.tasks.bound import BoundTask
from specc.report.probe import Trial
from specc.tasks import CLASSIFICATION, REGRESSION
from specc.tricks.schedule import rate
from specc.tricks.sections import TrainSettings

# Chosen on cases of benchmarks/probe_cases.py; docs/probe.md has the figures. More steps let a network learn these
# images by heart whose training stays at chance; with 30, deep stacks that learn are taken for stuck.
STEPS = 40
MOST, FEWEST = 16, 8  # images
WORK = 600e9  # multiply-accumulates, there and back, in all steps: about twelve seconds on two cores
FITS = 0.95  # of the loss of the best constant answer: below it the outputs tell the images apart
LAST = 3  # steps over which the loss is taken: one alone may be luck, with dropout or a large rate
EAGER = Precision("fp32", "as the pass before it")


class OneBatch:
    """Where the batches of a trial come from. batches: those of an epoch of the training, for its schedule."""

    def __init__(self, task: BoundTask, batch: Batch, batches: int) -> None:
        self.task, self.only, self.batch, self.batches = task, batch, len(batch[0]), batches

    def training(self, epoch: int, index: int, shard: int = 0) -> Batch:
        return self.only

    def validation(self, ranks: Ranks = ALONE) -> Iterable[Batch]:
        return [self.only]


def try_steps(net: Net, settings: TrainSettings, task: BoundTask, batch: Batch, batches: int) -> Trial | None:
    """Take up to `STEPS` steps of the training's optimizer on the first images of a batch, and fewer where the loss
    falls sooner. None where nothing learns.

    The learning rate goes through its whole schedule, as fast as that takes, so that a warm-up does not look like a
    network that stands still. net: it is trained. settings: those of the section `train`, for one batch in fp32.
    """
    if not learning(net):
        return None
    images, steps = affordable(net.graph.total_macs, len(batch[0]))
    batch = (batch[0][:images], batch[1][:images])
    trainer, _ = assemble(net, settings, OneBatch(task, batch, batches), EAGER)
    constant = constant_guess(trainer.compute.loss, task, batch[1])
    net.train()
    losses: list[float] = []
    while len(losses) < steps and not (losses and not math.isfinite(losses[-1])) and not _fits(losses, constant):
        losses.append(_step(trainer, batch, len(losses) * trainer.total // STEPS))
    by = f"{settings.mover.name}(lr={settings.mover.args.lr:g})"
    return Trial(images, len(losses), by, steps == STEPS, constant, tuple(losses), _fits(losses, constant))


def affordable(macs: int, batch: int) -> tuple[int, int]:
    """How many images, and how many steps with them. macs: of one image, forward."""
    one = 3 * max(macs, 1)
    images = min(batch, max(FEWEST, min(MOST, int(WORK / (STEPS * one)))))
    return images, max(1, min(STEPS, int(WORK / (images * one))))


def _step(trainer: Trainer, batch: Batch, at: int) -> float:
    """Take a step with the learning rate of step `at` of the training; the loss before it."""
    state, compute = trainer.state, trainer.compute
    state.optimizers.set_rates(lambda schedule: rate(schedule, at, trainer.per_epoch, trainer.total))
    compute.seed()
    figures = compute([batch])
    state.step += 1
    if state.lookahead:
        state.lookahead.update(state.step)
    return compute.loss.mean_of(figures[: compute.loss.rows, 0].tolist())


def _fits(losses: list[float], constant: float) -> bool:
    return len(losses) >= LAST and fmean(losses[-LAST:]) < FITS * constant


def blind_guess(loss: Loss, task: BoundTask, target: Tensor) -> float:
    """The loss of outputs that are the same for every image: all classes or tags equally likely; of numbers, the mean
    of each. target: of a batch."""
    if task.facts == REGRESSION:
        return _of_answer(loss, target, target.to(exact_dtype(target.device)).mean(dim=0))
    return _of_answer(loss, target, torch.zeros(len(task.outputs), device=target.device))


def constant_guess(loss: Loss, task: BoundTask, target: Tensor) -> float:
    """The loss of the best answer that is the same for every image of a batch: classes or tags as likely as they are
    in it; of numbers, the mean of each."""
    blind = blind_guess(loss, task, target)
    if task.facts == REGRESSION:
        return blind
    shares = _shares(task, target).clamp(1e-6, 1 - 1e-6)
    exclusive = task.facts == CLASSIFICATION or task.facts.per_pixel
    return min(blind, _of_answer(loss, target, shares.log() if exclusive else shares.logit()))


def _shares(task: BoundTask, target: Tensor) -> Tensor:
    """How often each class or tag occurs."""
    dtype, count = exact_dtype(target.device), len(task.outputs)
    if target.is_floating_point() or not (task.facts == CLASSIFICATION or task.facts.per_pixel):
        return target.to(dtype).mean(dim=0)
    labels = target.flatten().long()
    if task.ignore is not None:
        labels = labels[labels != task.ignore]
    counts = labels[labels < count].bincount(minlength=count).to(dtype)
    return counts / counts.sum().clamp(min=1)


def _of_answer(loss: Loss, target: Tensor, answer: Tensor) -> float:
    """The loss of one answer for all images, and for all pixels of masks."""
    places = target.shape[1:] if target.dtype == torch.uint8 and target.dim() == 3 else ()
    answer = answer.to(exact_dtype(target.device)).view(1, -1, *(1 for _ in places))
    return float(loss(answer.expand(len(target), -1, *places), target))
