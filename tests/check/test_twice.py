"""What a file may have once only: each second one is an error that points to the first."""

import pytest

from specc.check import check
from specc.source import Source
from tests.helpers.checking import only, spec

NET = "network N { input(8, 8x8)\nrelu }\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (NET + NET, "this file has a second network"),
        (NET + NET.replace("N", "M"), "this file has a second network"),
        (NET + "block b { relu }\nblock b { tanh }", "block `b` is defined twice"),
        (NET + "let a = 1\nlet a = 2", "let `a` is defined twice"),
        (NET + "variant v { train.epochs = 1 }\nvariant v { train.epochs = 2 }", "variant `v` is defined twice"),
        (NET + "train { epochs = 1; epochs = 2 }", "setting `train.epochs` is defined twice"),
        (NET + "train { epochs = 1 }\ntrain { epochs = 2 }", "setting `train.epochs` is defined twice"),
        (
            NET + "search { train.epochs = choice(1, 2) }\nsearch { train.epochs = choice(3, 4) }",
            "search over `train.epochs` is defined twice",
        ),
        (NET + "block b(c, c) { conv(c) }", "`b` has two parameters called `c`"),
    ],
)
def test_twice(text: str, words: str) -> None:
    error = only(spec(text))
    assert error.code == "E209" and words in error.message
    [first] = error.labels
    assert first.text == "first defined here" and first.span.start < error.span.start


def test_once_of_each() -> None:
    items = ("block N { relu }", "let N = 1", "variant N { train.epochs = 1 }", "train { epochs = 1; batch = 2 }")
    text = "\n".join([*items, "train { seed = 3 }"])
    assert spec(NET + text).errors == []


def test_a_comment_at_the_end_of_a_file_without_a_new_line_is_removed_as_far_as_it_goes() -> None:
    text = f"{NET}# allow W504"
    [found] = check(Source("net.cnn", text), everything=True).diagnostics
    assert found.code == "W500" and found.fix is not None
    assert (found.fix.span.start, found.fix.span.end) == (len(NET), len(text))
