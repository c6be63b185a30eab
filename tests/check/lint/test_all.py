"""Every lint: documented, with an example that has the mistake and no other, and one that has none."""

import re
from pathlib import Path

import pytest

from specc.check import check
from specc.check.fixes import mend
from specc.check.lint import LINTS
from specc.diagnostics import Diagnostic
from specc.source import Source

FOLDER = Path(__file__).parents[3] / "specc" / "check" / "lint"


def found(text: str) -> list[Diagnostic]:
    return check(Source("net.cnn", text), everything=True).diagnostics


def each(function):
    return pytest.mark.parametrize("lint", LINTS, ids=lambda lint: lint.code)(function)


@each
def test_the_bad_example_has_the_mistake_and_no_other(lint):
    [diagnostic] = found(lint.bad)
    assert (diagnostic.code, diagnostic.severity) == (lint.code, "warning")
    assert diagnostic.help


@each
def test_the_good_example_has_no_mistake(lint):
    assert found(lint.good) == []


@each
def test_a_fix_leads_to_a_clean_file(lint):
    mended = mend(Source("net.cnn", lint.bad), lambda source: check(source, everything=True).diagnostics)
    fixable = [diagnostic for diagnostic in found(lint.bad) if diagnostic.fix]
    assert [diagnostic.code for diagnostic in mended.fixed] == [diagnostic.code for diagnostic in fixable]
    assert (mended.left == []) == bool(fixable)


@each
def test_it_can_be_allowed(lint):
    [diagnostic] = found(lint.bad)
    lines = lint.bad.splitlines()
    lines.insert(diagnostic.span.line - 1, f"# allow {lint.code}")
    assert [left.code for left in found("\n".join(lines))] == (["W500", "W500"] if lint.code == "W500" else [])


@each
def test_it_says_what_why_and_who_found_out(lint):
    assert re.fullmatch(r"W5\d\d", lint.code)
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", lint.name)
    assert len(lint.doc) > 30 and len(lint.why) > 60
    assert re.search(r"https://\S+\.\S+", lint.source)
    assert all(len(line) < 120 for text in (lint.doc, lint.why, lint.source) for line in text.splitlines())


def test_codes_and_names_are_unique_and_in_order():
    codes = [lint.code for lint in LINTS]
    assert codes == sorted(set(codes))
    assert len({lint.name for lint in LINTS}) == len(LINTS)


def test_no_lint_is_forgotten():
    files = [path for path in FOLDER.glob("*.py") if "LINT = Lint(" in path.read_text(encoding="utf-8")]
    assert len(files) == len(LINTS)


def test_a_file_with_errors_gets_no_lints():
    text = next(lint.bad for lint in LINTS if lint.code == "W504")
    assert [d.code for d in found(text.replace("relu", "rleu"))] == ["E201"]


def test_only_specc_check_lints():
    text = next(lint.bad for lint in LINTS if lint.code == "W504")
    assert check(Source("net.cnn", text)).diagnostics == []
