"""From a name to its definition and its uses, and its change everywhere."""

import re

import pytest

from tests.helpers.editor import Failed

BASE = """\
let depth = 2
block unit(c, stride=1) { conv(c, stride=stride) -> relu }
network Net(width=8) {
  input(3, 32x32)
  for (c, s) in [(width, 1), (2 * width, 2)] { unit(c, stride=s) }
  repeat(depth) { unit(16) } -> as(skip)
  let half = in.channels // 2
  conv(half) -> conv(16) -> as(body)
  add { | from(skip) | from(body) }
  shared mlp = conv(16, 1x1)
  mlp -> mlp
  global_avg_pool -> dense(10)
}
variant wide { network.width = 16 }
variant wider extends wide { network.width = 32 }
train { freeze = unit }
"""
TOP = """\
extends "names_base.cnn"
variant own extends wide { network.width = 64 }
block other(c) { unit(c) }
"""


@pytest.fixture
def names(editor):
    (editor.root / "names_base.cnn").write_text(BASE)
    (editor.root / "names_top.cnn").write_text(TOP)
    editor.open("names_base.cnn", BASE)
    editor.open("names_top.cnn", TOP)
    yield editor
    editor.close("names_base.cnn")
    editor.close("names_top.cnn")


def lines(editor, locations):
    """The file and the line of each place."""
    return sorted((place["uri"].rpartition("_")[2], place["range"]["start"]["line"]) for place in locations)


@pytest.mark.parametrize(
    ("what", "number", "line"),
    [
        ("unit(c, stride=s)", 1, 1),
        ("stride=s)", 1, 1),  # an argument by name: the parameter
        ("c, stride=s", 2, 4),  # the loop's variable
        ("width, 1", 1, 2),
        ("depth)", 1, 0),
        ("skip) |", 1, 5),
        ("half)", 1, 6),
        ("mlp ->", 1, 9),
        ("wide {", 2, 13),
        ("width = 32", 1, 2),
        ("unit }", 1, 1),
    ],
)
def test_definition(names, what, number, line):
    places = names.request("textDocument/definition", names.place("names_base.cnn", what, 0, number))
    assert lines(names, places) == [("base.cnn", line)]


def test_definition_across_extends(names):
    places = names.request("textDocument/definition", names.place("names_top.cnn", "unit"))
    assert lines(names, places) == [("base.cnn", 1)]
    places = names.request("textDocument/definition", names.place("names_top.cnn", "names_base", 3))
    assert lines(names, places) == [("base.cnn", 0)]
    links = names.of("names_top.cnn", "documentLink")
    assert [link["target"] for link in links] == [names.uri("names_base.cnn")]
    names.open("names_zoo.cnn", 'extends "zoo:resnet50"\nvariant a { network.classes = 5 }\n')
    places = names.request("textDocument/definition", names.place("names_zoo.cnn", "classes"))
    assert [place["uri"].rpartition("/")[2] for place in places] == ["resnet.cnn"]


def test_references(names):
    asked = {**names.place("names_base.cnn", "unit(c, stride=1"), "context": {"includeDeclaration": True}}
    uses = [("base.cnn", 1), ("base.cnn", 4), ("base.cnn", 5), ("base.cnn", 15), ("top.cnn", 2)]
    assert lines(names, names.request("textDocument/references", asked)) == uses
    asked["context"]["includeDeclaration"] = False
    assert lines(names, names.request("textDocument/references", asked)) == uses[1:]
    marks = names.request("textDocument/documentHighlight", names.place("names_base.cnn", "skip"))
    assert [(mark["range"]["start"]["line"], mark["kind"]) for mark in marks] == [(5, 3), (8, 2)]


@pytest.mark.parametrize(
    ("what", "number", "old", "files"),
    [
        ("unit(", 1, r"\bunit\b", 2),
        ("stride=1", 1, r"\bstride(?==[1s]\b|\))", 1),
        ("depth =", 1, r"\bdepth\b", 1),
        ("width=8", 1, r"\bwidth\b", 2),
        ("skip", 1, r"\bskip\b", 1),
        ("half", 1, r"\bhalf\b", 1),
        ("mlp", 1, r"\bmlp\b", 1),
        ("wide {", 1, r"\bwide\b", 2),
        ("s) in", 1, r"\bs\b", 1),
        ("Net(", 1, r"\bNet\b", 1),
    ],
)
def test_rename(names, what, number, old, files):
    place = names.place("names_base.cnn", what, 0, number)
    assert names.request("textDocument/prepareRename", place)["start"] == place["position"]
    texts = names.changed(names.request("textDocument/rename", {**place, "newName": "renamed_"}))
    assert len(texts) == files
    before = {"names_base.cnn": BASE, "names_top.cnn": TOP}
    for name, text in texts.items():
        assert text == re.sub(old, "renamed_", before[name])


@pytest.mark.parametrize(
    ("what", "new", "message"),
    [
        ("width=8", "depth", "`depth` is taken"),  # `repeat(depth)` would mean the parameter
        ("half", "conv", "`conv` is taken"),
        ("unit(c, stride=1)", "relu", "`relu` is taken"),
        ("half", "if", "`if` is not a name"),
        ("half", "3x", "`3x` is not a name"),
        ("half", "a b", "`a b` is not a name"),
        ("conv", "other", "not one that the spec defines"),
    ],
)
def test_a_name_that_would_change_a_meaning_is_refused(names, what, new, message):
    with pytest.raises(Failed, match=message):
        names.request("textDocument/rename", {**names.place("names_base.cnn", what), "newName": new})


def test_words_of_the_language_and_names_of_the_zoo_keep_theirs(names):
    assert names.request("textDocument/prepareRename", names.place("names_base.cnn", "conv")) is None
    names.open("names_zoo.cnn", 'extends "zoo:resnet50"\nvariant a { network.classes = 5 }\n')
    assert names.request("textDocument/prepareRename", names.place("names_zoo.cnn", "classes")) is None
    assert names.request("textDocument/prepareRename", names.place("names_zoo.cnn", "a {")) is not None


def test_calls(names):
    (unit,) = names.request("textDocument/prepareCallHierarchy", names.place("names_top.cnn", "unit"))
    incoming = names.request("callHierarchy/incomingCalls", {"item": unit})
    assert sorted(call["from"]["name"] for call in incoming) == ["Net", "other"]
    (other,) = names.request("textDocument/prepareCallHierarchy", names.place("names_top.cnn", "other"))
    (called,) = names.request("callHierarchy/outgoingCalls", {"item": other})
    assert called["to"]["name"] == "unit" and len(called["fromRanges"]) == 1
