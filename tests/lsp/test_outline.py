"""The structure of a text, its colors, and the lines above networks and variants."""

from specc.lsp.tokens import TYPES

TEXT = """\
# A comment
# of two lines.
let depth = 2

block unit(c) {
  let half = c // 2
  conv(half) -> relu
}

network Net(width=8) {
  input(3, 32x32)
  unit(width)
  global_avg_pool -> dense(10)
}

train {
  epochs = 3
}

variant wide { network.width = 16 }
variant wrong { network.width = 0 }
"""


def test_symbols(editor):
    editor.open("outline.cnn", TEXT)
    tree = editor.of("outline.cnn", "documentSymbol")
    assert [(one["name"], [inner["name"] for inner in one.get("children") or []]) for one in tree] == [
        ("depth", []),
        ("unit", ["c", "half"]),
        ("Net", ["width"]),
        ("train", ["epochs"]),
        ("wide", ["network.width"]),
        ("wrong", ["network.width"]),
    ]
    found = editor.request("workspace/symbol", {"query": "unt"})
    assert editor.uri("outline.cnn") in [one["location"]["uri"] for one in found if one["name"] == "unit"]


def test_folding(editor):
    editor.open("fold.cnn", TEXT)
    folds = [(one["startLine"], one["endLine"]) for one in editor.of("fold.cnn", "foldingRange")]
    assert folds == [(4, 6), (9, 12), (15, 16), (0, 1)]


def test_selection(editor):
    editor.open("select.cnn", TEXT)
    at = editor.place("select.cnn", "half) ->")["position"]
    (chain,) = editor.of("select.cnn", "selectionRange", positions=[at])
    texts = []
    while chain:
        start, end = (editor.offset("select.cnn", chain["range"][side]) for side in ("start", "end"))
        texts.append(TEXT[start:end])
        chain = chain.get("parent")
    assert texts[:3] == ["half", "conv(half)", "conv(half) -> relu"]
    assert texts[-2].startswith("block unit") and texts[-1] == TEXT


def test_semantic_tokens(editor):
    editor.open("colors.cnn", TEXT)
    data = editor.of("colors.cnn", "semanticTokens/full")["data"]
    line = column = 0
    found: dict[str, tuple[str, bool]] = {}
    for down, right, length, kind, modifiers in zip(*[iter(data)] * 5, strict=True):
        line, column = line + down, right + (0 if down else column)
        start = editor.offset("colors.cnn", {"line": line, "character": column})
        found.setdefault(TEXT[start : start + length], (TYPES[kind], bool(modifiers & 1)))
    assert found["unit"] == ("function", True) and found["conv"] == ("function", False)
    assert found["width"] == ("parameter", True) and found["half"] == ("variable", True)
    assert found["epochs"] == ("property", False) and found["wide"] == ("type", True)


def test_lenses(editor, other):
    editor.open("lens.cnn", TEXT)
    found = editor.of("lens.cnn", "codeLens")
    assert [one["range"]["start"]["line"] for one in found] == [9, 19, 20]
    titles = [editor.request("codeLens/resolve", one)["command"]["title"] for one in found]
    assert titles == [
        "162 parameters, 111 k MACs, 3 x 32 x 32 → 10 (shapes shown)",
        "314 parameters, 221 k MACs, 3 x 32 x 32 → 10",
        "has errors",
    ]
    other.open("lens.cnn", TEXT)
    commands = [one["command"] for one in other.of("lens.cnn", "codeLens") if "command" in one]
    assert [(one["title"], one["arguments"][1]) for one in commands] == [
        (title, variant) for variant in ("", "wide", "wrong") for title in ("show", "train")
    ]
