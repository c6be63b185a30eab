"""Texts are kept as the editor edits them; their problems, repairs and layout are those of the command line."""

import pytest
from lsprotocol import types

from specc.lsp.positions import Positions
from specc.reading import check_spec
from specc.source import Source
from specc.syntax.format import format_source
from tests.helpers.editor import Editor

ODD = """\
data { source = folder("bänke/😀") }  # 😀 ü \u2028 x
network Nett { input(3, 8x8) -> conv(4) -> relu -> flatten -> dense(2) }
"""


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])
def test_positions_and_offsets(encoding):
    positions = Positions(Source("", ODD), encoding)
    for offset in range(len(ODD) + 1):
        assert positions.offset(positions.position(offset)) == offset
    line = ODD.partition("\n")[0]
    codec, unit = {"utf-8": ("utf-8", 1), "utf-16": ("utf-16-le", 2), "utf-32": ("utf-32-le", 4)}[encoding]
    width = len(line.encode(codec)) // unit
    assert positions.position(len(line)) == types.Position(0, width)
    assert positions.offset(types.Position(0, 999)) == len(line)
    assert positions.offset(types.Position(99, 0)) == len(ODD)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_columns_are_counted_as_the_client_counts(request, encoding):
    editor: Editor = request.getfixturevalue("other" if encoding == "utf-8" else "editor")
    assert editor.capabilities["positionEncoding"] == encoding
    editor.open("odd.cnn", ODD.replace("folder", "foldr").replace("\n", "\r\n"))
    editor.texts["odd.cnn"] = ODD.replace("folder", "foldr")  # line endings count as one
    (problem,) = editor.diagnostics("odd.cnn")
    assert problem["code"] == "E202"
    assert editor.offset("odd.cnn", problem["range"]["start"]) == ODD.index("fold")
    at = ODD.index("/😀") - 1
    editor.edit("odd.cnn", at, at + 2, "😀😀 = relu")
    editor.edit("odd.cnn", ODD.index("fold"), ODD.index("fold") + 5, "folder")
    assert editor.diagnostics("odd.cnn") == []
    end = editor.texts["odd.cnn"].index("# ")
    editor.edit("odd.cnn", end, end, "relu ")
    (problem,) = editor.diagnostics("odd.cnn")
    assert problem["range"]["start"] == editor.at("odd.cnn", end)


def test_a_byte_order_mark_is_passed_over(editor):
    text = "\ufeffnetwork N {\n  input(3, 8x8)\n  flatten -> dens(2)\n}\n"
    editor.open("marked.cnn", text)
    (problem,) = editor.diagnostics("marked.cnn")
    assert problem["code"] == "E201"
    assert editor.offset("marked.cnn", problem["range"]["start"]) == text.index("dens")


def test_problems_say_all_that_the_checker_says(editor):
    text = """network N {
  input(3, 32x32)
  add {
    | conv(16)
    | conv(8)
  }
  global_avg_pool -> dense(10)
}
variant v { network.width = 3 }
variant w extends v { train.epochs = 0 }
"""
    editor.open("many.cnn", text)
    problems = editor.diagnostics("many.cnn")
    expected = check_spec(Source("many.cnn", text), everything=True).diagnostics
    assert [(one["code"], one["range"]["start"]["line"] + 1) for one in problems] == [
        (one.code, one.span.line) for one in expected
    ]
    branches = problems[0]
    assert branches["code"] == "E301" and branches["severity"] == 1 and "help: " in branches["message"]
    assert [place["message"] for place in branches["relatedInformation"]] == ["16 x 32 x 32", "8 x 32 x 32"]
    assert branches["codeDescription"]["href"].startswith("file:") and "E301" in branches["codeDescription"]["href"]


def test_a_warning_has_a_page_and_what_is_unused_is_faded(editor):
    editor.open("unused.cnn", "let a = 3\nnetwork N { input(3, 8x8) -> conv(4) -> relu -> flatten -> dense(2) }\n")
    (problem,) = editor.diagnostics("unused.cnn")
    assert problem["severity"] == 2 and problem["tags"] == [1]


def test_a_problem_in_a_file_below_stands_at_extends(editor):
    (editor.root / "base.cnn").write_text("network N { input(3, 8x8) -> conv(0) -> flatten -> dense(2) }\n")
    editor.open("top.cnn", '\nextends "base.cnn"\n')
    (problem,) = editor.diagnostics("top.cnn")
    assert problem["code"] == "E207" and problem["range"]["start"]["line"] == 1
    place = problem["relatedInformation"][0]["location"]
    assert place["uri"] == editor.uri("base.cnn") and place["range"]["start"]["line"] == 0
    # The base is opened and mended, but not saved: what extends it is checked again.
    editor.open("base.cnn", (editor.root / "base.cnn").read_text())
    at = editor.texts["base.cnn"].index("0)")
    editor.edit("base.cnn", at, at + 1, "4")
    assert editor.diagnostics("base.cnn") == []
    assert editor.diagnostics("top.cnn") == []
    # It is closed without being saved: the file is still as it was.
    editor.close("base.cnn")
    assert editor.diagnostics("top.cnn")[0]["code"] == "E207"
    (editor.root / "base.cnn").write_text(editor.texts["base.cnn"])
    change = {"uri": editor.uri("base.cnn"), "type": 2}
    editor.notify("workspace/didChangeWatchedFiles", {"changes": [change]})
    assert editor.diagnostics("top.cnn") == []


def test_a_fix_is_offered_where_the_problem_is(editor):
    text = "network N { input(3, 8x8) -> convv(4) -> relu -> flaten -> dense(2) }\n"
    editor.open("fix.cnn", text)
    start = editor.place("fix.cnn", "convv", 2)["position"]
    asked = {"range": {"start": start, "end": start}, "context": {"diagnostics": []}}
    quick, every = editor.of("fix.cnn", "codeAction", **asked)
    assert quick["title"] == "Replace `convv` with `conv`" and quick["isPreferred"]
    assert quick["diagnostics"][0]["code"] == "E201"
    edits = quick["edit"]["documentChanges"][0]["edits"]
    assert editor.applied("fix.cnn", edits) == text.replace("convv", "conv")
    assert every["kind"] == "source.fixAll.specc" and "edit" not in every
    edits = editor.request("codeAction/resolve", every)["edit"]["documentChanges"][0]["edits"]
    assert editor.applied("fix.cnn", edits) == text.replace("convv", "conv").replace("flaten", "flatten")
    asked["context"] = {"diagnostics": [], "only": ["source.fixAll"]}
    assert [one["kind"] for one in editor.of("fix.cnn", "codeAction", **asked)] == ["source.fixAll.specc"]


UGLY = """\
network   N {
  input( 3,8x8 )->conv(4)
  relu   ->   relu  # why not
  flatten  ->  dense( 2 )
}
"""
OPTIONS = {"tabSize": 2, "insertSpaces": True}


def test_formatting(editor):
    editor.open("ugly.cnn", UGLY)
    formatted = format_source(Source("", UGLY)).text
    assert editor.applied("ugly.cnn", editor.of("ugly.cnn", "formatting", options=OPTIONS)) == formatted
    line = {"start": {"line": 2, "character": 3}, "end": {"line": 2, "character": 5}}
    partly = editor.applied("ugly.cnn", editor.of("ugly.cnn", "rangeFormatting", options=OPTIONS, range=line))
    assert partly.splitlines()[2] == "  relu -> relu  # why not" and partly.splitlines()[0] == "network   N {"
    editor.edit("ugly.cnn", 0, 0, "network (")
    assert editor.of("ugly.cnn", "formatting", options=OPTIONS) is None
