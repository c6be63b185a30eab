"""`specc train`: from a spec to a trained, exported and verified model."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from specc.cli.options import Mode, given, mode_of, settings
from specc.errors import SpeccError
from specc.values import quoted

if TYPE_CHECKING:
    from specc.backend.ranks import Ranks

SPEC = frozenset({"FILE", "--variant", "--set", "--seed"})
PLACE = frozenset({"--device", "--data-dir", "--json"})
NEW_RUN = SPEC | PLACE | {"--quiet", "--out", "--start-from", "--checkpoint-signal", "--log"}
SEVERAL = frozenset({"--devices", "--max-restarts", "--hang-timeout"})

TRAIN = Mode("", "starts a new training", NEW_RUN | SEVERAL)
FIT = Mode("--fit", "finds a batch size and starts a new training in this process", NEW_RUN)
RESUME = Mode(
    "--resume",
    "continues the run with its own settings",
    SPEC | PLACE | SEVERAL | {"--quiet", "--resume-inexact", "--checkpoint-signal", "--log"},
)
PLAN = Mode("--plan", "only shows how the training would run", SPEC | PLACE | {"--quiet", "--devices"})
PROVE = Mode("--prove-resume", "only trains a few steps, shows no progress and keeps no run", SPEC | PLACE)
MODES = (RESUME, PLAN, PROVE, FIT)


def train(
    context: typer.Context,
    file: Annotated[Path | None, typer.Argument(help="The spec to train.", show_default=False)] = None,
    variant: Annotated[str | None, typer.Option(help="Train this variant.", show_default=False)] = None,
    sets: Annotated[
        list[str] | None, typer.Option("--set", metavar="PATH=VALUE", help="Override a setting. Repeatable.")
    ] = None,
    device: Annotated[
        str | None, typer.Option(help="cpu, cuda, cuda:1, mps, or auto: CUDA if available.", show_default="auto")
    ] = None,
    data_dir: Annotated[
        Path | None, typer.Option(help="Look for data sets in this folder first.", metavar="FOLDER", show_default=False)
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="The folder of the new run.", metavar="RUN", show_default="runs/NAME-N")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Override train.seed.", show_default=False)] = None,
    resume: Annotated[Path | None, typer.Option(help="Continue this run.", metavar="RUN", show_default=False)] = None,
    start_from: Annotated[
        Path | None,
        typer.Option(help="Override train.start: begin with the weights of this run or file.", show_default=False),
    ] = None,
    resume_inexact: Annotated[
        bool, typer.Option("--resume-inexact", help="Resume even if the results will not be bit-identical.")
    ] = False,
    devices: Annotated[
        str | None,
        typer.Option(
            help="Train on this many devices of this machine, or on all of them.", metavar="N|all", show_default=False
        ),
    ] = None,
    max_restarts: Annotated[
        int | None,
        typer.Option(
            help="How often to restart the processes if one dies or hangs.", min=0, metavar="K", show_default="0"
        ),
    ] = None,
    hang_timeout: Annotated[
        float | None,
        typer.Option(
            help="How long a process may stay silent before it counts as hung.",
            min=5,
            metavar="SECONDS",
            show_default="60",
        ),
    ] = None,
    checkpoint_signal: Annotated[
        str | None,
        typer.Option(
            help="At this signal, such as USR2, save, stop and put the SLURM job back into its queue.",
            metavar="NAME",
            show_default=False,
        ),
    ] = None,
    logs: Annotated[
        list[str] | None,
        typer.Option(
            "--log",
            help="Also log to tensorboard, mlflow, wandb or trackio. Repeatable.",
            metavar="NAME",
            show_default=False,
        ),
    ] = None,
    plan: Annotated[bool, typer.Option("--plan", help="Only show how the training would run, and why.")] = False,
    prove_resume: Annotated[
        bool,
        typer.Option(
            "--prove-resume", help="Only prove, with a few steps, that a killed training resumes bit for bit."
        ),
    ] = False,
    fit: Annotated[bool, typer.Option("--fit", help="First find the largest batch that fits in memory.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Do not show progress.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print machine-readable JSON.")] = False,
) -> int:
    """Train a network, export it to ONNX, and verify the exported file on the validation images.

    Ctrl-C saves and stops, with exit status 130 (143 after SIGTERM); a second Ctrl-C stops at once. `--resume`
    continues a stopped or killed run, and ends with the same weights as if it had never stopped. With a changed spec,
    it says what each change means for the run.

    `--devices` starts a process for each device; rank 0 prints. Under torchrun and srun, the processes that these start
    train together. Each batch is cut into `train.shards` parts, which the number of processes has to divide.

    `--log` tells TensorBoard, MLflow, Weights & Biases or Trackio of each epoch, and of the end of the run. What fails
    there never stops the training; `specc log` tells of the whole run afterwards.

    Examples:

      specc train digits.cnn
      specc train net.cnn --variant wide --set train.epochs=5 --set 'train.optimizer=sgd(lr=0.1)'
      specc train net.cnn --plan
      specc train --resume runs/Digits-1
      specc train digits.cnn --resume runs/Digits-1 --set train.target=99%
      specc train wider.cnn --start-from runs/Digits-1
      specc train net.cnn --devices 4 --max-restarts 3
      specc train net.cnn --device cpu --devices 4
      specc train net.cnn --plan --devices 8
      specc train net.cnn --log tensorboard
    """
    mode = recognize(given(context))
    from specc.cli import processes, training
    from specc.cli.plan import show_plan

    if logs:
        from specc.backend.sinks.sink import need

        for name in logs:
            need(name)
    sets = [*settings(sets, seed=seed), *_start(start_from)]
    request = training.Request(file, variant, sets, device, data_dir, quiet, json, tuple(logs or ()))
    with training.progress(request):
        if mode is PLAN:
            return show_plan(request, devices)
        if mode is PROVE:
            return training.prove_resume(request)

        def carry_out(ranks: "Ranks | None") -> int:
            if resume is not None:
                return training.resume(request, resume, resume_inexact, ranks)
            return training.train(request, out, ranks, with_fit=mode is FIT)

        several = processes.Several(devices, max_restarts, hang_timeout)
        work = carry_out if checkpoint_signal is None else processes.requeueing(carry_out, checkpoint_signal)
        return processes.carry_out(request, several, out, resume, work)


def _start(path: Path | None) -> list[str]:
    """The setting that `--start-from` stands for; a path that counts from here, wherever the spec lies."""
    return [] if path is None else [f"train.start=weights({quoted(str(path.absolute()))})"]


def recognize(names: list[str]) -> Mode:
    """What the options ask for; one place decides it.

    Raises SpeccError: E475 for what does not go together, E483 where neither a spec nor a run is given.
    """
    if "--resume-inexact" in names and "--resume" not in names:
        raise SpeccError("E475", "--resume-inexact only works with --resume", help="specc train --resume RUN")
    mode = mode_of(names, MODES, TRAIN)
    if "FILE" in names:
        return mode
    if mode is not RESUME:
        help = "specc train net.cnn, or specc train --resume runs/Net-1"
        raise SpeccError("E483", "a spec or a run is needed", help=help)
    change = next((name for name in names if name in SPEC), None)
    if change is not None:
        message = f"{change} cannot be combined with --resume alone, which {RESUME.does}"
        raise SpeccError("E475", message, help="give the spec as well: specc train FILE --resume RUN")
    return mode
