"""`specc probe`: how large activations and gradients are in a fresh network, and what its first steps do."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from specc.check import Checked
from specc.cli.common import lasting, print_json, report
from specc.cli.options import given, refuse_with, settings
from specc.errors import clean
from specc.reading import base_of, check_spec, read_source
from specc.report.probe import NO_VARIANT, Probed, probe_json, probe_table, verdict_line
from specc.source import Source


def probe(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="A spec.", show_default=False)],
    variant: Annotated[str | None, typer.Option(help="Probe this variant.", show_default=False)] = None,
    every: Annotated[bool, typer.Option("--all", help="Probe every variant, and print one line for each.")] = False,
    sets: Annotated[
        list[str] | None, typer.Option("--set", metavar="PATH=VALUE", help="Override a setting. Repeatable.")
    ] = None,
    device: Annotated[
        str | None, typer.Option(help="cpu, cuda, cuda:1, mps, or auto: CUDA if available.", show_default="auto")
    ] = None,
    data_dir: Annotated[
        Path | None, typer.Option(help="Look for data sets in this folder first.", metavar="FOLDER", show_default=False)
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Override train.seed.", show_default=False)] = None,
    picture: Annotated[
        Path | None,
        typer.Option(
            help="Draw a chart: an .svg or a .png file, or both if there is no suffix.",
            metavar="FILE",
            show_default=False,
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print machine-readable JSON.")] = False,
) -> int:
    """Run one batch through the freshly initialized network, forward and backward, and predict whether it will learn.

    For each layer: the size of its activations, how much they vary between images, dead and saturated units, and
    the gradient of its kernel. Then a copy takes up to 40 steps on 16 of the images; nothing of it is kept.

    Examples:

      specc probe net.cnn
      specc probe net.cnn --variant deep --picture deep.svg
      specc probe net.cnn --all
    """
    refuse_with(given(context), "--all", ("--variant", "--picture"), "prints one line for every variant")
    sets = settings(sets, seed=seed)
    source = read_source(file)
    checked = check_spec(source, data_dir=data_dir, variant=variant, sets=sets)
    if report(checked.diagnostics):
        return 1
    if every:
        return _every(source, checked, sets, device, data_dir, json)
    from specc.backend.pictures.style import paths
    from specc.backend.probe import probe as probe_checked

    if picture is not None:
        paths(picture)  # a suffix that cannot be drawn is known before the work is done
    with lasting("running one batch through the untrained network"):
        probed = probe_checked(checked, device=device or "auto", data_dir=data_dir, base=base_of(file))
    if json:
        print_json(probe_json(probed))
    else:
        print(probe_table(probed))
    if picture is not None:
        from specc.backend.pictures.probe import draw

        for path in draw(probed, picture):
            print(f"wrote {clean(str(path))}", file=sys.stderr)
    return 0


def _every(
    source: Source, first: Checked, sets: list[str], device: str | None, data_dir: Path | None, json: bool
) -> int:
    """The spec as it stands and each of its variants. One that has errors is told of, and the others are probed."""
    from specc.backend.probe import probe_each

    variants = [check_spec(source, data_dir=data_dir, variant=name, sets=sets) for name in first.variants]
    status = max((report(variant.errors) for variant in variants), default=0)
    sound = [first, *(variant for variant in variants if not variant.errors)]
    found: list[Probed] = []
    for probed in probe_each(sound, device=device or "auto", data_dir=data_dir, base=base_of(Path(source.path))):
        if not json and not found:
            print(verdict_line("variant", "ratio", "verdict", first.variants))
        if not json:
            line = verdict_line(
                probed.variant or NO_VARIANT, probed.gradient_ratio, probed.verdict.text, first.variants
            )
            print(line, flush=True)
        found.append(probed)
    if json:
        print_json({"variants": [probe_json(probed) for probed in found]})
    return status
