"""`specc fmt`: the one canonical layout."""

import sys
from difflib import unified_diff
from pathlib import Path
from typing import Annotated

import typer

from specc.cli.common import bytes_like, read_stdin, report, write_source
from specc.errors import clean
from specc.reading import read_spec, source_of
from specc.syntax.format import format_source

STDIN = Path("-")


def fmt(
    files: Annotated[
        list[Path],
        typer.Argument(help="Specs; `-` reads standard input and writes to standard output.", metavar="FILE..."),
    ],
    check: Annotated[bool, typer.Option("--check", help="Change nothing; list the files that would change.")] = False,
    diff: Annotated[bool, typer.Option("--diff", help="Change nothing; show what would change.")] = False,
) -> int:
    """Format specs in the one canonical style. Comments, empty lines and the meaning of the spec are kept.

    A file with syntax errors is left unchanged. With --check or --diff, the exit status is 1 if a file would change.

    Examples:

      specc fmt net.cnn
      specc fmt --check specs/*.cnn
    """
    statuses = [_fmt(file, check, diff) for file in files]
    return max(statuses)


def _fmt(file: Path, check: bool, diff: bool) -> int:
    if file == STDIN:
        source, before = read_stdin()
    else:
        before = read_spec(file)
        source = source_of(str(file), before)
    formatted = format_source(source)
    if formatted.text is None:
        return report(formatted.diagnostics)
    after = bytes_like(before, formatted.text)
    if diff:
        old, new = (text.splitlines(keepends=True) for text in (source.text, formatted.text))
        name = clean(source.path)
        sys.stdout.writelines(map(_ended, unified_diff(old, new, name, f"{name} (formatted)")))
    if check and after != before:
        print(f"{clean(source.path)}: not in the canonical style")
    if check or diff:
        return int(after != before)
    if file == STDIN:
        sys.stdout.flush()
        sys.stdout.buffer.write(after)
    elif after != before:
        write_source(file, formatted.text)
        print(f"{clean(str(file))}: formatted")
    return 0


def _ended(line: str) -> str:
    """A line of a difference; one without a new line is the last of its file."""
    return line if line.endswith("\n") else line + "\n\\ No newline at end of file\n"
