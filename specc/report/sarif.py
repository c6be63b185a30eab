"""Problems in SARIF 2.1.0, the format that code-scanning services read (OASIS, 2020)."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from specc import __version__
from specc.diagnostics import Diagnostic, Fix
from specc.source import Span

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def sarif(diagnostics: Sequence[Diagnostic], titles: Mapping[str, str]) -> dict[str, Any]:
    """A log of one run. titles: what each code means, in a few words."""
    codes = sorted({diagnostic.code for diagnostic in diagnostics})
    rules = [_rule(code, titles.get(code, "")) for code in codes]
    run = {
        "tool": {"driver": {"name": "specc", "version": __version__, "rules": rules}},
        "columnKind": "unicodeCodePoints",
        "results": [_result(diagnostic, codes.index(diagnostic.code)) for diagnostic in diagnostics],
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(code: str, title: str) -> dict[str, Any]:
    level = "warning" if code.startswith("W") else "error"
    rule: dict[str, Any] = {"id": code, "defaultConfiguration": {"level": level}}
    if title:
        rule["shortDescription"] = {"text": title}
    rule["help"] = {"text": f"specc explain {code}"}
    return rule


def _result(diagnostic: Diagnostic, index: int) -> dict[str, Any]:
    d = diagnostic
    text = "\n".join([d.message, *d.notes, *([f"help: {d.help}"] if d.help else [])])
    result: dict[str, Any] = {
        "ruleId": d.code,
        "ruleIndex": index,
        "level": d.severity,
        "message": {"text": text},
        "locations": [{"physicalLocation": _location(d.span)}],
    }
    if d.labels:
        result["relatedLocations"] = [
            {"id": number, "physicalLocation": _location(label.span), "message": {"text": label.text}}
            for number, label in enumerate(d.labels)
        ]
    if d.fix:
        result["fixes"] = [_fix(d.fix, d.help or d.message)]
    return result


def _fix(fix: Fix, what: str) -> dict[str, Any]:
    replacement = {"deletedRegion": _region(fix.span), "insertedContent": {"text": fix.text}}
    change = {"artifactLocation": {"uri": _uri(fix.span.source.path)}, "replacements": [replacement]}
    return {"description": {"text": what}, "artifactChanges": [change]}


def _location(span: Span) -> dict[str, Any]:
    return {"artifactLocation": {"uri": _uri(span.source.path)}, "region": _region(span)}


def _region(span: Span) -> dict[str, int]:
    """Lines and columns count from 1; the end column is just behind the last character."""
    (line, column), (end_line, end_column) = span.source.position(span.start), span.source.position(span.end)
    return {"startLine": line, "startColumn": column, "endLine": end_line, "endColumn": end_column}


def _uri(path: str) -> str:
    return Path(path).as_uri() if Path(path).is_absolute() else quote(os.fsencode(Path(path).as_posix()))
