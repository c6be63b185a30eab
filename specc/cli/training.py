"""What `specc train` does once its options are understood: a function for each mode, which gives the exit status."""

import os
import shlex
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from specc.check import Checked
from specc.cli.common import lasting, print_json, report
from specc.cli.export import export_what_passes, refused_as_json
from specc.cli.export import report as report_export
from specc.cli.shards import tell_shards, wanted_shards, with_shards
from specc.errors import SpeccError, clean, counted
from specc.fit import fitted
from specc.reading import base_of, check_spec, read_source
from specc.render import render_error

if TYPE_CHECKING:
    from specc.backend.onnx.exported import Exported
    from specc.backend.ranks import Ranks
    from specc.backend.sinks.teller import Log
    from specc.backend.train.job import Listening, Outcome
    from specc.tasks import Figure


class Request(NamedTuple):
    """What all modes are asked: which spec, where, and how it is reported."""

    file: Path | None
    variant: str | None
    sets: list[str]
    device: str | None
    data_dir: Path | None
    quiet: bool
    json: bool
    log: tuple[str, ...] = ()

    def check(self, *, lint: bool = True) -> Checked | None:
        """The spec, with its lints printed; None where it has errors, which are printed, too."""
        assert self.file is not None
        source = read_source(self.file)
        checked = check_spec(source, data_dir=self.data_dir, variant=self.variant, sets=self.sets, lint=lint)
        return None if report(checked.diagnostics) else checked

    def check_again(self, *sets: str) -> Checked:
        """The same spec with settings on top, of which it is known that they fit."""
        assert self.file is not None
        sets = (*self.sets, *sets)
        return check_spec(read_source(self.file), data_dir=self.data_dir, variant=self.variant, sets=sets)

    @property
    def where(self) -> dict[str, Any]:
        """Where it is trained, as the back end takes it."""
        assert self.file is not None
        return {"device": self.device or "auto", "data_dir": self.data_dir, "base": base_of(self.file)}


@contextmanager
def progress(request: Request) -> Iterator[None]:
    """Show no progress bars, where none are wanted."""
    from specc.backend.data.progress import hidden

    with hidden(request.quiet):
        yield


def train(request: Request, out: Path | None, ranks: "Ranks | None" = None, *, with_fit: bool = False) -> int:
    """Train a spec into a new run, export it and verify the exported file.

    ranks: this process among several. Those that were started again continue the run that they have begun.
    """
    if with_fit and ranks is not None:
        message = "--fit cannot be combined with torchrun or srun: it looks for a batch that fits in one process"
        raise SpeccError("E475", message, help="find it in one process: specc train FILE --fit")
    checked = request.check()
    if checked is not None and with_fit:
        checked = _fitted(request, checked)
    if checked is None:
        return 1
    from specc.backend.ranks import ALONE
    from specc.backend.train.job import train as train_checked

    spec = with_shards(request.check_again, checked, wanted_shards(ranks, None))
    if spec is None:
        return 1
    if spec is not checked and (ranks is None or ranks.is_first) and not request.quiet:
        tell_shards(spec)
    checked, ranks = spec, ranks or ALONE
    if (begun := _begun(request, checked, out, ranks)) is not None:
        return resume(request._replace(file=None), begun, False, ranks)
    command = ["specc", *sys.argv[1:]]
    with _log(request, ranks) as log:
        outcome = train_checked(
            checked,
            out=out,
            command=command,
            quiet=request.quiet,
            listening=_listening(request, log),
            ranks=ranks,
            **request.where,
        )
        return _finish(request, outcome, ranks, log)


def _begun(request: Request, checked: Checked, out: Path | None, ranks: "Ranks") -> Path | None:
    """The run that this job has begun before it was started again, if any; the first process looks."""
    from specc.backend.run.again import begun_run, job_name
    from specc.backend.run.manifest import read_info, sha256_of
    from specc.backend.train.start import anchored

    path = None
    if ranks.is_first and (job := job_name(os.environ)):
        spec = anchored(checked.trainable(), request.where["base"])
        path = begun_run(job, out, checked.name, sha256_of(spec.resolved))
        if path is not None and read_info(path).get("finished"):
            print(f"{path} is finished, and this job ({job}) started it: nothing is trained", file=sys.stderr)
            print("for another training, give torchrun another --rdzv-id, or --out another folder", file=sys.stderr)
        elif path is not None and not request.quiet:
            print(f"continuing {path}, which this job started", file=sys.stderr)
    told = ranks.broadcast(str(path) if path else None)
    return Path(told) if told else None


def _fitted(request: Request, checked: Checked) -> Checked:
    """The spec with the largest batch that fits; the images of a step stay as many."""
    from specc.backend.train.fit import fit

    with lasting("trying which batch fits", quiet=request.quiet):
        size = fit(checked, **request.where)
    if not request.quiet:
        print(size.said, file=sys.stderr)
    return request.check_again(f"train.batch={size.batch}", f"train.accumulate={size.accumulate}")


def resume(request: Request, run: Path, inexact: bool, ranks: "Ranks | None" = None) -> int:
    """Continue a run, with a changed spec where one is given; export it and verify the exported file."""
    checked, base = None, None
    if request.file is not None:
        checked, base = request.check(), base_of(request.file)
        if checked is None:
            return 1
    from specc.backend.ranks import ALONE
    from specc.backend.train.resume import resume as resume_run

    ranks = ranks or ALONE
    if checked is not None:
        checked = with_shards(request.check_again, checked, wanted_shards(ranks, run))
        if checked is None:
            return 1
    with _log(request, ranks) as log:
        outcome = resume_run(
            run,
            device=request.device,
            data_dir=request.data_dir,
            quiet=request.quiet,
            listening=_listening(request, log),
            inexact=inexact,
            spec=checked,
            base=base,
            ranks=ranks,
        )
        return _finish(request, outcome, ranks, log)


def _listening(request: Request, log: "Log") -> "Listening":
    """Who is told besides the terminal: the sinks, and whatever reads standard output, which gets the epochs' lines."""
    from specc.backend.progress import Lines, ProgressListener

    def listening(listener: ProgressListener, run: Path) -> ProgressListener:
        if isinstance(listener, Lines) and not request.json and not sys.stdout.isatty():
            listener.out = sys.stdout
        return log.listening(listener, run)

    return listening


def _log(request: Request, ranks: "Ranks") -> "Log":
    """The sinks that are told of the training; one of several processes tells them."""
    from specc.backend.sinks.teller import Log

    return Log(request.log if ranks.is_first else (), quiet=request.quiet)


def prove_resume(request: Request) -> int:
    """Print whether a training that is killed and resumed computes the same bits."""
    checked = request.check()
    if checked is None:
        return 1
    from specc.backend.train.prove import prove

    with lasting("training a few steps twice", quiet=request.quiet):
        proof = prove(checked, **request.where)
    if request.json:
        parts = [{**part._asdict(), "same": part.is_same} for part in proof.parts]
        print_json({**proof._asdict(), "parts": parts, "holds": proof.holds})
        return 0 if proof.holds else 1
    print(
        f"{counted(proof.steps, 'step')} on {proof.device}, twice: once without stopping; once saved after step "
        f"{proof.saved}, killed "
        f"(SIGKILL) after step {proof.killed} and resumed in a new process"
    )
    for part in proof.parts:
        what = f"{part.what}, {counted(part.tensors, 'tensor')}" if part.tensors else part.what
        same = (
            f"the same, SHA-256 {part.one[:16]}…"
            if part.is_same
            else f"DIFFERENT: {part.one[:16]}… and {part.other[:16]}…"
        )
        print(f"  {what:60} {same}")
    print("identical, bit for bit" if proof.holds else "NOT identical: this training does not resume exactly")
    return 0 if proof.holds else 1


def _finish(request: Request, outcome: "Outcome", ranks: "Ranks", log: "Log") -> int:
    """Export a run that is complete, and print how it went; one of several processes does."""
    if not ranks.is_first:
        return outcome.status
    exported: list[Exported] = []
    refusal = None
    if outcome.status == 0:
        device = request.device or "auto"
        exported, refusal = export_what_passes(outcome.path, data_dir=request.data_dir, device=device)
    log.tell_end(outcome.path, finished=outcome.status == 0)
    if request.json:
        print_json({**_as_json(outcome, exported), "refused": refused_as_json(refusal)})
    else:
        _print(outcome, exported, ranks)
    problems = [problem for problem in (refusal, outcome.refusal) if problem]
    for other in problems[1:]:
        print(render_error(other.code, other.message, other.help), file=sys.stderr)
    if problems:
        raise problems[0]
    return outcome.status


def _print(outcome: "Outcome", exported: "list[Exported]", ranks: "Ranks") -> None:
    run = clean(shlex.quote(str(outcome.path)))
    if outcome.status:
        from specc.backend.launch.watch import is_launched

        devices = "" if ranks.is_alone or not is_launched() else f" --devices {ranks.world}"
        print(f"stopped after step {outcome.step:,}; to continue: specc train --resume {run}{devices}", file=sys.stderr)
        return
    best = outcome.best
    assert best is not None
    by = f" with {outcome.views}" if outcome.views else ""
    print(fitted("\n".join(_figures(outcome.figures, outcome.figure, by, best.epoch))))
    if by:
        print("with a single view of each image, as in the exported file:")
    print(fitted(report_export(exported)))


def _figures(figures: Mapping[str, Any], figure: "Figure", by: str, epoch: float) -> list[str]:
    """The figures of the best epoch, each with its interval: on the validation images, and on the test part.

    figures: as run.json has them. figure: the one that chose. by: in which views the images were looked at, in words.
    """
    validation, test = figures["validation"], figures.get("test")
    lines = [f"best validation {figure.title} {_with_interval(validation, figure)}{by}, after epoch {epoch:g}"]
    if validation["optimistic"]:
        lines.append(f"  {clean(validation['optimistic'])}")
    lines += [f"  {clean(line)}" for line in validation.get("caveats", ())]
    if test:
        measured = f"test {figure.title} {_with_interval(test, figure)}{by}"
        lines.append(f"{measured}, on {clean(test['measured_on'])}, which chose nothing")
        lines += [f"  {clean(line)}" for line in test.get("caveats", ())]
    return lines


def _with_interval(measured: Mapping[str, Any], figure: "Figure") -> str:
    found = measured["figures"][figure.name]
    if found["low"] is None:
        return figure.text(found["value"])
    return f"{figure.text(found['value'])} (95% interval {figure.text(found['low'])} to {figure.text(found['high'])})"


def _as_json(outcome: "Outcome", exported: "list[Exported]") -> dict[str, Any]:
    return {
        "run": str(outcome.path),
        "step": outcome.step,
        "finished": outcome.status == 0,
        "best": outcome.best.as_json() if outcome.best else None,
        "figures": dict(outcome.figures),
        "certificate": exported[0].certificate.as_dict() if exported else None,
    }
