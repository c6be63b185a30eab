"""`specc train`: from a spec to a trained, exported and verified model."""

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from specc.check import Checked
from specc.check import check as check_source
from specc.cli.common import base_of, load_base, print_json, read_source, report
from specc.cli.export import report as report_export
from specc.errors import SpeccError, clean

if TYPE_CHECKING:
    from specc.backend.onnx.exported import Exported
    from specc.backend.train.job import Outcome


def train(
    file: Annotated[Path | None, typer.Argument(help="A spec.", show_default=False)] = None,
    variant: Annotated[str | None, typer.Option(help="Train this variant.", show_default=False)] = None,
    sets: Annotated[
        list[str] | None, typer.Option("--set", metavar="PATH=VALUE", help="Change a setting first; repeatable.")
    ] = None,
    device: Annotated[
        str | None, typer.Option(help="cpu, cuda, cuda:1, mps, or auto: CUDA where it is there.", show_default="auto")
    ] = None,
    data_dir: Annotated[
        Path | None, typer.Option(help="Look for data here first.", metavar="FOLDER", show_default=False)
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="The run's folder.", metavar="RUN", show_default="runs/NAME-N")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="In place of train.seed.", show_default=False)] = None,
    resume: Annotated[Path | None, typer.Option(help="Go on with this run.", metavar="RUN", show_default=False)] = None,
    start_from: Annotated[
        Path | None,
        typer.Option(help="Begin with the weights of this run or file, as far as they fit.", show_default=False),
    ] = None,
    resume_inexact: Annotated[
        bool, typer.Option("--resume-inexact", help="Go on also where other digits will come out.")
    ] = False,
    plan: Annotated[bool, typer.Option("--plan", help="Only show how it would be carried out, and why.")] = False,
    prove_resume: Annotated[
        bool, typer.Option("--prove-resume", help="Only show that a killed training goes on exactly: a few steps.")
    ] = False,
    fit: Annotated[bool, typer.Option("--fit", help="First find the largest batch that fits into memory.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
) -> int:
    """Train a network, export it to ONNX, and verify the exported file on the validation images.

    Ctrl-C saves and stops, with exit status 130 (143 after SIGTERM); a second Ctrl-C stops at once. `--resume` goes on,
    to the same weights as if it had never stopped; after a kill, too. With a changed spec it says what each change
    means.

    Examples:

      specc train digits.cnn
      specc train net.cnn --variant wide --set train.epochs=5 --set 'train.optimizer=sgd(lr=0.1)'
      specc train net.cnn --plan
      specc train --resume runs/Digits-1
      specc train digits.cnn --resume runs/Digits-1 --set train.epochs=40
      specc train wider.cnn --start-from runs/Digits-1
    """
    if file is None and resume is None:
        help = "specc train net.cnn, or specc train --resume runs/Net-1"
        raise SpeccError("E483", "neither a spec nor a run is given", help=help)
    if resume is not None:
        changes: dict[str, Any] = {
            "--out": out,
            "--plan": plan,
            "--prove-resume": prove_resume,
            "--start-from": start_from,
        }
        if file is None:
            changes |= {"--variant": variant, "--set": sets, "--seed": seed}
        _refuse_with_resume(changes)
    checked = None
    if file is not None:
        sets = [*(sets or ()), *([f"train.seed={seed}"] if seed is not None else [])]
        checked = check_source(read_source(file), variant=variant, sets=sets, load=load_base)
        if report(checked.diagnostics):
            return 1
    if resume is not None:
        outcome = _resume(resume, checked, file, device, data_dir, quiet, resume_inexact)
    else:
        assert file is not None and checked is not None
        if plan:
            _show_plan(checked, file, device, data_dir, json)
            return 0
        if prove_resume:
            return _prove(checked, file, device, data_dir, json)
        if fit:
            checked = _fit(checked, file, variant, sets or [], device, data_dir, quiet)
        outcome = _begin(checked, file, out, device, data_dir, quiet, start_from)
    made = [] if outcome.status else _export(outcome.path, data_dir, device)
    if json:
        print_json(_as_json(outcome, made))
    else:
        _tell(outcome, made)
    return outcome.status


def _begin(
    checked: Checked,
    file: Path,
    out: Path | None,
    device: str | None,
    data_dir: Path | None,
    quiet: bool,
    start: Path | None,
) -> "Outcome":
    from specc.backend.train.job import train as train_checked

    return train_checked(
        checked,
        out=out,
        device=device or "auto",
        data_dir=data_dir,
        base=base_of(file),
        command=["specc", *sys.argv[1:]],
        quiet=quiet,
        start=start,
    )


def _fit(
    checked: Checked,
    file: Path,
    variant: str | None,
    sets: list[str],
    device: str | None,
    data_dir: Path | None,
    quiet: bool,
) -> Checked:
    """The spec with the largest batch that fits; the images of a step stay as many."""
    from specc.backend.train.fit import fit

    fitted = fit(checked, device=device or "auto", data_dir=data_dir, base=base_of(file))
    if not quiet:
        print(fitted.said, file=sys.stderr)
    sets = [*sets, f"train.batch={fitted.batch}", f"train.accumulate={fitted.accumulate}"]
    checked = check_source(read_source(file), variant=variant, sets=sets, load=load_base)
    checked.refuse_errors()
    return checked


def _show_plan(checked: Checked, file: Path, device: str | None, data_dir: Path | None, json: bool) -> None:
    from specc.backend.train.prepare import Request, prepare

    plan = prepare(Request(checked.trainable(), device or "auto", data_dir, base_of(file))).about["plan"]
    if json:
        print_json({"plan": plan})
        return
    width = max(len(choice["is"]) for choice in plan.values())
    for what, choice in plan.items():
        print(f"{what:12}  {choice['is']:{width}}  {choice['because']}")


def _prove(checked: Checked, file: Path, device: str | None, data_dir: Path | None, json: bool) -> int:
    from specc.backend.train.prove import prove

    proof = prove(checked, device=device or "auto", data_dir=data_dir, base=base_of(file))
    if json:
        parts = [{**part._asdict(), "same": part.is_same} for part in proof.parts]
        print_json({**proof._asdict(), "parts": parts, "holds": proof.holds})
        return 0 if proof.holds else 1
    print(
        f"{proof.steps} steps on {proof.device}, twice: without a stop; and saved after step {proof.saved}, killed "
        f"(SIGKILL) after step {proof.killed}, gone on with in a new process"
    )
    for part in proof.parts:
        what = f"{part.what}, {part.tensors} tensors" if part.tensors else part.what
        same = f"the same, SHA-256 {part.one[:16]}…" if part.is_same else f"{part.one[:16]}… is not {part.other[:16]}…"
        print(f"  {what:60} {same}")
    print("bit for bit the same" if proof.holds else "NOT the same: this training does not go on exactly")
    return 0 if proof.holds else 1


def _refuse_with_resume(changes: dict[str, Any]) -> None:
    """Raise SpeccError E475 for an option that is given and does not go with --resume."""
    given = [name for name, value in changes.items() if value not in (None, False)]
    if given:
        message = f"{given[0]} does not go with --resume, which goes on with the run as it was begun"
        help = "give the changed spec, too: specc train FILE --resume RUN"
        if given[0] not in ("--variant", "--set", "--seed"):
            help = "leave one of them out"
        raise SpeccError("E475", message, help=help)


def _resume(
    run: Path,
    checked: Checked | None,
    file: Path | None,
    device: str | None,
    data_dir: Path | None,
    quiet: bool,
    inexact: bool,
) -> "Outcome":
    from specc.backend.train.resume import resume

    base = base_of(file) if file else None
    return resume(run, device=device, data_dir=data_dir, quiet=quiet, inexact=inexact, spec=checked, base=base)


def _export(run: Path, data_dir: Path | None, device: str | None) -> "list[Exported]":
    from specc.backend.onnx.export import export_run

    return export_run(run, data_dir=data_dir, device=device or "auto")


def _tell(outcome: "Outcome", made: "list[Exported]") -> None:
    run = clean(shlex.quote(str(outcome.path)))
    if outcome.status:
        print(f"stopped after step {outcome.step:,}; go on with: specc train --resume {run}", file=sys.stderr)
        return
    best = outcome.best
    assert best is not None
    by = f" by {outcome.views}" if outcome.views else ""
    print(f"best validation accuracy {best.accuracy:.2%}{by}, after epoch {best.epoch:g}")
    if by:
        print("in one view of an image, which is what the exported file sees:")
    print(report_export(made))


def _as_json(outcome: "Outcome", made: "list[Exported]") -> dict[str, Any]:
    return {
        "run": str(outcome.path),
        "step": outcome.step,
        "finished": outcome.status == 0,
        "best": outcome.best._asdict() if outcome.best else None,
        "certificate": made[0].certificate.as_dict() if made else None,
    }
