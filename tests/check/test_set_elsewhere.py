"""A mistake in a network that another file extends shows the line of that file, too, where it comes from."""

import pytest

from specc.check import check
from specc.source import Source

BASE = """\
block unit(c) { conv(c) -> relu }
network Net(width=4, classes=10) {
  input(3, 8x8)
  unit(width)
  flatten -> dense(classes)
}
"""
USER = 'extends "base.cnn"\nnetwork {{ {} }}\n'


def labels(text: str, sets: tuple[str, ...] = ()) -> list[tuple[str, list[tuple[str, str]]]]:
    """Of each error: the text at its place, and the labels with theirs."""
    checked = check(Source("net.cnn", text), sets=sets, load=lambda path, source: Source(path, BASE))
    return [(one.span.text, [(label.text, label.span.text) for label in one.labels]) for one in checked.diagnostics]


@pytest.mark.parametrize(
    ("given", "place", "pointed"),
    [
        ("classes = 0", "classes", [("`classes` is set here", "0")]),
        ("width = 5; classes = 2.5", "classes", [("`classes` is set here", "2.5")]),
        ("width = 0", "c", [("`width` is set here", "0")]),  # where the block calls it by a name of its own
        ("width = -1; classes = 3", "c", [("`width` is set here", "-1"), ("`classes` is set here", "3")]),
    ],
)
def test_the_line_that_sets_it_is_labeled(given, place, pointed):
    assert labels(USER.format(given)) == [(place, pointed)]


def test_so_is_the_command_line():
    assert labels(BASE, sets=("network.classes=0",)) == [("classes", [("`classes` is set here", "0")])]


def test_what_the_file_itself_gives_is_not():
    assert labels(BASE.replace("classes=10", "classes=0")) == [("classes", [])]
