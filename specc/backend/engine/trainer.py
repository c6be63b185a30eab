"""The training loop: steps, and at the end of each epoch an evaluation, a line, a checkpoint."""

import math
from collections.abc import Callable, Iterable, Iterator
from signal import Signals
from time import perf_counter
from typing import Any, Protocol

import torch
from torch import Tensor

from specc.backend.engine.applied import thawed
from specc.backend.engine.average import Snapshot
from specc.backend.engine.features import Features
from specc.backend.engine.growth import Growth
from specc.backend.engine.optimizers import Weights
from specc.backend.engine.shards import Sharded, refuse_divergence
from specc.backend.engine.state import TrainState
from specc.backend.engine.statistics import has_statistics, renew
from specc.backend.engine.step import Batch, Step
from specc.backend.engine.windows import ALWAYS, norm_windows, thaw_step, weight_windows
from specc.backend.evaluation.evaluate import evaluate
from specc.backend.evaluation.totals import Evaluation, Figures
from specc.backend.interrupt import Interrupt
from specc.backend.progress import INTERVAL, ProgressListener
from specc.backend.ranks import ALONE, Ranks
from specc.backend.tasks.bound import BoundTask, Records
from specc.errors import SpeccError
from specc.faults import reach
from specc.tasks import LOSS
from specc.tricks.length import steps
from specc.tricks.schedule import rate
from specc.tricks.sections import TrainSettings
from specc.vocabulary.family import Clock

LIVE = 10_000  # images, the latest, whose figure is shown within an epoch
KEPT_FOR = 600.0  # seconds within an epoch after which the state is kept: no kill loses more than that


class Loader(Protocol):
    """Where batches come from: normalized images, N x C x H x W, on the device, and their labels."""

    task: BoundTask
    batch: int
    batches: int

    def training(self, epoch: int, index: int, shard: int = 0) -> Batch:
        """A shard of batch number `index` of an epoch, augmented; the same for the same numbers."""

    def validation(self, ranks: Ranks = ALONE) -> Iterable[Batch]:
        """All validation images, or this process's share of their batches."""


class CheckpointSink(Protocol):
    """Who keeps what a training leaves behind."""

    def epoch(self, state: TrainState, line: dict[str, Any]) -> None:
        """An epoch has ended and was evaluated."""

    def pause(self, state: TrainState) -> None:
        """The training stops within an epoch, or the epoch is a long one."""


def length(settings: TrainSettings, loader: Loader) -> tuple[int, int]:
    """The steps of an epoch, and those of a whole training."""
    return steps(settings.epochs, loader.batches, settings.accumulate)


class Trainer:
    """Takes a state through its steps. `settings` are those of the section `train`.

    compute: what a step computes. launch: what carries it out: itself, unless something is put in its place. sharded:
    what takes a step whose batches are cut into shards, in place of both. growth: how training images grow; None: they
    do not. ranks: this process among those that train.
    """

    def __init__(
        self, state: TrainState, loader: Loader, settings: TrainSettings, compute: Step, ranks: Ranks = ALONE
    ) -> None:
        self.state, self.loader, self.settings, self.ranks = state, loader, settings, ranks
        self.compute = compute
        is_exact = settings.plan is None or settings.plan.args.across == "exact"
        self.sharded = Sharded(compute, ranks, is_exact) if settings.shards > 1 else None
        self.launch: Callable[[Iterable[Batch]], Tensor] = compute
        self.device = state.table.device
        self.per_epoch, self.total = length(settings, loader)
        self.growth: Growth | None = None
        self.best_records: Records | None = None  # of the validation images, where the best epoch was of this process
        clock, graph = Clock(0, self.per_epoch, self.total), state.net.graph
        windows = weight_windows(graph, settings, clock)
        self.features: Features | None = None  # in place of images, as long as what makes them stands still
        self.windows = {name: windows[name] for name in state.weights if windows[name] != ALWAYS}
        self.norm_windows = norm_windows(graph, settings, clock)
        self.thaw_step = thaw_step(settings, clock)

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
                was_thawed = state.thawed
                self.step()
                if state.thawed and not was_thawed:
                    listener.say(thawed(self.settings, state.step - 1))
                reach("epoch.middle")
                ended = state.step % self.per_epoch == 0 or state.step >= self.total
                now = perf_counter()
                looks, keeps = self._agree(interrupt, now - looked > INTERVAL, now - kept > KEPT_FOR)
                stops = bool(interrupt.signal) or state.step == until
                if ended or stops:
                    break
                if looks:
                    self._gather_table()
                    self._look(listener, started, first)
                    looked = perf_counter()
                    if keeps:
                        state.seconds += looked - started
                        sink.pause(state)
                        started = looked = kept = perf_counter()
                        first = state.step
            self._gather_table()
            self._check(self.state.table.cpu())  # waits for the device
            state.seconds += perf_counter() - started
            if not ended:
                sink.pause(state)
                return
            refuse_divergence(state.net, state.step, self.ranks)
            self._end_epoch(sink, listener)
            if stops:
                return

    def learning(self) -> Weights:
        """The weights that learn in one of the steps at least."""
        never = {name for name, window in self.windows.items() if window.is_empty or window.begin >= self.total}
        return {name: weight for name, weight in self.state.weights.items() if name not in never}

    def finished(self) -> bool:
        """Whether there is nothing left to do."""
        if self.state.step >= self.total:
            return True
        selection, results = self.state.selection, self.state.results
        best = selection.highest(results)
        if best is None or self.state.step != results[-1].step:
            return False
        target, patience = self.settings.target, self.settings.early_stop
        reached = target is not None and selection.reached(best, target)
        tired = patience is not None and results[-1].epoch - best.epoch >= patience
        return reached or tired

    def _source(self, step: int) -> Loader:
        """Where the batches of a step come from, and of an evaluation after it."""
        return self.features.loader() if self.features and step < self.features.until else self.loader

    def step(self) -> None:
        """One step of the optimizer, over `accumulate` batches. The device is not waited for."""
        state = self.state
        epoch, index = divmod(state.step, self.per_epoch)
        self._let_learn()
        if index == 0:
            state.table.zero_()
            state.seconds = 0.0
        self.compute.size = self.growth.size(state.step) if self.growth else None
        costs = [state.selection.cost(result) for result in state.results]
        state.optimizers.set_rates(lambda schedule: rate(schedule, state.step, self.per_epoch, self.total, costs))
        first = index * self.settings.accumulate
        source = self._source(state.step)
        numbers = range(first, first + self.settings.accumulate)
        if self.sharded:
            figures = self.sharded(
                lambda shard: (self._sized(source.training(epoch, number, shard)) for number in numbers)
            )
            mine = self.sharded.mine
            self._of_shards()[:, numbers.start : numbers.stop, mine.start : mine.stop] = figures
        else:
            self.compute.seed()
            state.table[:, numbers.start : numbers.stop] = self.launch(
                self._sized(source.training(epoch, number)) for number in numbers
            )
        state.step += 1
        if state.lookahead:
            state.lookahead.update(state.step)
        if state.average:
            state.average.update(state.step)

    def _sized(self, batch: Batch) -> Batch:
        """A batch with its images as large as they are in the step that comes."""
        images, labels = batch
        return (self.growth(images, self.state.step), labels) if self.growth else batch

    def _of_shards(self) -> Tensor:
        """The table, rows x batches x shards."""
        return self.state.table.view(len(self.state.table), -1, self.settings.shards)

    def _gather_table(self) -> None:
        """Let the table hold what all processes know of the epoch so far."""
        if self.sharded and not self.ranks.is_alone:
            mine, table = self.sharded.mine, self._of_shards()[:, : self._batches]
            own = table[:, :, mine.start : mine.stop].permute(2, 0, 1)
            table.copy_(torch.cat(self.ranks.gather_tensors(own)).permute(1, 2, 0))

    def _agree(self, interrupt: Interrupt, looks: bool, keeps: bool) -> tuple[bool, bool]:
        """What all processes do after a step: a signal that any of them received stops all, the first one's clock tells
        when the training is looked at, and when it is kept."""
        is_first = self.ranks.is_first
        number, *does = self.ranks.highest(interrupt.signal or 0, looks and is_first, keeps and is_first)
        if number and not interrupt.signal:
            interrupt.signal = Signals(number)
        return bool(does[0]), bool(does[1])

    @property
    def _batches(self) -> int:
        """Those of the epoch up to now."""
        return ((self.state.step - 1) % self.per_epoch + 1) * self.settings.accumulate

    def _let_learn(self) -> None:
        """Before a step: those weights learn, and those norms rest, whose time it is."""
        state = self.state
        for name, window in self.windows.items():
            state.weights[name].requires_grad_(window.has(state.step))
        if self.windows or self.settings.frozen_until is not None:
            rests = {name: not any(one.has(state.step) for one in parts) for name, parts in self.norm_windows.items()}
            state.net.rest(name for name, resting in rests.items() if resting)
        if state.step >= self.thaw_step and not state.thawed:
            state.thaw()

    def _end_epoch(self, sink: CheckpointSink, listener: ProgressListener) -> None:
        """Evaluate, and hand over the epoch's line; the same figures whether the epoch was trained in one go or not."""
        state = self.state
        self.put_in_kept()
        views = self.settings.evaluate
        a = views.args if views else None
        task, compute = self.loader.task, self.compute
        reach("evaluation")
        source = self.loader if views else self._source(state.step - 1)
        net = self.features.tail if self.features and source is not self.loader else state.net
        batches = source.validation() if self.ranks.is_alone else source.validation(self.ranks)
        evaluation = evaluate(net, batches, task, compute.loss, compute.precision, a, ranks=self.ranks)
        if state.kept:
            state.kept.swap()
        if not math.isfinite(evaluation.loss):
            raise NotFinite("validation loss", state.step)
        self._refuse_unknown(evaluation)
        loss, records = self._so_far(state.table.cpu())
        line: dict[str, Any] = {
            "epoch": state.step / self.per_epoch,
            "step": state.step,
            "train_loss": loss,
            **_keys("train_{}", self._of_training(records)),
            "val_loss": evaluation.loss,
            **_keys("val_{}", evaluation.figures),
            "images_per_second": len(records) / state.seconds if state.seconds else 0.0,
            "seconds": state.seconds,
            "lr": state.optimizers.rate,
        }
        if views:
            line |= _keys("val_{}_one_view", evaluation.one_view)
        if compute.penalty.names:
            line["penalty"] = compute.penalty.value()
        state.lines.append(line)
        if state.has_improved:
            self.best_records = evaluation.records
        sink.epoch(state, line)
        listener.epoch(state.results[-1], line, state.has_improved)

    def put_in_kept(self) -> None:
        """At the end of an epoch: let the network hold what is evaluated and kept, until it is swapped back."""
        state = self.state
        if state.lookahead and state.lookahead.a.rewind:
            state.lookahead.bring_back()
        if state.snapshot:
            state.snapshot.take(state.step)
        if state.kept:
            state.kept.swap()
        if isinstance(state.kept, Snapshot) and has_statistics(state.net):
            mean = self.sharded.mean if self.sharded else next
            renew(state.net, self._first_batches(state.kept.batches), mean, self.compute.precision)

    def _first_batches(self, most: int | None) -> Iterator[tuple[int, Tensor]]:
        """The images of the first epoch's batches again, with the numbers of their shards. most: so many batches."""
        count, accumulate = self.loader.batches, self.settings.accumulate
        count = count if most is None else min(most, count)
        for first in range(0, count, accumulate):
            numbers = range(first, min(first + accumulate, count))
            if self.sharded is None:
                yield from ((0, self.loader.training(0, number)[0]) for number in numbers)
            else:
                for shard in self.sharded.mine:
                    yield from ((shard, self.loader.training(0, number, shard)[0]) for number in numbers)

    def _refuse_unknown(self, evaluation: Evaluation) -> None:
        """Raise SpeccError E409 where the figure that chooses says nothing about the validation images."""
        figure = self.state.selection.figure
        if figure != LOSS and evaluation.figures[figure.name] is None:
            message = f"the validation images have no {figure.title}: there is nothing to compute it from"
            raise SpeccError("E409", message, help="give validation images with labels, or set train.best", status=1)

    def _of_training(self, records: Records) -> Figures:
        """The figures of the training images that have a line: the task's first, and the one that chooses."""
        task, chosen = self.loader.task, self.state.selection.figure
        figures = task.figures(records)
        wanted = dict.fromkeys([task.facts.figures[0].name, chosen.name])
        return {name: figures[name] for name in wanted if name in figures}

    def _so_far(self, table: Tensor, most: int | None = None) -> tuple[float, Records]:
        """Mean loss and records of the images of the epoch up to now. most: of so many shards, the latest."""
        batches = self._batches * self.settings.shards
        rows, columns = self.compute.loss.rows, self.loader.task.columns
        loss = self.compute.loss.mean_of(table[:rows, :batches].double().sum(dim=1).tolist())
        latest = table[rows:, max(batches - most, 0) if most else 0 : batches]
        return loss, latest.T.reshape(-1, columns).double().numpy()

    def _look(self, listener: ProgressListener, started: float, first: int) -> None:
        """Show how it goes; the only place within an epoch that waits for the device."""
        state = self.state
        table = state.table.cpu()
        self._check(table)
        loss, records = self._so_far(table, most=max(LIVE * self.settings.shards // self.loader.batch, 1))
        images = (state.step - first) * self.settings.accumulate * self.loader.batch
        speed = images / (perf_counter() - started)
        figure = self.loader.task.facts.figures[0]
        text = f"{figure.title} {figure.text(self.loader.task.figures(records)[figure.name])}"
        listener.steps(state.step, math.ceil(state.step / self.per_epoch), loss, text, speed)

    def _check(self, table: Tensor) -> None:
        """Raise E436 for the first step of this epoch whose loss is not finite."""
        bad = (~table[: self.compute.loss.rows].isfinite().all(dim=0)).nonzero()
        if len(bad):
            start = (self.state.step - 1) // self.per_epoch * self.per_epoch
            raise NotFinite("loss", start + int(bad[0]) // self.compute.parts + 1)


def _keys(form: str, figures: Figures) -> dict[str, float]:
    """The figures that are known, by the keys of metrics.jsonl."""
    return {form.format(name): value for name, value in figures.items() if value is not None}


class NotFinite(SpeccError):
    """E436: a loss that is no number. step: the one that it was found at. where: what is known of where it began."""

    def __init__(self, what: str, step: int, where: str = "") -> None:
        self.what, self.step = what, step
        message = f"the {what} is not finite at step {step}; the last checkpoint before it is kept"
        help = "a smaller learning rate, `schedule = warmup(1) -> …`, or `clip = 1` usually fixes it"
        super().__init__("E436", [message, where] if where else message, help=help, status=1)
