"""`specc probe`: what one batch shows of a freshly initialized network, before any training."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from specc.backend.data.dataset import DataSet, load
from specc.backend.device import describe
from specc.backend.engine.step import TOTAL, WEIGHT
from specc.backend.probe.measure import Watch, ratio
from specc.backend.probe.verdict import judge
from specc.backend.train.prepare import Request, prepare
from specc.check import Checked, Trainable
from specc.report.layers import activation_bytes
from specc.report.probe import Probed

MOST = 256  # images: more change no figure that is looked at here
FEWEST = 16
ROOM = 1 << 30  # bytes of activations, so that a large network with large images fits into a small machine


def probe(
    checked: Checked,
    *,
    device: str = "auto",
    data_dir: Path | None = None,
    base: Path = Path(),
    dataset: DataSet | None = None,
) -> Probed:
    """The first batch of the training, or the first images of it, once through the fresh network and back, in fp32.

    Weights, images, augmentation and dropout are those of the training's first step. base: the folder that relative
    paths in the spec start from. dataset: the data, where they are loaded already.

    Raises SpeccError as `train` does, except for what concerns a run's folder.
    """
    return _probe(checked.trainable(), device, data_dir, base, dataset)


def _probe(whole: Trainable, device: str, data_dir: Path | None, base: Path, dataset: DataSet | None) -> Probed:
    spec = _small(whole)
    trainer = prepare(Request(spec, device, data_dir, base, dataset=dataset)).trainer
    net = trainer.state.net.train()
    watch = Watch(net)
    trainer.compute.seed()
    figures = trainer.compute.backward(*trainer.loader.training(0, 0))
    layers, loss = watch.layers(), float(figures[TOTAL] / figures[WEIGHT])
    measured, predicted = ratio(layers), watch.predicted_ratio()
    classes = len(trainer.loader.classes)
    return Probed(
        spec.name,
        spec.variant,
        spec.data.source.name,
        describe(trainer.device),
        trainer.settings.seed,
        whole.train.batch,
        trainer.loader.batch,
        classes,
        watch.images,
        layers,
        loss,
        measured,
        predicted,
        judge(layers, loss, classes, measured, trainer.settings.optimizer.name),
    )


def probe_each(
    specs: Iterable[Checked], *, device: str = "auto", data_dir: Path | None = None, base: Path = Path()
) -> Iterator[Probed]:
    """Probe one spec after the other, reading data only where they are others than those of the spec before."""
    before, dataset = "", None
    for checked in specs:
        spec = checked.trainable()
        data, seed = spec.data, spec.train.seed
        wanted = f"{data.source} {data.resize} {data.validation} {seed}"
        if wanted != before:
            before, dataset = wanted, load(data, data_dir=data_dir, seed=seed, base=base)
        yield _probe(spec, device, data_dir, base, dataset)


def _small(spec: Trainable) -> Trainable:
    """The spec for one batch in fp32 that fits into memory."""
    fits = max(FEWEST, ROOM // max(1, activation_bytes(spec.graph)))
    batch = min(spec.train.batch, MOST, fits)
    return spec._replace(train=spec.train.replace(batch=batch, precision="fp32", accumulate=1))
