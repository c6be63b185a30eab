"""`specc verify`: an exported file checked again."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from specc.cli.common import print_json
from specc.cli.export import PROVIDER_HELP
from specc.errors import clean
from specc.render import style_of

MARKS = {True: ("ok", "note"), False: ("wrong", "error"), None: ("-", "frame")}


def verify(
    model: Annotated[Path, typer.Argument(help="An exported .onnx file.", show_default=False)],
    data_dir: Annotated[Path | None, typer.Option(help="Look for data sets in this folder first.")] = None,
    device: Annotated[str, typer.Option(help="Where PyTorch runs for the comparison: cpu, cuda, …")] = "auto",
    provider: Annotated[list[str] | None, typer.Option(help=PROVIDER_HELP)] = None,
    json: Annotated[bool, typer.Option("--json", help="Print machine-readable JSON.")] = False,
) -> int:
    """Check an exported file again: its content, its spec, and its answers on the validation images.

    The file and the data set are enough. If the run's weights are next to the file, it is compared with them, too.

    Example:

      specc verify runs/Net-1/model.onnx
    """
    from specc.backend.device import find
    from specc.backend.onnx.verify import verify

    found = verify(model, data_dir=data_dir, device=find(device), providers=provider or ())
    if json:
        findings = [finding._asdict() for finding in found.findings]
        print_json(
            {"file": str(model), "verified": found.passed, "findings": findings, "certificate": found.certificate}
        )
        return int(not found.passed)
    style = style_of(sys.stdout)
    wide = max(len(finding.name) for finding in found.findings)
    for finding in found.findings:
        result, color = MARKS[finding.passed]
        print(f"{style.paint(f'{result:5}', color)}  {finding.name:{wide}}  {clean(finding.detail)}")
    print(f"{clean(str(model))}: " + ("verified" if found.passed else "NOT as certified"))
    return int(not found.passed)
