"""`specc diff`: what differs between two specs."""

from pathlib import Path
from typing import Annotated

import typer

from specc.check import Checked
from specc.cli.common import print_json, report
from specc.cli.options import settings
from specc.errors import SpeccError, clean
from specc.reading import check_spec, read_source
from specc.report.diff import as_json, compare
from specc.report.diff_table import diff_tables


def diff(
    a: Annotated[Path, typer.Argument(help="A spec or a run.", show_default=False)],
    b: Annotated[Path | None, typer.Argument(help="The spec or run to compare with. Default: A itself.")] = None,
    variants: Annotated[
        list[str] | None,
        typer.Option("--variant", help="The variant of B. If given twice: of A, then of B.", show_default=False),
    ] = None,
    sets: Annotated[
        list[str] | None, typer.Option("--set", metavar="PATH=VALUE", help="Override a setting of B. Repeatable.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print machine-readable JSON.")] = False,
) -> int:
    """Show what differs in layers, parameters, multiply-accumulates, data, training and export.

    Examples:

      specc diff a.cnn b.cnn
      specc diff net.cnn --variant wide
      specc diff net.cnn --variant wide --variant deep
      specc diff net.cnn --set network.width=64
    """
    sets = settings(sets)
    names: list[str | None] = [*(variants or [])]
    if len(names) > 2:
        raise SpeccError(
            "E483", "--variant is given more than twice", help="two specs are compared, so give at most one for each"
        )
    if b is None and not names and not sets:
        help = f"specc diff {a} other.cnn, or specc diff {a} --variant NAME"
        raise SpeccError("E483", "there is only one spec, and nothing to compare it with", help=help)
    first, second = [None, None, *names][-2:]
    left, right = _checked(a, first, []), _checked(b or a, second, sets)
    if report([*left.errors, *right.errors]):
        return 1
    difference = compare(left, right)
    if json:
        print_json({"a": _json(left, a), "b": _json(right, b or a), **as_json(difference)})
    else:
        print(diff_tables(difference, _label(a, first, []), _label(b or a, second, sets)))
    return 0


def _checked(path: Path, variant: str | None, sets: list[str]) -> Checked:
    """A spec, or the spec that a run keeps."""
    kept = path / "spec.cnn"
    return check_spec(read_source(kept if kept.is_file() else path), variant=variant, sets=sets)


def _label(path: Path, variant: str | None, sets: list[str]) -> str:
    return clean(", ".join([str(path), *([f"variant {variant}"] if variant else []), *sets]))


def _json(checked: Checked, path: Path) -> dict[str, str | None]:
    return {"file": str(path), "network": checked.name, "variant": checked.variant}
