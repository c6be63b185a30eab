"""`specc probe`: what one batch shows of a freshly initialized network, and of its first steps on it."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import torch
from torch import Tensor

from specc.backend.build import Net, build
from specc.backend.data.dataset import DataSet, dataset_key, load
from specc.backend.data.loader import DataLoader, check_fit
from specc.backend.device import describe, exact, find, seed_generators, set_threads, thread_count
from specc.backend.engine.optimizers import freeze
from specc.backend.engine.step import step_seed
from specc.backend.evaluation.losses import Loss, loss_function, weighted_losses
from specc.backend.initialize import initialize
from specc.backend.memory import memory_explained
from specc.backend.probe.measure import Watch, ratio
from specc.backend.probe.trial import blind_guess, try_steps
from specc.backend.probe.verdict import HOPELESS, after_trial, judge
from specc.backend.start import load_start, map_start, resolve_start
from specc.backend.tasks.bound import BoundTask
from specc.check import Checked, Trainable
from specc.report.layers import activation_bytes
from specc.report.probe import Probed
from specc.tasks import REGRESSION
from specc.tricks.sections import TrainSettings

MOST = 256  # images: more change no figure that is looked at here
FEWEST = 16
ROOM = 1 << 30  # bytes of activations, so that a large network with large images fits into a small machine
WORK = 150e9  # multiply-accumulates, there and back: about three seconds on two cores


def probe(
    checked: Checked,
    *,
    device: str = "auto",
    data_dir: Path | None = None,
    base: Path = Path(),
    dataset: DataSet | None = None,
) -> Probed:
    """The first batch of the training, or the first images of it, once through the network and back, in fp32.

    Weights, whether drawn or those that `train.start` names, images, augmentation and dropout are those of the
    training's first step. Then a copy of the network takes a few steps on some of the images (`trial.try_steps`). All
    of it is eager: no plan is made, and nothing is timed or compiled.
    base: the folder that relative paths in the spec start from. dataset: the data, where they are loaded already.

    Raises SpeccError as `train` does, except for what concerns a run's folder.
    """
    return _probe(checked.trainable(), device, data_dir, base, dataset)


def _probe(whole: Trainable, device: str, data_dir: Path | None, base: Path, dataset: DataSet | None) -> Probed:
    spec = _small(whole)
    with memory_explained(spec, device, trains=False):
        dataset = dataset or load(spec.data, data_dir=data_dir, base=base)
        return _run(spec, whole.train, find(device), dataset, base)


def _run(spec: Trainable, whole: TrainSettings, place: torch.device, dataset: DataSet, base: Path) -> Probed:
    """whole: as the spec is trained; the batch of `spec` fits into memory."""
    graph, data, settings = spec.graph, spec.data, spec.train
    exact(place)
    if place.type == "cpu":
        asked = settings.plan.args.threads if settings.plan else None
        set_threads(asked or thread_count(settings.batch * graph.total_macs))
    check_fit(spec, dataset)
    loader = DataLoader(dataset, data, settings.batch, settings.seed, place)
    net = build(graph)
    initialize(net, settings.seed, loader.sample)
    start = []
    if settings.start:
        origin = resolve_start(settings.start, base)
        start = load_start(net, map_start(graph, origin, dataset.classes), origin)
    net.to(place).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    twin = _copy(net, place)
    freeze(net, graph, settings.frozen_at_first)
    watch = Watch(net.train())
    seed_generators(step_seed(settings.seed, 0, None if whole.shards == 1 else 0), place)
    images, target = loader.training(0, 0)
    losses = weighted_losses(settings, dataset)
    settings = settings.replace(loss=losses)
    function = loss_function(losses, dataset.task, place)
    loss, guess = _backward(net, function, images, target), blind_guess(function, dataset.task, target)
    layers = watch.layers()
    measured, predicted = ratio(layers, watch.end_scale), watch.predicted_ratio()
    first_look = judge(layers, loss, guess, measured, settings.mover.name, dataset.task.facts)
    trial = None
    if first_look.kind not in HOPELESS:
        trial = try_steps(twin, settings, dataset.task, (images, target), loader.batches)
    return Probed(
        spec.name,
        spec.variant,
        data.source.name,
        describe(place),
        settings.seed,
        whole.batch,
        loader.batch,
        "; ".join(start),
        guess,
        _about_guess(dataset.task),
        watch.images,
        layers,
        loss,
        measured,
        predicted,
        watch.end_scale,
        trial,
        after_trial(first_look, trial, layers, settings.mover),
    )


def _copy(net: Net, place: torch.device) -> Net:
    """A network with the same weights, which no hook knows."""
    twin = build(net.graph)
    twin.load_state_dict(net.state_dict())
    return twin.to(place).to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


def _about_guess(task: BoundTask) -> str:
    """What that is, in words."""
    if task.facts == REGRESSION:
        return "predicting the mean"
    return f"guessing {'among' if task.facts.outputs == 'classes' else 'of'} {len(task.outputs)} {task.facts.outputs}"


def _backward(net: Net, loss: Loss, images: Tensor, target: Tensor) -> float:
    """Send a batch through the network and back, as the first step does. Gives the mean loss of the network's end."""
    answer = net(images)
    logits, heads = answer if isinstance(answer, tuple) else (answer, {})
    end = loss.parts(logits, target)
    total = loss.of_batch(end)
    for head in net.graph.heads:
        total = total + head.weight * loss.of_batch(loss.parts(heads[head.name], target))
    if total.requires_grad:  # not where everything is frozen and has no kernel
        total.backward()  # type: ignore[no-untyped-call]
    return float(loss.mean(end).detach())


def probe_each(
    specs: Iterable[Checked], *, device: str = "auto", data_dir: Path | None = None, base: Path = Path()
) -> Iterator[Probed]:
    """Probe one spec after the other, reading data only where they are others than those of the spec before."""
    before, dataset = "", None
    for checked in specs:
        spec = checked.trainable()
        data = spec.data
        wanted = dataset_key(data)
        if wanted != before:
            before, dataset = wanted, load(data, data_dir=data_dir, base=base)
        yield _probe(spec, device, data_dir, base, dataset)


def _small(spec: Trainable) -> Trainable:
    """The spec for one batch in fp32, or one shard of it, that fits into memory and takes seconds."""
    room, work = ROOM // max(1, activation_bytes(spec.graph)), int(WORK / (3 * max(1, spec.graph.total_macs)))
    fits = max(FEWEST, min(room, work))
    batch = min(spec.train.part, MOST, fits)
    return spec._replace(train=spec.train.replace(batch=batch, precision="fp32", accumulate=1, shards=1))
