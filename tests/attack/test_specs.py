"""Specs with random mistakes: an answer that is located and repeatable, fixes that only mend, a layout that is one.

`SPECC_FUZZ=20000` tries so many of each kind.
"""

import re
from collections import Counter

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from specc.check import Checked, check
from specc.check.fixes import mend
from specc.diagnostics import Diagnostic
from specc.source import Source
from specc.syntax.format import format_source
from tests.attack.networks import written
from tests.helpers.mutated_specs import files, mutated, shuffled, small_specs
from tests.helpers.surviving import survives
from tests.helpers.thorough import times

COUNT = times(16, thorough=36)
BOUNDED = settings(
    max_examples=COUNT,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    phases=set(Phase) - {Phase.explain},
)
SHORT = [text for text in files() if len(text) < 1500]


def everything(text: str) -> list[Diagnostic]:
    return check(Source("net.cnn", text), everything=True).diagnostics


def plain(problem: Diagnostic) -> tuple[object, ...]:
    """All of a diagnostic but its source."""
    places = [(label.span.start, label.span.end, label.text) for label in problem.labels]
    fix = problem.fix and (problem.fix.span.start, problem.fix.span.end, problem.fix.text)
    span = (problem.span.start, problem.span.end)
    return (problem.code, problem.message, *span, problem.label, places, problem.notes, problem.help, fix)


def errors(problems: list[Diagnostic]) -> int:
    return sum(problem.severity == "error" for problem in problems)


def meaning(checked: Checked) -> str:
    """What a spec without errors says, wherever it says it."""
    assert checked.graph is not None
    nodes = [(repr(node), repr(node.args), node.head) for node in checked.graph.nodes]
    heads = [tuple(head) for head in checked.graph.heads]
    said = repr([nodes, heads, checked.data, checked.train, checked.export, checked.variants])
    return re.sub(r"span=Span\([^()]*\([^()]*\)[^()]*\)", "", said)


def holds(text: str) -> None:
    checked = survives(text)
    for fix in (problem.fix for problem in checked.diagnostics if problem.fix):
        assert 0 <= fix.span.start <= fix.span.end <= len(text)
        assert fix.text != fix.span.text, "a fix changes something"
    again = everything(text)
    assert list(map(plain, again)) == list(map(plain, checked.diagnostics)), "the same twice"
    mending_only_mends(text, checked.diagnostics)
    layout_is_one(text, checked)


def mending_only_mends(text: str, before: list[Diagnostic]) -> None:
    """As `specc check --fix` does it: no more errors than before, and nothing left that has a fix."""
    mended = mend(Source("net.cnn", text), lambda source: check(source, everything=True).diagnostics)
    assert errors(mended.left) <= errors(before)
    assert not any(problem.fix for problem in mended.left)
    assert bool(mended.fixed) == (mended.source.text != text)


def layout_is_one(text: str, checked: Checked) -> None:
    """As `specc fmt` does it: the layout of a layout is the same, and means the same."""
    layout = format_source(Source("net.cnn", text))
    if layout.text is None:
        assert layout.diagnostics
        return
    assert format_source(Source("net.cnn", layout.text)).text == layout.text
    after = check(Source("net.cnn", layout.text), everything=True)
    codes = [Counter(problem.code for problem in one.errors) for one in (checked, after)]
    assert codes[0] == codes[1]
    if not checked.errors:
        assert meaning(after) == meaning(checked)


@BOUNDED
@given(mutated(small_specs()))
def test_small_specs_with_mistakes(text: str) -> None:
    holds(text)


@BOUNDED
@given(mutated(SHORT))
def test_examples_with_mistakes(text: str) -> None:
    holds(text)


@BOUNDED
@given(shuffled(small_specs()))
def test_small_specs_with_their_lines_moved(text: str) -> None:
    holds(text)


@BOUNDED
@given(st.integers(0, 10**6).map(written).flatmap(lambda text: mutated([text])))
def test_random_networks_with_mistakes(text: str) -> None:
    holds(text)


@pytest.mark.parametrize("text", [text for text in files() if len(text) >= 1500], ids=lambda text: text.split()[2])
def test_the_longer_examples_as_they_are(text: str) -> None:
    layout_is_one(text, check(Source("net.cnn", text), everything=True))
