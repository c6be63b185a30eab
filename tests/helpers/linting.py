"""What the tests of lints share."""

from typing import Any

from specc.check import check
from specc.diagnostics import Diagnostic
from specc.source import Source


def linted(text: str, **options: Any) -> list[Diagnostic]:
    """The diagnostics of a spec, which must have no errors."""
    found = check(Source("net.cnn", text), everything=True, **options).diagnostics
    assert [(d.code, d.message) for d in found if d.severity == "error"] == []
    return found


def codes(text: str, **options: Any) -> list[str]:
    return [d.code for d in linted(text, **options)]


def net(body: str, input: str = "input(3, 32x32)", end: str = "flatten -> dense(10)") -> str:
    return f"network Net {{\n{input}\n{body}\n{end}\n}}\n"


def trained(body: str = "conv(32) -> relu", data: str = "source = digits", train: str = "", **options: Any) -> str:
    return f"data {{ {data} }}\n{net(body, input='', **options)}train {{ {train} }}\n"
