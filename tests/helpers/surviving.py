"""What must hold of every text that is checked."""

import sys
import time
from collections.abc import Callable
from typing import Any, TypeVar

from specc.check import Checked, check
from specc.render import as_json, concise, render
from specc.source import Source

Found = TypeVar("Found")

SECONDS = 2  # on a machine that makes a million calls in CALL
SLACK = 3  # what shares the machine slows memory, too, which calls do not show; what never ends takes far longer
CALL = 0.05  # seconds of processor time
CALLS = 20_000_000  # of functions: a few seconds on a quiet machine


def calls(work: Callable[[], object]) -> int:
    """How many functions are called: the work itself, whatever else the machine does."""
    found = 0

    def note(frame: object, event: str, argument: object) -> None:
        nonlocal found
        found += event in ("call", "c_call")

    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(None)
    return found


def slowness() -> float:
    """How many times as long as on a quiet machine calls take right now: cores share their units."""
    begin = time.process_time()
    for _ in range(1_000_000):
        _nothing()
    return max((time.process_time() - begin) / CALL, 1.0)


def _nothing() -> None:
    pass


def too_long(seconds: float, most: float) -> bool:
    """Whether something took more than `most` seconds of a quiet machine's processor time, by more than the slack."""
    return seconds >= SLACK * most and seconds >= SLACK * most * slowness()


def in_time(work: Callable[[], Found]) -> Found:
    """What the work gives, which takes no more than it may; a busy machine, where all takes longer, changes nothing."""
    begin = time.process_time()
    found = work()
    if too_long(time.process_time() - begin, SECONDS):
        assert calls(work) < CALLS  # which takes several times as long
    return found


def survives(text: str, **options: Any) -> Checked:
    """Check a text as the command does, with all its variants, and print what is found."""
    checked = in_time(lambda: check(Source("net.cnn", text), everything=True, **options))
    for problem in checked.diagnostics:
        assert 0 <= problem.span.start <= problem.span.end <= len(problem.span.source.text)
        assert render(problem)
        assert "\n" not in concise(problem)
        assert as_json(problem)["line"] >= 1
    if checked.graph is not None and not checked.errors:
        again = check(Source("net.cnn", checked.resolved))
        assert again.errors == [] and again.graph is not None
        assert again.graph.parameters == checked.graph.parameters and again.graph.total_macs == checked.graph.total_macs
    return checked
