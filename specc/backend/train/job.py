"""A training from its beginning to its end: from a checked spec to a run."""

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from specc.backend.data.dataset import DataSet
from specc.backend.engine.applied import written
from specc.backend.engine.locate import locate
from specc.backend.engine.state import TrainState
from specc.backend.engine.trainer import CheckpointSink, NotFinite, Trainer
from specc.backend.evaluation.caveats import caveats
from specc.backend.evaluation.figures import Estimate, estimates
from specc.backend.evaluation.of_run import TRAINING, earlier_look, look_at_test
from specc.backend.evaluation.words import optimism
from specc.backend.execution.apply import launched
from specc.backend.interrupt import Interrupt
from specc.backend.memory import is_out_of_memory, memory_explained, out_of_memory
from specc.backend.progress import Lines, ProgressListener, Quiet
from specc.backend.ranks import ALONE, Ranks
from specc.backend.run import manifest
from specc.backend.run.again import about_job
from specc.backend.run.checkpoint import load_checkpoint, newest_step, restore
from specc.backend.run.files import CHECKPOINTS
from specc.backend.run.folder import RunFolder, create, refuse_taken
from specc.backend.run.load import open_run
from specc.backend.run.metrics import EpochResult
from specc.backend.run.same_data import meaning_of
from specc.backend.train.noting import Noting
from specc.backend.train.prepare import Job, Request, prepare
from specc.backend.train.start import anchored
from specc.check import Checked
from specc.errors import SpeccError
from specc.tasks import Figure

Until = Callable[[int, int], int]  # from the steps of an epoch, and those of the training
Listening = Callable[[ProgressListener, Path], ProgressListener]  # who is told besides a listener; the path of the run


class Outcome(NamedTuple):
    """How a training ended. status: 0, or 130 and 143 where Ctrl-C or SIGTERM stopped it; it can then be resumed.

    figure: by which the best epoch was chosen. views: test-time augmentation as it stands in the spec, where validation
    figures were found by it. figures: those of the best epoch with their intervals, as run.json has them. refusal: why
    the test part could not be measured.
    """

    path: Path
    best: EpochResult | None
    figure: Figure
    step: int
    status: int
    views: str = ""
    figures: Mapping[str, Any] = MappingProxyType({})
    refusal: SpeccError | None = None


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
    listening: Listening | None = None,
    until: Until | None = None,
    ranks: Ranks = ALONE,
) -> Outcome:
    """Train a checked spec into a new run folder, `out` or `runs/NAME-N`.

    base: the folder that relative paths in the spec start from. command: what was called, for the record.
    subset: train and validate on so many images only. dataset: the data, where they are loaded already.
    listener: who is told how it goes, instead of the terminal. listening: who else is told. until: a step to pause
    after. ranks: this process among those that train it together; the first one writes and tells.

    Raises SpeccError: E440 the spec has errors, E437 it has no data; E430 to E436 and E444 as device, precision,
    settings and folder go; E306 and E307 where the data do not fit the network; E401 and on from the data.
    """
    spec = anchored(checked.trainable(), base)
    device = device if ranks.is_alone else str(ranks.device)
    if out is not None and ranks.is_first:
        refuse_taken(out, spec.resolved)  # before the data are read, which can take long
    with memory_explained(spec, device):
        has_test = until is None and ranks.is_first
        job = prepare(Request(spec, device, data_dir, base, subset, dataset, test=has_test, ranks=ranks))
    if not ranks.is_first:
        return follow(job, until)
    folder = create(out, spec.name, spec.resolved)
    ranks.broadcast(str(folder.path))
    info = manifest.begun(spec, command, base, data_dir, subset) | about_job(os.environ) | job.about
    folder.meaning = meaning_of(info)
    with folder:
        if spec.train.start:
            folder.pause(job.trainer.state)  # its beginning follows from no seed
        folder.write_info(info)
        return carry_out(job, folder, info, quiet, listener, until, listening)


def carry_out(
    job: Job,
    folder: RunFolder,
    info: dict[str, Any],
    quiet: bool,
    listener: ProgressListener | None,
    until: Until | None,
    listening: Listening | None = None,
) -> Outcome:
    """Train to the end, or until it is stopped; `info`, the run.json, then says how it ended."""
    trainer, settings = job.trainer, job.trainer.settings
    listener = listener or (Quiet() if quiet else Lines(settings.epochs, trainer.total, trainer.state.step))
    if listening is not None:
        listener = listening(listener, folder.path)
    listener = Noting(listener, folder.path)
    with listener, Interrupt() as interrupt:
        for note in job.notes:
            listener.say(note)
        try:
            _take_steps(job, folder, lambda text: _note(text, info, listener), listener, interrupt, until)
        except NotFinite as error:
            raise NotFinite(error.what, error.step, _where(job, folder, error.step, listener)) from error
        except RuntimeError as error:
            if is_out_of_memory(error):
                batch, device = trainer.loader.batch, trainer.device
                raise out_of_memory(job.request.spec, batch, device, error, kept=_kept(folder.path)) from error
            raise
    best, finished = trainer.state.best, trainer.finished()
    info |= {
        "ended": manifest.now(),
        "step": trainer.state.step,
        "finished": finished,
        "best": best.as_json() if best else None,
        "figures": {"validation": validation_figures(best, trainer, job.dataset)} if best else {},
    }
    folder.write_info(info)
    refusal = _look_at_test(job, folder, info) if finished and not interrupt.status and best else None
    views = written(settings.evaluate) if settings.evaluate else ""
    figure = trainer.state.selection.figure
    step, figures = trainer.state.step, info["figures"]
    return Outcome(folder.path, best, figure, step, interrupt.status, views, figures, refusal)


def follow(job: Job, until: Until | None) -> Outcome:
    """Take part in a training whose run the first process writes; what all processes find out is told by that one."""
    trainer, path = job.trainer, Path(job.request.ranks.broadcast(None))
    with Interrupt() as interrupt, suppress(NotFinite):
        _take_steps(job, Nowhere(), lambda text: None, Quiet(), interrupt, until)
    state = trainer.state
    return Outcome(path, state.best, state.selection.figure, state.step, interrupt.status)


class Nowhere:
    """Keeps nothing of a training: another process does."""

    def epoch(self, state: TrainState, line: dict[str, Any]) -> None:
        pass

    def pause(self, state: TrainState) -> None:
        pass


def _take_steps(
    job: Job,
    sink: CheckpointSink,
    say: Callable[[str], None],
    listener: ProgressListener,
    interrupt: Interrupt,
    until: Until | None,
) -> None:
    """Train as the plan says, until it ends or is stopped."""
    trainer = job.trainer
    pause = until(trainer.per_epoch, trainer.total) if until else None
    with launched(job.plan, trainer, say):
        trainer.run(sink, listener, interrupt, pause)


def validation_figures(best: EpochResult, trainer: Trainer, dataset: DataSet) -> dict[str, Any]:
    """The figures of the best epoch for run.json."""
    epochs, task = len(trainer.state.lines), dataset.task
    loss = Estimate(best.loss, None)
    records = trainer.best_records
    if records is not None:
        figures = estimates(task.figures(records), records, task)
    else:  # a training that was resumed after its best epoch
        figures = {name: Estimate(value, None) for name, value in best.figures.items()}
    return {
        "measured_on": dataset.validated_on,
        "images": len(dataset.validation),
        "epochs": epochs,
        "optimistic": optimism(dataset.part, epochs),
        "caveats": caveats(dataset, "validation"),
        "figures": {name: figure.as_dict() for name, figure in {**figures, "loss": loss}.items()},
    }


def _look_at_test(job: Job, folder: RunFolder, info: dict[str, Any]) -> SpeccError | None:
    """Measure the test part, where it is held out, and keep its figures in run.json; why it could not be measured."""
    held_out = job.dataset.test
    if held_out is None or held_out.images is None:
        return None
    try:
        look = earlier_look(folder.path, job.dataset)
        if look is None:
            look = look_at_test(open_run(folder.path), job.dataset, job.trainer.device, by=TRAINING).look
    except SpeccError as error:
        return error
    info["figures"] = {**info["figures"], "test": look}
    folder.write_info(info)
    return None


def _note(text: str, info: dict[str, Any], listener: ProgressListener) -> None:
    """Say something that turned out on the way, and keep it in the run."""
    listener.say(text)
    info["applied"] = [*info.get("applied", ()), text]


def _kept(run: Path) -> str:
    """What is left of a training that could not go on."""
    step = newest_step(run / CHECKPOINTS)
    return "no checkpoint has been written yet" if step is None else f"the checkpoint of step {step:,} is kept"


def _where(job: Job, folder: RunFolder, step: int, listener: ProgressListener) -> str:
    """Where numbers stopped being finite; found by the same steps, from the last checkpoint or the beginning.

    One process takes them, whatever the number that trained.
    """
    trainer, start = prepare(job.request._replace(ranks=ALONE)).trainer, 0
    if newest_step(folder.path / CHECKPOINTS) is not None:
        restore(trainer.state, load_checkpoint(folder.path / CHECKPOINTS), folder.path)
        start = trainer.state.step
    listener.say(f"repeating steps {start + 1:,} to {step:,} to find where values stop being finite")
    return locate(trainer, step)
