"""`specc doctor`: what there is on this machine, what is wrong, and how to mend it."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from specc.cli.common import print_json
from specc.errors import clean, counted
from specc.fit import LEAST, fitted, limit
from specc.render import style_of

MARKS = {"fine": "ok", "warning": "warning", "broken": "broken"}
COLORS = {"fine": "note", "warning": "warning", "broken": "error"}

LEFT = 11  # columns of the mark


def doctor(
    data_dir: Annotated[Path | None, typer.Option(help="Look for data sets in this folder first.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print machine-readable JSON.")] = False,
) -> int:
    """Check Python, packages, devices, execution providers, data sets and disk space, and say how to fix what is wrong.

    The exit status is 1 if anything that specc needs is broken.

    Example:

      specc doctor
    """
    from specc.backend.doctor import examine

    findings = list(examine(data_dir))
    broken = [finding for finding in findings if finding.state == "broken"]
    if json:
        print_json({"healthy": not broken, "findings": [finding._asdict() for finding in findings]})
        return int(bool(broken))
    style = style_of(sys.stdout)
    wide = max(len(finding.name) for finding in findings)
    section = ""
    for finding in findings:
        if finding.section != section:
            section = finding.section
            print(style.paint(section, "bold"))
        result = style.paint(f"{MARKS[finding.state]:7}", COLORS[finding.state])
        lines = [f"{finding.name:{wide}}  {clean(finding.value)}"]
        if finding.help:
            lines.append(f"{'':{wide}}  = help: {clean(finding.help)}")
        more = f"\n{'':{LEFT}}"
        shown = [line for text in lines for line in fitted(text, _room(), " " * 2).split("\n")]
        print(f"  {result}  {more.join(shown)}")
    wrong = sum(finding.state != "fine" for finding in findings)
    print(f"\n{len(broken)} broken, {counted(wrong - len(broken), 'warning')}" if wrong else "\neverything is in order")
    return int(bool(broken))


def _room() -> int:
    """What is left of a line behind the mark; 0: lines are as long as they are."""
    return max(limit() - LEFT, LEAST) if limit() else 0
