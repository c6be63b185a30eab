"""What `specc train` does once its options are understood: a function for each mode, which gives the exit status."""

import shlex
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from specc.check import Checked
from specc.cli.common import print_json, report
from specc.cli.export import export_what_passes, refused_as_json
from specc.cli.export import report as report_export
from specc.errors import clean, counted
from specc.reading import base_of, check_spec, read_source
from specc.render import render_error

if TYPE_CHECKING:
    from specc.backend.onnx.exported import Exported
    from specc.backend.train.job import Outcome
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

    def check(self) -> Checked | None:
        """The spec, with its lints printed; None where it has errors, which are printed, too."""
        assert self.file is not None
        source = read_source(self.file)
        checked = check_spec(source, data_dir=self.data_dir, variant=self.variant, sets=self.sets, lint=True)
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


def train(request: Request, out: Path | None, *, with_fit: bool) -> int:
    """Train a spec into a new run, export it and verify the exported file."""
    checked = request.check()
    if checked is not None and with_fit:
        checked = _fitted(request, checked)
    if checked is None:
        return 1
    from specc.backend.train.job import train as train_checked

    command = ["specc", *sys.argv[1:]]
    outcome = train_checked(checked, out=out, command=command, quiet=request.quiet, **request.where)
    return _finish(request, outcome)


def _fitted(request: Request, checked: Checked) -> Checked:
    """The spec with the largest batch that fits; the images of a step stay as many."""
    from specc.backend.train.fit import fit

    fitted = fit(checked, **request.where)
    if not request.quiet:
        print(fitted.said, file=sys.stderr)
    return request.check_again(f"train.batch={fitted.batch}", f"train.accumulate={fitted.accumulate}")


def resume(request: Request, run: Path, inexact: bool) -> int:
    """Continue a run, with a changed spec where one is given; export it and verify the exported file."""
    checked, base = None, None
    if request.file is not None:
        checked, base = request.check(), base_of(request.file)
        if checked is None:
            return 1
    from specc.backend.train.resume import resume as resume_run

    outcome = resume_run(
        run,
        device=request.device,
        data_dir=request.data_dir,
        quiet=request.quiet,
        inexact=inexact,
        spec=checked,
        base=base,
    )
    return _finish(request, outcome)


def show_plan(request: Request) -> int:
    """Print how a training would be carried out, and why."""
    checked = request.check()
    if checked is None:
        return 1
    from specc.backend.memory import memory_explained
    from specc.backend.train.prepare import Request as Training
    from specc.backend.train.prepare import prepare

    spec, where = checked.trainable(), request.where
    with memory_explained(spec, where["device"]):
        plan = prepare(Training(spec, **where)).about["plan"]
    if request.json:
        print_json({"plan": plan})
        return 0
    width = max(len(choice["is"]) for choice in plan.values())
    for what, choice in plan.items():
        print(f"{what:12}  {choice['is']:{width}}  {clean(choice['because'])}")
    return 0


def prove_resume(request: Request) -> int:
    """Print whether a training that is killed and resumed computes the same bits."""
    checked = request.check()
    if checked is None:
        return 1
    from specc.backend.train.prove import prove

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


def _finish(request: Request, outcome: "Outcome") -> int:
    """Export a run that is complete, and print how it went."""
    exported: list[Exported] = []
    refusal = None
    if outcome.status == 0:
        device = request.device or "auto"
        exported, refusal = export_what_passes(outcome.path, data_dir=request.data_dir, device=device)
    if request.json:
        print_json({**_as_json(outcome, exported), "refused": refused_as_json(refusal)})
    else:
        _print(outcome, exported)
    problems = [problem for problem in (refusal, outcome.refusal) if problem]
    for other in problems[1:]:
        print(render_error(other.code, other.message, other.help), file=sys.stderr)
    if problems:
        raise problems[0]
    return outcome.status


def _print(outcome: "Outcome", exported: "list[Exported]") -> None:
    run = clean(shlex.quote(str(outcome.path)))
    if outcome.status:
        print(f"stopped after step {outcome.step:,}; to continue: specc train --resume {run}", file=sys.stderr)
        return
    best = outcome.best
    assert best is not None
    by = f" with {outcome.views}" if outcome.views else ""
    print("\n".join(_figures(outcome.figures, outcome.figure, by, best.epoch)))
    if by:
        print("with a single view of each image, as in the exported file:")
    print(report_export(exported))


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
