"""A training from its beginning to its end: from a checked spec to a run."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch

from specc.backend.build import build
from specc.backend.data.dataset import DataSet, load
from specc.backend.data.loader import DataLoader, check_fit, validation_batches
from specc.backend.data.subset import subset_of
from specc.backend.device import describe, exact, find
from specc.backend.engine.applied import whitened, written
from specc.backend.engine.assemble import assemble
from specc.backend.engine.locate import locate
from specc.backend.engine.progress import Lines, ProgressListener, Quiet
from specc.backend.engine.state import EpochResult
from specc.backend.engine.trainer import NotFinite, Trainer
from specc.backend.evaluation.evaluate import Evaluation, evaluate
from specc.backend.evaluation.losses import loss_function
from specc.backend.execution.cuda_graph import on_cuda
from specc.backend.execution.plan import compiled, lay_out, make_plan
from specc.backend.execution.trial import settle
from specc.backend.initialize import initialize
from specc.backend.interrupt import Interrupt
from specc.backend.precision import Precision
from specc.backend.run import manifest
from specc.backend.run.checkpoint import load_checkpoint, newest_step, restore
from specc.backend.run.folder import RunFolder, create
from specc.backend.run.info import about_data, refuse_other_data
from specc.backend.run.load import CHECKPOINTS, Run, load_matching
from specc.check import Checked, Trainable
from specc.errors import SpeccError

Until = Callable[[int, int], int]  # from the steps of an epoch, and those of the training


class Outcome(NamedTuple):
    """How a training ended. status: 0, or 130 and 143 where Ctrl-C or SIGTERM stopped it; it can then be resumed.

    views: test-time augmentation as it stands in the spec, where validation figures were found by it.
    """

    path: Path
    best: EpochResult | None
    step: int
    status: int
    views: str = ""


class Job(NamedTuple):
    """A training that is ready to run. notes: what is said about it once. about: its part of run.json.

    again: the same training anew, at its beginning. recorded: whether its steps shall be recorded.
    """

    spec: Trainable
    trainer: Trainer
    notes: list[str]
    about: dict[str, Any]
    again: Callable[[], "Job"]
    recorded: bool


def train(
    checked: Checked,
    *,
    out: Path | None = None,
    device: str = "auto",
    data_dir: Path | None = None,
    base: Path = Path(),
    command: Sequence[str] = (),
    quiet: bool = False,
    subset: int | None = None,
    dataset: DataSet | None = None,
    listener: ProgressListener | None = None,
    start: Path | None = None,
    until: Until | None = None,
) -> Outcome:
    """Train a checked spec into a new run folder, `out` or `runs/NAME-N`.

    base: the folder that relative paths in the spec start from. command: what was called, for the record.
    subset: train and validate on so many images only. dataset: the data, where they are loaded already.
    watcher: who is told how it goes, instead of the terminal. until: a step to pause after.
    start: a run or a safetensors file whose weights are begun with, as far as they fit.

    Raises SpeccError: E440 the spec has errors, E437 it has no data; E430 to E436 and E444 as device, precision,
    settings and folder go; E306 and E307 where the data do not fit the network; E401 and on from the data.
    """
    spec = checked.trainable()
    job = prepare(spec, device, data_dir, base, subset, dataset, start=start)
    folder = create(out, spec.name, spec.resolved)
    info = manifest.begun(spec, command, base, data_dir, subset) | job.about
    with folder:
        if start:
            folder.pause(job.trainer.state)  # its beginning follows from no seed
        folder.write_info(info)
        return carry_out(job, folder, info, quiet, listener, until)


def evaluate_run(run: Run, *, device: str = "auto", data_dir: Path | None = None) -> Evaluation:
    """The best weights of a run on its validation images, in fp32.

    Raises SpeccError: E430 no such device, E441 the data have changed, E401 and on.
    """
    place = find(device)
    exact(place)
    train, data = run.spec.train, run.spec.data
    dataset = load(data, data_dir=data_dir or run.data_dir, seed=train.seed, base=run.base)
    refuse_other_data(run.path, run.info, about_data(dataset), "give the folder of the data with --data-dir")
    net = run.net.to(place)
    loss = loss_function(train.loss, len(dataset.classes), place)
    batches = validation_batches(dataset, data, train.batch, place)
    tta = train.evaluate.args if train.evaluate else None
    return evaluate(net, batches, len(dataset.classes), loss, Precision("fp32", "exact"), tta)


def prepare(
    spec: Trainable,
    device: str,
    data_dir: Path | None,
    base: Path,
    subset: int | None = None,
    dataset: DataSet | None = None,
    info: Mapping[str, Any] | None = None,
    start: Path | None = None,
) -> Job:
    """The training that `train` would begin, before its first step. Raises as `train` does, except for
    E437 and E440.

    info: the run.json of a run that is gone on with.
    """
    graph, data, settings = spec.graph, spec.data, spec.train
    place = find(device)
    exact(place)
    plan = make_plan(graph, settings, place, info)
    dataset = dataset or load(data, data_dir=data_dir, seed=settings.seed, base=base)
    if subset is not None:
        dataset = subset_of(dataset, subset, settings.seed)
    check_fit(graph, dataset)
    loader = DataLoader(dataset, data, settings.batch, settings.seed, place)
    if settings.accumulate > loader.batches:
        raise SpeccError(
            "E444",
            f"train.accumulate is {settings.accumulate}, but an epoch has {loader.batches} batches",
            help="accumulate fewer batches, or make them smaller",
            status=1,
        )
    net = build(graph)
    initialize(net, settings.seed, loader.sample)
    begun = [load_matching(net, start)] if start else []
    plan = lay_out(plan, net, place, loader.source)
    trainer, notes = assemble(net, settings, loader, plan.precision)
    plan = settle(plan, trainer)
    if plan.compiled:
        trainer.forward = compiled(net)
    notes = [*whitened(graph, len(dataset.train)), *notes]
    notes = [*dataset.notes, *begun, *notes]
    about = manifest.about(trainer, dataset, place, plan, notes)
    shown = f"{describe(place)}, {plan.precision.name} ({plan.precision.reason}); validation: {dataset.validated_on}"

    def again() -> Job:
        return prepare(spec, device, data_dir, base, dataset=dataset, info=info)

    return Job(spec, trainer, [shown, *notes], about, again, plan.recorded)


def carry_out(
    job: Job,
    folder: RunFolder,
    info: dict[str, Any],
    quiet: bool,
    listener: ProgressListener | None,
    until: Until | None,
) -> Outcome:
    trainer, settings = job.trainer, job.trainer.settings
    listener = listener or (Quiet() if quiet else Lines(settings.epochs, trainer.total, trainer.state.step))
    with listener, Interrupt() as interrupt:
        for note in job.notes:
            listener.say(note)
        if job.recorded:
            trainer.launch = on_cuda(trainer, lambda said: _note(said, info, listener))
        try:
            trainer.run(folder, listener, interrupt, until(trainer.per_epoch, trainer.total) if until else None)
        except NotFinite as error:
            raise NotFinite(error.what, error.step, _where(job, folder, error.step, listener)) from error
        except RuntimeError as error:
            if is_out_of_memory(error):
                from specc.backend.train.fit import out_of_memory  # which prepares trainings itself

                raise out_of_memory(job.spec, trainer.loader.batch, trainer.device, error) from error
            raise
        finally:
            trainer.launch = None  # a graph that is kept holds on to its memory
    best = trainer.state.best
    info |= {
        "ended": manifest.now(),
        "step": trainer.state.step,
        "finished": trainer.finished(),
        "best": best._asdict() if best else None,
    }
    folder.write_info(info)
    views = written(settings.evaluate) if settings.evaluate else ""
    return Outcome(folder.path, best, trainer.state.step, interrupt.status, views)


def _note(said: str, info: dict[str, Any], listener: ProgressListener) -> None:
    """Say something that turned out on the way, and keep it in the run."""
    listener.say(said)
    info["applied"] = [*info.get("applied", ()), said]


def _where(job: Job, folder: RunFolder, step: int, listener: ProgressListener) -> str:
    """Where numbers stopped being finite; found by the same steps, from the last checkpoint or the beginning."""
    trainer, start = job.again().trainer, 0
    if newest_step(folder.path / CHECKPOINTS) is not None:
        found = load_checkpoint(folder.path / CHECKPOINTS)
        restore(trainer.state, found, folder.path)
        start = trainer.state.step
    listener.say(f"looking for where numbers stop being finite: steps {start + 1:,} to {step:,} again")
    return locate(trainer, step)


def is_out_of_memory(error: RuntimeError) -> bool:
    """Whether memory ran out: torch.OutOfMemoryError is one; the CPU's allocator has no class of its own."""
    return isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error)
