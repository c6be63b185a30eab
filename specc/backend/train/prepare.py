"""A training put together, from a request to the point before its first step."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch

from specc.backend.build import build
from specc.backend.data.balance import rare_note, sample_note, weights_notes
from specc.backend.data.batches import Cut
from specc.backend.data.classes import label_table
from specc.backend.data.dataset import DataSet, load
from specc.backend.data.loader import DataLoader, check_fit
from specc.backend.data.subset import subset_of
from specc.backend.device import describe, find
from specc.backend.engine.applied import fresh_statistics, whitened
from specc.backend.engine.assemble import assemble
from specc.backend.engine.growth import growth
from specc.backend.engine.rehearsal import Peak
from specc.backend.engine.trainer import Trainer, length
from specc.backend.evaluation.losses import weighted_losses
from specc.backend.evaluation.words import loss_words
from specc.backend.execution.apply import apply, set_up
from specc.backend.execution.features import RECOMPUTED, choose, keep_features
from specc.backend.execution.plan import Plan, complete, make_plan
from specc.backend.execution.recompute import choose_recompute, memory_of
from specc.backend.execution.trial import settle
from specc.backend.initialize import initialize
from specc.backend.memory import room
from specc.backend.ranks import ALONE, Ranks
from specc.backend.run import manifest
from specc.backend.run.manifest import sha256_of
from specc.backend.train.processes import refuse_different, refuse_world
from specc.backend.train.start import begin
from specc.check import Trainable
from specc.errors import SpeccError, counted
from specc.plugins import packages_of
from specc.tricks.sections import DataSettings, TrainSettings, losses_of
from specc.vocabulary.family import Validation
from specc.vocabulary.registry import component


class Request(NamedTuple):
    """What is to be trained, on which data and where.

    base: the folder that relative paths in the spec start from. subset: train and validate on so many images only.
    dataset: the data, where they are loaded already. begun: the run.json of a run that is resumed. test: a test part
    that does not validate is opened, to be measured at the end. ranks: this process among those that train together.
    """

    spec: Trainable
    device: str = "auto"
    data_dir: Path | None = None
    base: Path = Path()
    subset: int | None = None
    dataset: DataSet | None = None
    begun: Mapping[str, Any] | None = None
    test: bool = False
    ranks: Ranks = ALONE


class Job(NamedTuple):
    """A training that is ready to run. notes: what is said about it once. about: its part of run.json.

    images: where they are, "in memory" or "streamed", and what of them is in memory at most, in words.
    request: what asks for the same training anew, at its beginning. dataset: what is trained on.
    """

    request: Request
    dataset: DataSet
    trainer: Trainer
    plan: Plan
    notes: list[str]
    about: dict[str, Any]
    images: tuple[str, str]

    def memory(self, world: int = 1) -> tuple[Peak, int]:
        """What a step takes by estimate, by one of `world` processes; and the bytes that are free on this device."""
        return memory_of(self.plan, self.request.spec, self.trainer, world), room(self.plan.device)


def prepare(request: Request) -> Job:
    """The training that is asked for, before its first step.

    Raises SpeccError: E430, E431, E434 and E444 as device, precision
    and settings go; E306 and E307 where the data do not fit the network; E401 and on from the data; E442, E443, E489
    and E496 to E498 from the weights that it begins with; E500 to E503 where shards, images and processes do not fit.
    """
    graph, data, settings = request.spec.graph, request.spec.data, request.spec.train
    device, ranks = find(request.device), request.ranks
    refuse_world(settings.shards, ranks.world)
    plan = make_plan(graph, settings, device, request.begun, ranks)
    set_up(plan)
    dataset = _dataset(request)
    check_fit(request.spec, dataset)
    settings = settings.replace(loss=weighted_losses(settings, dataset))
    cut = Cut(settings.shards, ranks.share(settings.shards), settings.accumulate)
    loader = DataLoader(dataset, data, settings.batch, settings.seed, device, cut)
    if settings.accumulate > loader.batches:
        raise SpeccError(
            "E444",
            f"train.accumulate is {settings.accumulate}, but an epoch has {loader.batches} batches",
            help="accumulate fewer batches, or use smaller ones",
            status=1,
        )
    net = build(graph)
    initialize(net, settings.seed, loader.sample)
    about_loss = loss_words(losses_of(request.spec.train, dataset.task.facts), len(dataset.classes))
    losses = [*_balance(dataset, data, settings), *([about_loss] if about_loss else [])]
    where, held = loader.held
    streamed = [f"images are {where}, {held}"] if where == "streamed" else []
    notes = [*dataset.notes, *streamed, *losses, *_left_over(loader, settings.accumulate)]
    start = None
    if settings.start and request.begun is None:  # else a checkpoint brings the weights
        start, started = begin(net, settings.start, request.base, dataset, data)
        notes += started
    per_epoch, total = length(settings, loader)
    grows = growth(graph, data, per_epoch, total)
    plan = complete(plan, net, loader.source, grows, total)
    plan, still, place = choose(plan, net, loader, settings, request.begun, ranks)
    spec = request.spec._replace(train=settings)
    is_short = still is not None and still.until >= total
    plan = choose_recompute(plan, spec, loader.batch, dataset.task, ranks, is_short=is_short)
    notes += _kept(plan)
    plan = settle(plan, net, loader, settings, ranks)
    forward = apply(plan, net)
    trainer, reached = assemble(net, settings, loader, plan.precision, ranks)
    trainer.compute.forward, trainer.growth = forward, grows
    if grows is not None:
        notes.append(f"progressive: training images are {plan.sizes}; they are evaluated at {grows.full}")
    if still is not None and place is not None:
        keep_features(trainer, plan, loader, still, place, forward)
    notes += [*whitened(graph, len(dataset.train)), *reached]
    if request.begun is None:  # else a checkpoint brings the statistics
        notes += fresh_statistics(net)
    several = "" if ranks.is_alone else f"{ranks.world} processes, each on "
    machine = f"{several}{describe(device)}"
    shown = f"{machine}, {plan.precision.name} ({plan.precision.reason}); validation: {dataset.validated_on}"
    again = request._replace(dataset=dataset, subset=None)
    about = _about(trainer, dataset, device, plan, notes) | {"packages": packages_of(request.spec)}
    across = settings.plan.args.across if settings.plan else "exact"
    about["ranks"] = {
        "world": ranks.world,
        "shards": settings.shards,
        "threads": about["threads"],
        "across": across,
    }
    refuse_different(ranks, about | {"spec": sha256_of(request.spec.resolved)})
    if request.begun is None:
        about["start"] = start
    return Job(again, dataset, trainer, plan, [shown, *_table(dataset), *notes], about, loader.held)


def _dataset(request: Request) -> DataSet:
    """The data of a request, or so many images of them."""
    looks = component(Validation, request.spec.data.validation).looks
    dataset = request.dataset or load(
        request.spec.data, data_dir=request.data_dir, base=request.base, with_test=looks and request.test
    )
    return dataset if request.subset is None else subset_of(dataset, request.subset)


def _table(dataset: DataSet) -> list[str]:
    """What the labels of each part are: how often each class occurs, or how the numbers are distributed."""
    parts = [("training", dataset.train.labels), ("validation", dataset.validation.labels)]
    if dataset.test and dataset.test.labels is not None:
        parts.append(("test" if dataset.test.images is not None else "test (not used)", dataset.test.labels))
    return label_table(dataset.task, parts)


def _balance(dataset: DataSet, data: DataSettings, settings: TrainSettings) -> list[str]:
    """What is done about classes that differ in size, and what is not."""
    losses = losses_of(settings, dataset.task.facts)
    return [
        *weights_notes(losses, dataset.task),
        *sample_note(data.sample, dataset.task, dataset.train.labels),
        *rare_note(dataset, losses, data.sample, settings.best),
    ]


def _left_over(loader: DataLoader, accumulate: int) -> list[str]:
    """A note on the images that fill no batch, or no step of `accumulate` batches, at the end of an epoch."""
    images = len(loader.dataset.train)
    batches = loader.batches // accumulate * accumulate
    rest = images - loader.batch * batches
    if not rest:
        return []
    what = f"{rest:,} of {counted(images, 'training image')} {'is' if rest == 1 else 'are'} left out of each epoch"
    return [f"{what}, different ones each time, so that every batch is full: {batches:,} of {loader.batch:,}"]


def _kept(plan: Plan) -> list[str]:
    """What is computed once instead of in every step, or twice in a step."""
    notes = []
    if plan.features and plan.features != RECOMPUTED:
        notes.append(f"features of frozen layers are {plan.features}: {plan.reasons['features']}")
    if plan.ends:
        notes.append(f"computed twice: {plan.recompute}; {plan.reasons['recompute']}")
    return notes


def _about(trainer: Trainer, dataset: DataSet, device: torch.device, plan: Plan, notes: list[str]) -> dict[str, Any]:
    parameters = trainer.state.net.graph.parameters
    return manifest.about(
        dataset,
        device,
        parameters=parameters,
        frozen=parameters - sum(weight.numel() for weight in trainer.learning().values()),
        steps_per_epoch=trainer.per_epoch,
        steps=trainer.total,
        precision=plan.precision.name,
        plan=plan.as_dict(),
        applied=notes,
    )
