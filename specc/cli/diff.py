"""`specc diff`: what differs between two specs."""

from pathlib import Path
from typing import Annotated, Any

import typer

from specc.check import Checked
from specc.cli.common import print_json, report
from specc.cli.options import settings
from specc.errors import SpeccError, clean
from specc.fit import fitted
from specc.reading import check_spec, read_source
from specc.report.diff import as_json, compare
from specc.report.diff_table import diff_tables, figures_table

UNKNOWN: dict[str, float | None] = {"value": None, "low": None, "high": None}
NOTE = "in parentheses: 95% intervals over the images; `specc report A B` pairs runs by seed"
OTHER_IMAGES = "the runs were not validated on the same images, so that their figures cannot be compared"


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
    """Show what differs in layers, parameters, MACs, data, training and export; of two runs in figures, too.

    Examples:

      specc diff a.cnn b.cnn
      specc diff net.cnn --variant wide
      specc diff net.cnn --variant wide --variant deep
      specc diff net.cnn --set network.width=64
      specc diff runs/Digits-1 runs/Net-1
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
    figures = _figures(a, b or a)
    if json:
        print_json({"a": _json(left, a), "b": _json(right, b or a), **as_json(difference), **(figures or {})})
    else:
        print(diff_tables(difference, _label(a, first, []), _label(b or a, second, sets)))
        if figures:
            print(f"\n{figures_table(figures['figures'])}")
            print(fitted(f"\n{NOTE}" if figures["same_images"] else f"\n{OTHER_IMAGES}"))
    return 0


def _figures(a: Path, b: Path) -> dict[str, Any] | None:
    """The figures of two runs, and whether they are of the same images; None where one of them is a spec."""
    if a == b or not all((path / "run.json").is_file() for path in (a, b)):
        return None
    from specc.backend.run.manifest import read_info
    from specc.backend.run.summary import all_figures, figures_of

    one, other = read_info(a), read_info(b)
    rows = []
    for part in ("validation", "test"):
        sides = figures_of(one, part), figures_of(other, part)
        for figure in all_figures(one):
            if any((side.get(figure.name) or {}).get("value") is not None for side in sides):
                values = {name: side.get(figure.name) or UNKNOWN for name, side in zip("ab", sides, strict=True)}
                rows.append({"part": part, "figure": figure.name, **values})
    same = all(one.get(name) == other.get(name) for name in ("data_sha256", "validated_on"))
    return {"figures": rows, "same_images": same} if rows else None


def _checked(path: Path, variant: str | None, sets: list[str]) -> Checked:
    """A spec, or the spec that a run keeps."""
    kept = path / "spec.cnn"
    return check_spec(read_source(kept if kept.is_file() else path), variant=variant, sets=sets)


def _label(path: Path, variant: str | None, sets: list[str]) -> str:
    return clean(", ".join([str(path), *([f"variant {variant}"] if variant else []), *sets]))


def _json(checked: Checked, path: Path) -> dict[str, str | None]:
    return {"file": str(path), "network": checked.name, "variant": checked.variant}
