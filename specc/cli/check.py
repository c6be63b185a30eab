"""`specc check`: all problems in all files and all variants."""

from pathlib import Path
from typing import Annotated

import typer

from specc.check import check as check_source
from specc.cli.common import load_base, print_json, read_source, report
from specc.diagnostics import Diagnostic
from specc.render import as_json, count


def check(
    files: Annotated[list[Path], typer.Argument(help="Specs to check.", metavar="FILE...")],
    json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Warnings are errors.")] = False,
    short: Annotated[bool, typer.Option("--short", help="One line for each problem.")] = False,
) -> int:
    """Check specs: every problem in every variant and search, before anything runs.

    Example:

      specc check net.cnn
    """
    diagnostics: list[Diagnostic] = []
    for file in files:
        diagnostics += check_source(read_source(file), load=load_base, everything=True).diagnostics
    errors, warnings = count(diagnostics, "error"), count(diagnostics, "warning")
    status = int(errors > 0 or (strict and warnings > 0))
    if json:
        print_json({"errors": errors, "warnings": warnings, "diagnostics": [as_json(d) for d in diagnostics]})
        return status
    report(diagnostics, strict=strict, short=short)
    if not diagnostics:
        print(f"{len(files)} specs: no problems" if len(files) > 1 else f"{files[0]}: no problems")
    return status
