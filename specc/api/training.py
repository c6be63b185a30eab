"""Training from Python: the same trainings as `specc train`, in this process."""

import os
import sys
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from specc.api.arguments import need_type
from specc.api.generators import leaving_torch_alone
from specc.api.help import with_help
from specc.api.run import Run, open_run
from specc.api.spec import Spec

if TYPE_CHECKING:
    from specc.backend.run.metrics import EpochResult
    from specc.backend.train.job import Outcome


class Callback:
    """What is called while a training goes on. Override what you need; the rest does nothing.

    An exception that one of these raises ends the training, and is raised by `specc.train`; the run keeps its latest
    checkpoint, from which `specc.resume` continues.
    """

    def on_note(self, text: str) -> None:
        """Something that is said once, such as which weights a trick applies to."""

    def on_progress(self, step: int, loss: float, images_per_second: float) -> None:
        """Several times a second at most. step: optimizer steps so far. loss: mean of the epoch so far."""

    def on_epoch(self, line: dict[str, Any], is_best: bool) -> None:
        """An epoch has ended. line: its line of metrics.jsonl. is_best: whether it is the best so far."""


@with_help()
@leaving_torch_alone()
def train(
    spec: Spec,
    *,
    out: str | os.PathLike[str] | None = None,
    device: str = "auto",
    data_dir: str | os.PathLike[str] | None = None,
    callbacks: Iterable[Callback] = (),
    progress: bool = True,
    export: bool = True,
) -> Run:
    """Train a spec into a new run folder, export it and verify the exported file; give the run.

    out: the folder; `runs/NAME-N` by default. device: cpu, cuda, cuda:1, mps or auto. data_dir: where data sets are
    looked for first. progress: print an epoch's line each to standard error. export: False leaves the ONNX file to
    `Run.export`.

    Raises SpecError where the spec has errors, KeyboardInterrupt where Ctrl-C stopped it (the run can be resumed), and
    SpeccError with the code and the help that `specc train` prints.
    """
    need_type("spec", spec, Spec, 'give what `specc.load("net.cnn")` gives')
    listener = _Listener(callbacks, progress)
    spec.refuse_errors()
    from specc.backend.train.job import train as train_checked

    outcome = train_checked(
        spec._checked,  # noqa: SLF001 - the same package
        out=None if out is None else Path(out),
        device=device,
        data_dir=_place(data_dir) or spec._data_dir,  # noqa: SLF001
        base=spec._base,  # noqa: SLF001
        command=["specc.train", spec.path],
        listener=listener,
    )
    return _finished(outcome, data_dir, device, export)


@with_help()
@leaving_torch_alone()
def resume(
    run: str | os.PathLike[str],
    *,
    device: str | None = None,
    data_dir: str | os.PathLike[str] | None = None,
    callbacks: Iterable[Callback] = (),
    progress: bool = True,
    export: bool = True,
) -> Run:
    """Continue a run that was stopped, from its newest checkpoint, to the same bits; as `train`."""
    listener = _Listener(callbacks, progress)
    from specc.backend.train.resume import resume as resume_run

    place = _place(data_dir)
    outcome = resume_run(Path(run), device=device, data_dir=place, listener=listener)
    return _finished(outcome, data_dir, device or "auto", export)


class _Listener:
    """Tells callbacks how a training goes, and the terminal where that is wanted."""

    def __init__(self, callbacks: Iterable[Callback], progress: bool) -> None:
        if isinstance(callbacks, Callback):
            raise TypeError("`callbacks` must be a list: callbacks=[callback]")
        self.callbacks = list(callbacks)
        for callback in self.callbacks:
            need_type("callbacks", callback, Callback, "derive from it, and give an instance")
        self.is_shown = progress

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def say(self, text: str) -> None:
        self._print(text)
        for callback in self.callbacks:
            callback.on_note(text)

    def steps(self, done: int, epoch: float, loss: float, figure: str, speed: float) -> None:
        for callback in self.callbacks:
            callback.on_progress(done, loss, speed)

    def epoch(self, result: "EpochResult", line: dict[str, Any], best: bool) -> None:
        from specc.backend.progress import epoch_text

        self._print(f"epoch {result.epoch:g}  {epoch_text(line, best)}")
        for callback in self.callbacks:
            callback.on_epoch(dict(line), best)

    def _print(self, text: str) -> None:
        if self.is_shown:
            print(text, file=sys.stderr)


def _finished(outcome: "Outcome", data_dir: str | os.PathLike[str] | None, device: str, export: bool) -> Run:
    if outcome.status:
        error = KeyboardInterrupt(f"stopped after step {outcome.step:,}")
        error.add_note(f"to continue: specc.resume({str(outcome.path)!r})")
        raise error
    run = open_run(outcome.path)
    if outcome.refusal is not None:
        raise outcome.refusal
    if export:
        run.export(data_dir=data_dir, device=device)
    return run


def _place(folder: str | os.PathLike[str] | None) -> Path | None:
    return None if folder is None else Path(folder)
