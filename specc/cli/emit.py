"""`specc emit`: the network as PyTorch source that stands by itself."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from specc.cli.common import refuse_spec, report
from specc.cli.options import settings
from specc.emit import emit as emit_source
from specc.files import unwritable, write_atomic
from specc.reading import check_spec, read_source


def emit(
    file: Annotated[Path, typer.Argument(help="A spec.")],
    variant: Annotated[str | None, typer.Option(help="Emit this variant.", show_default=False)] = None,
    sets: Annotated[
        list[str] | None, typer.Option("--set", metavar="PATH=VALUE", help="Override a setting. Repeatable.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Write to this file instead of standard output.", show_default=False)
    ] = None,
) -> int:
    """Generate PyTorch source for a network, with one class per block and no dependency on specc.

    Its `state_dict` is the same as that of the network that `specc train` trains.

    Examples:

      specc emit net.cnn --out net.py
      specc emit net.cnn --variant wide
    """
    refuse_spec(out)
    sets = settings(sets)
    checked = check_spec(read_source(file), variant=variant, sets=sets)
    status = report(checked.diagnostics)
    if checked.graph is None or status:
        return status
    text = emit_source(checked, checked.graph, sets)
    if checked.train is not None and checked.train.start is not None:
        print(
            "the weights of `start` are not in the source; `specc train` saves them, under its names", file=sys.stderr
        )
    if out is None:
        print(text, end="")
        return 0
    try:
        write_atomic(out, text.encode())
    except OSError as error:
        raise unwritable(out, error) from error
    return 0
