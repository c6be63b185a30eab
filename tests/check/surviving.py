"""What must hold of every text that is checked."""

import time

from specc.check import Checked, check
from specc.render import as_json, concise, render
from specc.source import Source

SECONDS = 2


def timed(text: str, **options) -> tuple[Checked, float]:
    begin = time.process_time()
    checked = check(Source("net.cnn", text), everything=True, **options)
    return checked, time.process_time() - begin


def survives(text: str, **options) -> Checked:
    """Check a text as the command does, with all its variants, and print what is found."""
    checked, seconds = timed(text, **options)
    if seconds >= SECONDS:  # even processor time counts double where two processes share a core: once more
        checked, seconds = timed(text, **options)
    assert seconds < SECONDS
    for problem in checked.diagnostics:
        assert 0 <= problem.span.start <= problem.span.end <= len(problem.span.source.text)
        assert render(problem)
        assert "\n" not in concise(problem)
        assert as_json(problem)["line"] >= 1
    if checked.graph is not None and not checked.errors:
        assert checked.graph.parameters >= 0
        assert check(Source("net.cnn", checked.resolved)).errors == []
    return checked
