"""The training loop: steps, and at the end of each epoch an evaluation, a line, a checkpoint."""

import hashlib
import math
from collections.abc import Callable, Iterable
from time import perf_counter
from typing import Any, Protocol

import torch
from torch import Tensor

from specc.backend.device import seed_generators
from specc.backend.engine.optimizers import param_rules
from specc.backend.engine.penalty import Penalty
from specc.backend.engine.progress import INTERVAL, ProgressListener
from specc.backend.engine.state import EpochResult, TrainState
from specc.backend.evaluation.evaluate import evaluate
from specc.backend.evaluation.losses import Loss
from specc.backend.interrupt import Interrupt
from specc.backend.precision import Precision
from specc.errors import SpeccError
from specc.faults import reach
from specc.tricks.schedule import Clock, rate
from specc.tricks.sections import TrainSettings

Batch = tuple[Tensor, Tensor]

KEPT_FOR = 600.0  # seconds within an epoch after which the state is kept: no kill loses more than that


class Loader(Protocol):
    """Where batches come from: normalized images, N x C x H x W, on the device, and their targets."""

    classes: tuple[str, ...]
    batch: int
    batches: int

    def training(self, epoch: int, index: int) -> Batch:
        """Batch number `index` of an epoch, augmented; the same for the same numbers."""

    def validation(self) -> Iterable[Batch]:
        """All validation images."""


class CheckpointSink(Protocol):
    """Who keeps what a training leaves behind."""

    def epoch(self, state: TrainState, line: dict[str, Any]) -> None:
        """An epoch has ended and was evaluated."""

    def pause(self, state: TrainState) -> None:
        """The training stops within an epoch, or the epoch is a long one."""


def length(settings: TrainSettings, loader: Loader) -> tuple[int, int]:
    """The steps of an epoch, and those of a whole training."""
    per_epoch = max(1, loader.batches // settings.accumulate)
    return per_epoch, max(1, round(settings.epochs * per_epoch))


class Trainer:
    """Takes a state through its steps. `settings` are those of the section `train`."""

    def __init__(
        self,
        state: TrainState,
        loader: Loader,
        settings: TrainSettings,
        loss: Loss,
        penalty: Penalty,
        precision: Precision,
    ) -> None:
        self.state, self.loader, self.settings = state, loader, settings
        self.loss, self.penalty, self.precision = loss, penalty, precision
        self.device = state.table.device
        self.forward: Callable[[Tensor], Any] = state.net
        self.launch: Callable[[int], None] | None = None  # in place of `compute`
        self.per_epoch, self.total = length(settings, loader)
        self.ends = self._ends()
        self.head_weights = {head.name: head.weight for head in state.net.graph.heads}

    def _ends(self) -> list[tuple[float, list[torch.nn.Parameter]]]:
        """Steps after which weights stand still, with these weights: `until` of their groups."""
        found: dict[float, list[torch.nn.Parameter]] = {}
        clock = Clock(0, self.per_epoch, self.total)
        state = self.state
        for name, rule in param_rules(state.net.graph, self.settings, state.weights).items():
            if rule.until is not None:
                found.setdefault(clock.steps(rule.until), []).append(state.weights[name])
        return list(found.items())

    def run(
        self, sink: CheckpointSink, listener: ProgressListener, interrupt: Interrupt, until: int | None = None
    ) -> None:
        """Train until the end, until `early_stop` or `target` says so, or until a signal comes; or until a step.

        Raises SpeccError E436 where the loss is not finite.
        """
        state = self.state
        state.net.train()
        while not self.finished():
            started = looked = kept = perf_counter()
            first = state.step
            while True:
                self.step()
                reach("epoch.middle")
                ended = state.step % self.per_epoch == 0 or state.step >= self.total
                stops = bool(interrupt.signal) or state.step == until
                if ended or stops:
                    break
                if perf_counter() - looked > INTERVAL:
                    self._look(listener, started, first)
                    looked = perf_counter()
                    if looked - kept > KEPT_FOR:
                        state.seconds += looked - started
                        sink.pause(state)
                        started = looked = kept = perf_counter()
                        first = state.step
            self._check(self.state.table[0].cpu())  # waits for the device
            state.seconds += perf_counter() - started
            if not ended:
                sink.pause(state)
                return
            self._end_epoch(sink, listener)
            if stops:
                return

    def finished(self) -> bool:
        """Whether there is nothing left to do."""
        if self.state.step >= self.total:
            return True
        best, results = self.state.best, self.state.results
        if best is None or self.state.step != results[-1].step:
            return False
        target, patience = self.settings.target, self.settings.early_stop
        reached = target is not None and best.accuracy >= target
        tired = patience is not None and results[-1].epoch - best.epoch >= patience
        return reached or tired

    def step(self) -> None:
        """One step of the optimizer, over `accumulate` batches. The device is not waited for."""
        state = self.state
        epoch, index = divmod(state.step, self.per_epoch)
        for end, weights in self.ends:
            for weight in weights:
                weight.requires_grad_(state.step < end)
        if index == 0:
            state.table.zero_()
            state.seconds = 0.0
        losses = [result.loss for result in state.results]
        state.optimizers.set_rates(lambda schedule: rate(schedule, state.step, self.per_epoch, self.total, losses))
        self.seed()
        (self.launch or self.compute)(epoch)
        state.step += 1
        if state.lookahead:
            state.lookahead.update(state.step)
        if state.average:
            state.average.update(state.step)

    def seed(self) -> None:
        """Set the generators that the network draws from (for dropout, say) for the step that comes."""
        seed_generators(step_seed(self.settings.seed, self.state.step), self.device)

    def numbers(self) -> range:
        """The numbers within the epoch of the batches of the step that comes."""
        first = self.state.step % self.per_epoch * self.settings.accumulate
        return range(first, first + self.settings.accumulate)

    def compute(self, epoch: int) -> None:
        """What a step computes, one operation after the other."""
        for number in self.numbers():
            self.state.table[:, number] = self.backward(*self.loader.training(epoch, number))
        self.update()

    def backward(self, images: Tensor, target: Tensor) -> Tensor:
        """Add the gradient of the loss of one batch. Its mean loss and its number of right answers, as one tensor."""
        state = self.state
        with self.precision.autocast(self.device):
            answer = self.forward(images)
        logits, heads = answer if isinstance(answer, tuple) else (answer, {})
        found = self.loss.parts(logits, target)
        labels = target.argmax(dim=1) if target.is_floating_point() else target
        right = (logits.detach().argmax(dim=1) == labels).sum()
        said = torch.stack([found.mean.detach(), right.to(found.total.dtype)])
        is_sum = self.loss.is_sum
        loss = found.total if is_sum else found.mean
        for name, of_head in heads.items():
            parts = self.loss.parts(of_head, target)
            loss = loss + self.head_weights[name] * (parts.total if is_sum else parts.mean)
        loss = loss if is_sum else loss / self.settings.accumulate
        if loss.requires_grad:  # not where all that learned stands still
            (state.scaler.scale(loss) if state.scaler else loss).backward()  # type: ignore[no-untyped-call]
        return said

    def update(self) -> None:
        """Let the weights follow their gradients."""
        state, optimizers = self.state, self.state.optimizers
        moving = optimizers.moving() if state.scaler else ()
        for part in moving:
            assert state.scaler is not None
            state.scaler.unscale_(part)
        self.penalty.add_gradient()
        if self.settings.clip is not None:
            torch.nn.utils.clip_grad_norm_(state.weights.values(), self.settings.clip)
        if state.scaler is None:
            optimizers.step()
        elif moving:
            for part in moving:
                state.scaler.step(part)
            state.scaler.update()
        optimizers.zero_grad()

    def _end_epoch(self, sink: CheckpointSink, listener: ProgressListener) -> None:
        """Evaluate, and hand over the epoch's line; the same figures whether the epoch was trained in one go or not."""
        state = self.state
        if state.lookahead and state.lookahead.a.rewind:
            state.lookahead.bring_back()
        if state.kept:
            state.kept.swap()
        tta = self.settings.evaluate
        classes = len(self.loader.classes)
        reach("evaluation")
        found = evaluate(
            state.net, self.loader.validation(), classes, self.loss, self.precision, tta.args if tta else None
        )
        if state.kept:
            state.kept.swap()
        if not math.isfinite(found.loss):
            raise NotFinite("validation loss", state.step)
        result = EpochResult(state.step / self.per_epoch, state.step, found.loss, found.accuracy)
        state.results.append(result)
        loss, accuracy, images = self._so_far(state.table.cpu())
        line: dict[str, Any] = {
            "epoch": result.epoch,
            "step": result.step,
            "train_loss": loss,
            "train_accuracy": accuracy,
            "val_loss": result.loss,
            "val_accuracy": result.accuracy,
            "images_per_second": images / state.seconds if state.seconds else 0.0,
            "seconds": state.seconds,
            "lr": state.optimizers.rate,
        }
        if tta:
            line["val_accuracy_one_view"] = found.one_view
        if self.penalty.names:
            line["penalty"] = self.penalty.value()
        sink.epoch(state, line)
        listener.epoch(result, line, result is state.best)

    def _so_far(self, table: Tensor) -> tuple[float, float, int]:
        """Mean loss, accuracy and number of images of the epoch up to now."""
        batches = ((self.state.step - 1) % self.per_epoch + 1) * self.settings.accumulate
        loss, right = table[:, :batches].double().sum(dim=1).tolist()
        images = batches * self.loader.batch
        return loss / batches, right / images, images

    def _look(self, listener: ProgressListener, started: float, first: int) -> None:
        """Show how it goes; the only place within an epoch that waits for the device."""
        state = self.state
        table = state.table.cpu()
        self._check(table[0])
        loss, accuracy, _ = self._so_far(table)
        images = (state.step - first) * self.settings.accumulate * self.loader.batch
        speed = images / (perf_counter() - started)
        listener.steps(state.step, math.ceil(state.step / self.per_epoch), loss, accuracy, speed)

    def _check(self, losses: Tensor) -> None:
        """Raise E436 for the first step of this epoch whose loss is not finite."""
        bad = (~losses.isfinite()).nonzero()
        if len(bad):
            start = (self.state.step - 1) // self.per_epoch * self.per_epoch
            raise NotFinite("loss", start + int(bad[0]) // self.settings.accumulate + 1)


class NotFinite(SpeccError):
    """E436: a loss that is no number. step: the one that it was found at. where: what is known of where it began."""

    def __init__(self, what: str, step: int, where: str = "") -> None:
        self.what, self.step = what, step
        message = f"the {what} is not a finite number at step {step}; the last checkpoint before it is kept"
        help = "a smaller learning rate, `schedule = warmup(1) -> …`, or `clip = 1` usually mends it"
        super().__init__("E436", [message, where] if where else message, help=help, status=1)


def step_seed(seed: int, step: int) -> int:
    """A seed for torch's own generator that differs for each step."""
    return int.from_bytes(hashlib.blake2b(f"{seed}/{step}".encode(), digest_size=8).digest()) >> 1
