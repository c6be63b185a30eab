"""A misspelled name is mended where it is written, not where another name stands for it."""

import pytest

from specc.check import check
from specc.check.fixes import mend
from specc.source import Source
from tests.helpers.checking import only, spec


@pytest.mark.parametrize(
    ("text", "code", "place"),
    [
        ("network N(stem=imagenet) { input(1, 8x8)\nstem(8) }", "E201", "stem"),
        ("block b(part) { part }\nnetwork N { input(1, 8x8)\nb(gizmo) }", "E201", "gizmo"),
        ("block b(part) { part(2) }\nnetwork N { input(1, 8x8)\nb(gizmo) }", "E201", "part"),
        ("let sane = zzz\nnetwork N { input(1, 8x8)\nconv(8, padding=sane) }", "E207", "sane"),
        ("let mine = zzz\nnetwork N { input(1, 8x8)\nrelu }\ntrain { optimizer = mine(lr=1) }", "E202", "mine"),
    ],
)
def test_a_name_that_stands_for_another_is_left(text: str, code: str, place: str) -> None:
    error = only(spec(text))
    assert (error.code, error.fix) == (code, None)
    mended = mend(Source("net.cnn", text), lambda source: check(source, everything=True).diagnostics)
    assert (mended.source.text, mended.fixed) == (text, [])
    assert error.span.text == place


def test_the_misspelled_name_itself_is_mended() -> None:
    for text, fix in [
        ("network N { input(1, 8x8)\nflaten }", "flatten"),
        ("network N { input(1, 8x8)\nconv(8, padding=sane) }", "same"),
        ("network N { input(1, 8x8)\nrelu }\ntrain { optimizer = sgf(lr=1) }", "sgd"),
    ]:
        error = only(spec(text))
        assert error.fix is not None and error.fix.text == fix
