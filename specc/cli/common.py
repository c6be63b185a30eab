"""What several commands share: how results and problems are printed, and files written that the user names.

Results go to standard output, everything else to standard error.
"""

import json
import os
import sys
from codecs import BOM_UTF8
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from specc.diagnostics import Diagnostic
from specc.errors import SpeccError, clean, counted
from specc.files import read_file, unwritable, write_atomic
from specc.fit import width_of
from specc.reading import LARGEST, source_of
from specc.render import concise, count, render, style_of, summary
from specc.source import Source


def read_stdin() -> tuple[Source, bytes]:
    """The spec that comes in by standard input, and its bytes. Raises what `read_source` raises for text."""
    try:
        data = sys.stdin.buffer.read(LARGEST + 1)
    except OSError as error:
        message = f"standard input cannot be read: {error.strerror}"
        raise SpeccError("E474", message, help="check whether it is closed") from error
    return source_of("<stdin>", data), data


def bytes_like(before: bytes, text: str) -> bytes:
    """A text with the line endings and the byte order mark of what was there before."""
    data = text.replace("\n", "\r\n").encode() if b"\r\n" in before else text.encode()
    return BOM_UTF8 + data if before.startswith(BOM_UTF8) else data


def write_source(path: Path, text: str) -> None:
    """Write a spec anew, with the line endings, the byte order mark and the permissions that it has.

    Raises `SpeccError` E481 where it cannot be written.
    """
    try:
        mode = path.stat().st_mode
        write_atomic(path.resolve(), bytes_like(read_file(path), text))
        path.chmod(mode & 0o7777)
    except OSError as error:
        raise unwritable(path, error) from error


def refuse_spec(out: Path | None) -> None:
    """Raise SpeccError E480 where a result would be written over a spec."""
    if out is not None and out.suffix == ".cnn" and out.exists():
        raise SpeccError(
            "E480", f"`{out}` is a spec, which is never overwritten", help="choose another file with --out"
        )


def report(diagnostics: Sequence[Diagnostic], *, short: bool = False, stream: TextIO | None = None) -> int:
    """Print problems and a summary line; nothing where there are none. Gives the exit status, 1 where one is an error.

    short: one line a problem. stream: standard error unless it is given.
    On a terminal a last line says, once, where the whole story of the first code is told.
    """
    stream = stream or sys.stderr
    style = style_of(stream)
    for diagnostic in diagnostics:
        print(concise(diagnostic) if short else render(diagnostic, style) + "\n", file=stream)
    if diagnostics:
        print(summary(diagnostics), file=stream)
        if stream.isatty() and not short:
            first = next((d for d in diagnostics if d.severity == "error"), diagnostics[0])
            print(style.paint(f"run for details: specc explain {first.code}", "frame"), file=stream)
    return int(count(diagnostics, "error") > 0)


def write_csv(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write a row for each image, and say so on standard output. Raises SpeccError E480 for a spec, E481."""
    from specc.report.rows import csv_text

    refuse_spec(path)
    write_result(path, csv_text(rows).encode("utf-8", "surrogateescape"))
    print(f"{clean(str(path))}: {counted(len(rows), 'row')}")


def write_result(path: Path, data: bytes, option: str = "") -> None:
    """Write a file that the user names. option: which names it. Raises SpeccError E481 where it cannot be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, data)
    except OSError as error:
        help = f"choose another file with {option}" if option else "choose another file, or check the permissions"
        raise SpeccError("E481", f"{path} cannot be written: {error.strerror or error}", help=help) from None


@contextmanager
def lasting(words: str, *, quiet: bool = False) -> Iterator[None]:
    """Say on a terminal what is measured, while it lasts. Nothing of it is left behind."""
    is_shown = sys.stderr.isatty() and not quiet and os.environ.get("TERM") != "dumb"
    if is_shown:
        print(f"{words} …"[: width_of(sys.stderr) - 1], end="", file=sys.stderr, flush=True)
    try:
        yield
    finally:
        if is_shown:
            print("\r\x1b[2K", end="", file=sys.stderr, flush=True)


def print_json(values: dict[str, Any]) -> None:
    """An answer for programs, on standard output. Every one of them says which `format` it has."""
    print(json.dumps({"format": 1, **values}, indent=2))
