"""`specc show`: the layers of a network, or the settings that hold."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from specc.check import Checked
from specc.check.verify.task import outputs_of
from specc.cli.common import print_json, report, write_result
from specc.cli.options import given, refuse_with, settings
from specc.errors import SpeccError, clean
from specc.ir.graph import Graph
from specc.reading import base_of, check_spec, read_source
from specc.report.init import init_json, init_table
from specc.report.layers import layers_json, layers_table
from specc.report.settings import defaults_json, defaults_text
from specc.report.start import start_json, start_table


def show(
    context: typer.Context,
    file: Annotated[Path | None, typer.Argument(help="A spec.", show_default=False)] = None,
    variant: Annotated[str | None, typer.Option(help="Show this variant.", show_default=False)] = None,
    sets: Annotated[
        list[str] | None, typer.Option("--set", metavar="PATH=VALUE", help="Override a setting. Repeatable.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print machine-readable JSON.")] = False,
    init: Annotated[bool, typer.Option("--init", help="Print how each kernel starts, and why.")] = False,
    defaults: Annotated[bool, typer.Option("--defaults", help="Print every setting and its default.")] = False,
    start: Annotated[
        bool, typer.Option("--start", help="Print what becomes of each tensor of the weights that `train.start` names.")
    ] = False,
    picture: Annotated[
        Path | None,
        typer.Option(help="Draw the network to this SVG file.", metavar="FILE", show_default=False),
    ] = None,
) -> int:
    """Show a network's layers: output shape, parameters, multiply-accumulates, receptive field and activation memory.

    Examples:

      specc show net.cnn
      specc show net.cnn --set network.width=64
      specc show net.cnn --init
      specc show net.cnn --start --set 'train.start=weights("runs/Net-1")'
      specc show net.cnn --picture net.svg
      specc show --defaults
    """
    refuse_with(
        given(context),
        "--defaults",
        ("FILE", "--variant", "--set", "--init", "--start", "--picture"),
        "shows the defaults, which are the same for every spec",
    )
    refuse_with(given(context), "--start", ("--init", "--picture"), "shows the weights that a training begins with")
    if defaults:
        if json:
            print_json({"sections": defaults_json()})
        else:
            print(defaults_text())
        return 0
    if file is None:
        raise SpeccError("E483", "`specc show` needs a spec", help="specc show net.cnn")
    checked = check_spec(read_source(file), variant=variant, sets=settings(sets))
    status = report(checked.diagnostics)
    if checked.graph is None or status:
        return status
    if start:
        return _show_start(file, checked, json=json)
    graph = checked.graph
    if picture is not None:
        _draw(graph, picture)
    if json:
        print_json(init_json(checked, graph) if init else layers_json(checked, graph))
    else:
        print(init_table(graph) if init else layers_table(checked, graph))
    return 0


def _draw(graph: Graph, file: Path) -> None:
    """Write the picture of a network. Raises SpeccError: E482 for a file that is no SVG, E481 it cannot be written."""
    from specc.report.picture import picture_file

    if file.suffix.lower() != ".svg":
        message = f"the picture of a network must be an .svg file, not `{file.name}`"
        raise SpeccError("E482", message, help=f"{file.stem}.svg")
    write_result(file, picture_file(graph).encode(), "--picture")
    print(f"drew {clean(str(file))}", file=sys.stderr)


def _show_start(file: Path, checked: Checked, *, json: bool) -> int:
    """Print how the weights that the network begins with are mapped; status 1 where some of them have no place."""
    spec = checked.compiled()
    if spec.train.start is None:
        help = 'set train.start, such as start = weights("runs/Net-1")'
        raise SpeccError("E475", "--start shows the weights that `train.start` names, and it is not set", help=help)
    from specc.backend.start import map_start, origin_differs, refuse_misfits, resolve_start  # it opens the weights

    origin = resolve_start(spec.train.start, base_of(file))
    outputs = outputs_of(spec.data) or () if spec.data else ()
    mapped = map_start(spec.graph, origin, outputs)
    if json:
        print_json(start_json(mapped, origin.words, origin.sha256))
    else:
        print(start_table(mapped, origin.words))
        if origin.classes and not outputs:
            print("the head is replaced if the classes, which are known once the images are read, are others")
        for words in origin_differs(spec.graph, mapped, origin):
            print(words)
    refuse_misfits(mapped, origin)
    return 0
