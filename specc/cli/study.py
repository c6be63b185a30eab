"""`specc study`: the variants of a file, trained with several seeds, side by side."""

import sys
from collections.abc import Sequence
from functools import cache
from json import dumps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from specc.check import Checked
from specc.check.variants import variants_of
from specc.cli.common import report
from specc.cli.options import given, only_one, settings
from specc.cli.trainings import Trainings
from specc.errors import SpeccError, clean, clean_lines
from specc.reading import base_of, check_spec, load_base, read_source
from specc.report.study import study_table
from specc.source import Source
from specc.tricks.validation import MOST_FOLDS

if TYPE_CHECKING:
    from specc.backend.study.plan import Entry, Repetition


def study(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="A spec.", show_default=False)],
    variants: Annotated[
        str | None,
        typer.Option(
            help="Train only these variants, in addition to the file itself.", metavar="A,B,…", show_default="all"
        ),
    ] = None,
    leave_one_out: Annotated[
        str | None,
        typer.Option(
            help="Ablate this variant: train it, and train it without each of its settings.",
            metavar="VARIANT",
            show_default=False,
        ),
    ] = None,
    samples: Annotated[int | None, typer.Option(hidden=True)] = None,
    seeds: Annotated[int, typer.Option(help="Train each with this many seeds, starting at train.seed.", min=1)] = 3,
    folds: Annotated[
        int | None,
        typer.Option(
            help="Cross-validate: divide the training images into this many folds, and train each on all folds but "
            "one, once for every fold. Overrides data.validation; the test part is not looked at.",
            min=2,
            max=MOST_FOLDS,
            show_default=False,
        ),
    ] = None,
    epochs: Annotated[float | None, typer.Option(help="Override train.epochs.", show_default=False)] = None,
    subset: Annotated[
        int | None,
        typer.Option(
            help="Use at most this many training images, and this many validation images.", min=1, show_default=False
        ),
    ] = None,
    sets: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="PATH=VALUE", help="Override a setting of all trainings. Repeatable."),
    ] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda, cuda:1, mps, or auto: CUDA if available.")] = "auto",
    data_dir: Annotated[
        Path | None, typer.Option(help="Look for data sets in this folder first.", metavar="FOLDER", show_default=False)
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="The study's folder.", metavar="FOLDER", show_default="studies/FILE")
    ] = None,
    export: Annotated[bool, typer.Option("--export", help="Also export each run to ONNX.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Do not show progress.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print study.json.")] = False,
) -> int:
    """Train a file and its variants with several seeds, or on folds; compare them in a table, study.json and a chart.

    Every training is a run in the study's folder. Finished runs are not trained again: the same command resumes
    a stopped study, and adding a variant trains only that one. If any variant of the spec has errors, nothing is
    trained. If the training of a variant fails, the table says so, the others continue, and the exit status is 1.

    Examples:

      specc study net.cnn --subset 5000 --epochs 3 --seeds 1
      specc study net.cnn --variants deep,wide --seeds 5
      specc study net.cnn --leave-one-out best
      specc study net.cnn --folds 5
    """
    from specc.backend.data.progress import hidden
    from specc.backend.study.job import FILES
    from specc.backend.study.job import study as carry_out
    from specc.backend.study.plan import repetitions
    from specc.backend.study.runner import Options

    if samples is not None:
        help = f"specc search {file} --sampler random --trials {samples}"
        raise SpeccError("E475", "--samples is not an option of `study` anymore: `specc search` does it", help=help)
    exclusive = ("--variants", "--leave-one-out")
    only_one(given(context), exclusive, "each selects what is trained")
    only_one(given(context), ("--folds", "--seeds"), "each fold is trained once, with train.seed")
    only_one(given(context), ("--folds", "--export"), "no run is trained on all training images")
    given_sets = settings(sets, epochs=epochs)
    _refuse_other_parts(sets or (), folds)
    source = read_source(file)
    entries, against = _plan(source, variants, leave_one_out)

    @cache
    def checked(entry: "Entry", repetition: "Repetition") -> Checked:
        own = [*entry.sets, *given_sets, *repetition.sets]
        return check_spec(source, data_dir=data_dir, variant=entry.variant, sets=own)

    plain = check_spec(source, data_dir=data_dir, sets=given_sets)
    if report(plain.diagnostics):
        return 1
    repeated = repetitions(plain.compiled().train.seed, seeds, folds)
    needed = entries if leave_one_out is None else entries[:1]
    if report([error for entry in needed for error in checked(entry, repeated[0]).errors]):
        return 1
    folder = out or Path("studies") / file.stem
    command = ("specc", *sys.argv[1:])
    options = Options(repeated, folder, subset, device, data_dir, base_of(file), command)
    about = {"file": str(file), "network": plain.name, "epochs": epochs, "sets": sets or []}
    with hidden(quiet):
        trainings = Trainings(device, data_dir, options.base, command, subset, export)
        found, status = carry_out(entries, against, checked, options, trainings, about, quiet)
    if json:
        print(dumps(found, indent=1))
    else:
        print(clean_lines(study_table(found)))
        print("", *(clean(str(folder / name)) for name in FILES), sep="\n")
    if status:
        print("stopped; run the same command again to continue", file=sys.stderr)
    return status or int(any(variant["error"] for variant in found["variants"]))


def _refuse_other_parts(sets: Sequence[str], folds: int | None) -> None:
    """Raise SpeccError E475 where folds would override what `--set` says of the validation images."""
    other = next((text for text in sets if "".join(text.partition("=")[0].split()) == "data.validation"), None)
    if folds is not None and other is not None:
        message = f"--set {other} conflicts with --folds {folds}, which validates on one fold after the other"
        raise SpeccError("E475", message, help="give only one of them")


def _plan(source: Source, names: str | None, leave_one_out: str | None) -> tuple[list["Entry"], dict[str, str]]:
    """What is trained, and what each is measured against."""
    from specc.backend.study.plan import compared_with, ladder, without_each

    variants = variants_of(source, load_base)
    if leave_one_out is not None:
        entries = without_each(variants, leave_one_out)
    else:
        chosen = None if names is None else [name.strip() for name in names.split(",") if name.strip()]
        entries = ladder(variants, chosen)
    return entries, compared_with(entries, variants)
