"""`specc report`: runs as a page that one can send."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from specc.check.gather.files import parse_files
from specc.check.problems import Problems
from specc.check.variants import variants_of
from specc.cli.common import lasting, write_result
from specc.cli.options import given
from specc.errors import SpeccError, clean
from specc.reading import ZOO, check_spec, load_base, read_source
from specc.report.layers import byte_text
from specc.source import Source

if TYPE_CHECKING:
    from specc.backend.report_page.spec import Origin

NAME = "report.html"
OF_ONE = ("--device", "--data-dir")


def report(
    context: typer.Context,
    runs: Annotated[list[Path], typer.Argument(help="Folders of runs.", metavar="RUN...", show_default=False)],
    out: Annotated[
        Path | None,
        typer.Option(
            help="Write the page to this file. Default: report.html in the run, or here for several runs.",
            metavar="FILE",
            show_default=False,
        ),
    ] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda, cuda:1, mps, or auto: CUDA if available.")] = "auto",
    data_dir: Annotated[
        Path | None, typer.Option(help="Look for data sets in this folder first.", metavar="FOLDER", show_default=False)
    ] = None,
) -> int:
    """Write a run as one HTML page: verdict, curves, classes, mistakes, calibration, network, cost, certificate, spec.

    The page contains all that it shows, images of the data set included, and makes no network request. Of several runs
    it shows the curves over each other, and what differs in specs and figures, paired where seeds match; then no image
    is looked at.

    Examples:

      specc report runs/Digits-1
      specc report runs/Digits-1 runs/Net-1 --out compared.html
    """
    repeated = next((run for place, run in enumerate(runs) if run in runs[:place]), None)
    if repeated is not None:
        raise SpeccError("E483", f"{repeated} is given twice", help="give each run once")
    if len(runs) > 1:
        unused = next((name for name in OF_ONE if name in given(context)), None)
        if unused is not None:
            message = f"{unused} is for the report of one run; of several, no image is looked at"
            raise SpeccError("E475", message, help=f"remove {unused}")
    from specc.backend import report_page

    if len(runs) > 1:
        page = report_page.page_of_runs(runs)
    else:
        origin = _origin(runs[0])
        with lasting("measuring the run once more"):
            page = report_page.page_of_run(runs[0], device=device, data_dir=data_dir, origin=origin)
    target = out or (Path(NAME) if len(runs) > 1 else runs[0] / NAME)
    if target.suffix == ".cnn":
        raise SpeccError("E480", f"`{target}` has the name of a spec", help="choose another file with --out")
    content = page.encode("utf-8", "backslashreplace")
    write_result(target, content, "--out")
    print(f"{clean(str(target))}: {byte_text(len(content))}")
    return 0


def _origin(run: Path) -> "Origin | None":
    """The spec that a run's own was made from, as it is now: of a variant what that extends, of a file with `extends`
    that one; None where it is not there any more, or has errors."""
    from specc.backend.report_page.spec import Origin
    from specc.backend.run.manifest import read_info

    info = read_info(run)
    source = _source(info)
    if source is None:
        return None
    variant = info.get("variant")
    if variant:
        base = variants_of(source, load_base)[variant].base if variant in variants_of(source, load_base) else ""
        words = f"{source.path}, variant {base}" if base else source.path
        checked = check_spec(source, variant=base or None)
    else:
        files = parse_files(source, load_base, Problems())
        if files is not None and len(files.trees) > 1:
            source = files.trees[1].source
        words, checked = source.path, check_spec(source)
    return Origin(words, checked) if checked.graph is not None and not checked.errors else None


def _source(info: Mapping[str, Any]) -> Source | None:
    """The file that a run was trained from, where it still lies there."""
    command = info.get("command")
    words: Sequence[Any] = command if isinstance(command, list) else []
    named = next(
        (word for word in words if isinstance(word, str) and (word.endswith(".cnn") or word.startswith(ZOO))), ""
    )
    if not named:
        return None
    try:
        return read_source(named if named.startswith(ZOO) else Path(info["base"]) / Path(named).name)
    except SpeccError:
        return None
