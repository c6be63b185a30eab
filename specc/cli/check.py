"""`specc check`: all problems in all files and all variants."""

import json as text_of
import sys
from pathlib import Path
from typing import Annotated, NamedTuple, TextIO

import typer

from specc.check.fixes import described, mend
from specc.cli.common import print_json, report, write_source
from specc.cli.options import given, only_one
from specc.diagnostics import Diagnostic
from specc.errors import SpeccError, clean
from specc.reading import check_spec, read_source
from specc.render import as_json, count, render_error, style_of
from specc.source import Source, Span


def check(
    context: typer.Context,
    files: Annotated[list[Path], typer.Argument(help="Specs to check.", metavar="FILE...")],
    fix: Annotated[bool, typer.Option("--fix", help="Apply the fixes that are certain, and list them.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Treat warnings as errors.")] = False,
    short: Annotated[bool, typer.Option("--short", help="Print one line per problem.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print machine-readable JSON.")] = False,
    sarif: Annotated[bool, typer.Option("--sarif", help="Print SARIF 2.1.0 for code scanning.")] = False,
) -> int:
    """Check specs: every problem in every variant and search, before anything runs.

    Examples:

      specc check net.cnn
      specc check --fix --strict specs/*.cnn
    """
    only_one(given(context), ("--short", "--json", "--sarif"), "each sets the output format")
    results = [_one(file, fix=fix, strict=strict) for file in files]
    diagnostics = [diagnostic for result in results for diagnostic in result.diagnostics]
    fixed = [diagnostic for result in results for diagnostic in result.fixed]
    failures = [result.failure for result in results if result.failure]
    if json:
        _print_json([*diagnostics, *failures], fixed)
    elif sarif:
        _print_fixed(fixed, sys.stderr)
        _print_sarif([*diagnostics, *failures])
    else:
        _print([result.file for result in results if not result.failure], diagnostics, fixed, short=short)
        for failure in failures:
            print(render_error(failure.code, failure.message, failure.help, style_of(sys.stderr)), file=sys.stderr)
    return max(result.status for result in results)


class Result(NamedTuple):
    """What became of a file. fixed: what was mended. failure: why it could not be checked, or written, if so."""

    file: Path
    status: int
    diagnostics: list[Diagnostic]
    fixed: list[Diagnostic]
    failure: Diagnostic | None = None


def _one(file: Path, *, fix: bool, strict: bool) -> Result:
    """Check a file, and mend it where that is asked for. What goes wrong with one leaves the others alone."""
    diagnostics: list[Diagnostic] = []
    fixed: list[Diagnostic] = []
    try:
        source = read_source(file)
        if fix:
            mended = mend(source, _check)
            if mended.fixed:
                write_source(file, mended.source.text)
            fixed, diagnostics = mended.fixed, mended.left
        else:
            diagnostics = _check(source)
    except SpeccError as error:
        place = Span(Source(str(file), ""), 0, 0)
        failure = Diagnostic(error.code, error.message, place, help=error.help)
        return Result(file, error.status, diagnostics, fixed, failure)
    diagnostics = [diagnostic._replace(is_strict=strict) for diagnostic in diagnostics]
    return Result(file, int(count(diagnostics, "error") > 0), diagnostics, fixed)


def _check(source: Source) -> list[Diagnostic]:
    return check_spec(source, everything=True).diagnostics


def _print(files: list[Path], diagnostics: list[Diagnostic], fixed: list[Diagnostic], *, short: bool) -> None:
    _print_fixed(fixed, sys.stdout)
    report(diagnostics, short=short)
    if files and not diagnostics:
        print(f"{len(files)} specs: no problems" if len(files) > 1 else f"{clean(str(files[0]))}: no problems")


def _print_fixed(fixed: list[Diagnostic], stream: TextIO) -> None:
    for done in fixed:
        print(clean(_done(done)), file=stream)
    stream.flush()


def _done(found: Diagnostic) -> str:
    """What was mended, and how."""
    assert found.fix is not None
    return f"fixed {found.span.place}: {found.code}: {found.message}: {described(found.fix)}"


def _print_json(diagnostics: list[Diagnostic], fixed: list[Diagnostic]) -> None:
    counts = {"errors": count(diagnostics, "error"), "warnings": count(diagnostics, "warning")}
    lists = {"diagnostics": diagnostics, "fixed": fixed}
    print_json({**counts, **{name: [as_json(found) for found in list_] for name, list_ in lists.items()}})


def _print_sarif(diagnostics: list[Diagnostic]) -> None:
    from specc.report.pages import pages
    from specc.report.sarif import sarif

    print(text_of.dumps(sarif(diagnostics, {code: page.title for code, page in pages().items()}), indent=2))
