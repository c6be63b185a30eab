"""Shapes in the text and under the pointer; a text that is being typed keeps those that were known."""

import pytest

SMALL = """\
block unit(c, stride=1) { conv(c, 3x3, stride=stride) -> batch_norm -> relu }

network Net(width=8) {
  input(3, 32x32)
  unit(width)
  unit(2 * width, stride=2)
  residual { conv(16) }
  global_avg_pool -> dense(10)
}

variant wide { network.width = 16 }
"""
BOTH = "8 x 32 x 32 | 16 x 16 x 16"


def test_shapes_stand_behind_the_stages_that_change_them(editor):
    editor.open("shapes.cnn", SMALL)
    assert editor.shown("shapes.cnn").splitlines()[:9] == [
        f"block unit(c, stride=1) {{ conv(c, 3x3, stride=stride)⟨{BOTH}⟩ -> batch_norm -> relu⟨{BOTH}⟩ }}",
        "",
        "network Net(width=8) {",
        "  input(3, 32x32)",
        "  unit(width)⟨8 x 32 x 32⟩",
        "  unit(2 * width, stride=2)⟨16 x 16 x 16⟩",
        "  residual { conv(16)⟨16 x 16 x 16⟩ }",
        "  global_avg_pool⟨16 x 1 x 1⟩ -> dense(10)⟨10⟩",
        "}",
    ]


def test_shapes_of_a_variant(editor):
    editor.open("variant.cnn", SMALL.replace("residual { conv(16) }", "residual { conv(2 * width) }"))
    assert (4, "8 x 32 x 32") in editor.hints("variant.cnn")
    command = {"command": "specc.variant", "arguments": [editor.uri("variant.cnn"), "wide"]}
    editor.request("workspace/executeCommand", command)
    assert (4, "16 x 32 x 32") in editor.hints("variant.cnn")
    assert "workspace/inlayHint/refresh" in editor.asked
    hover = editor.request("textDocument/hover", editor.place("variant.cnn", "width=8"))
    assert "here: `16`" in hover["contents"]["value"]
    # A variant that is not there any more: the spec as it is written.
    editor.edit("variant.cnn", editor.texts["variant.cnn"].index("variant"), len(editor.texts["variant.cnn"]), "")
    assert (4, "8 x 32 x 32") in editor.hints("variant.cnn")


def test_settings_of_the_editor(other):
    other.open("all.cnn", SMALL)
    assert "batch_norm⟨16 x 32 x 32" in other.shown("all.cnn")
    other.notify("workspace/didChangeConfiguration", {"settings": {"specc": {"hints": "off"}}})
    assert other.hints("all.cnn") == []


def test_what_is_being_typed_keeps_the_shapes_that_were_known(editor):
    editor.open("typed.cnn", SMALL)
    before = dict(editor.hints("typed.cnn"))
    at = editor.texts["typed.cnn"].index("  residual")
    for letter in "  unit(3, [\n":
        editor.edit("typed.cnn", at, at, letter)
        at += 1
        assert dict(editor.hints("typed.cnn")).get(4) == before[4]
    after = editor.of("typed.cnn", "inlayHint", range=editor.whole("typed.cnn"))
    old = {hint["position"]["line"]: hint for hint in after if "tooltip" in hint}
    assert old[8]["label"] == before[7] and "before" in old[8]["tooltip"]
    editor.edit("typed.cnn", at - 4, at - 1, ")")  # `unit(3)` is whole, but does not fit
    assert editor.diagnostics("typed.cnn")[0]["code"] == "E301"
    editor.edit("typed.cnn", at - 5, at - 4, "16")
    assert not any("tooltip" in one for one in editor.of("typed.cnn", "inlayHint", range=editor.whole("typed.cnn")))


@pytest.mark.parametrize(
    ("what", "number", "parts"),
    [
        ("conv(c", 1, ["used 2 times", "`3 x 32 x 32 → 8 x 32 x 32`, 216 parameters, 221,184 MACs, sees 3 x 3 pixels",
                       "conv(filters, kernel=3x3", "2-D convolution"]),
        ("unit(width)", 1, ["`3 x 32 x 32 → 8 x 32 x 32`, 232 parameters", "block unit(c, stride=1)"]),
        ("width)", 1, ["parameter of the network", "here: `8`"]),
        ("stride=2", 1, ["parameter of block `unit`"]),
        ("Net(", 1, ["parameters", "MACs", "3 x 32 x 32 → 10"]),
        ("wide ", 1, ["network.width = 16"]),
        ("residual", 1, ["Adds the output of the body to its input"]),
    ],
)  # fmt: skip
def test_hover(editor, what, number, parts):
    editor.open("hover.cnn", SMALL)
    hover = editor.request("textDocument/hover", editor.place("hover.cnn", what, 1, number))
    for part in parts:
        assert part in hover["contents"]["value"]


OTHER = """\
data { source = digits; augment = flip(horizontal) -> cutout(4) }
network N { conv(4) -> as(x) -> conv(in.channels) -> from(x) -> flatten -> dense(min(10, 20), init=he_normal) }
train { optimizer = adam(lr=1e-3) }
search { train.optimizer.lr = uniform(1, 2) }
"""


@pytest.mark.parametrize(
    ("what", "part"),
    [
        ("data {", "The data set"),
        ("source", "where the images are"),
        ("digits", "digits"),
        ("flip", "flip(direction"),
        ("x)", "`4 x 8 x 8`"),
        ("channels", "the channels of what flows in here"),
        ("min", "a function"),
        ("init=", "the initial kernel"),
        ("he_normal", "he_normal"),
        ("optimizer =", "train.optimizer = "),
        ("lr=", "learning rate"),
        ("optimizer.lr", "train.optimizer"),
        ("uniform", "all equally likely"),
    ],
)
def test_hover_over_words(editor, what, part):
    editor.open("words.cnn", OTHER)
    hover = editor.request("textDocument/hover", editor.place("words.cnn", what))
    assert part in hover["contents"]["value"]


def test_nothing_is_said_of_nothing(editor):
    editor.open("none.cnn", OTHER)
    assert editor.request("textDocument/hover", editor.place("none.cnn", " {")) is not None  # right behind `data`
    assert editor.request("textDocument/hover", editor.place("none.cnn", "; ", 1)) is None
