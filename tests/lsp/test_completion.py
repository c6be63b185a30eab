"""What is offered where something is typed. `‸` is where the cursor stands."""

import pytest

FILE = """\
let base = 16
block unit(c, stride=1) { conv(c, 3x3, stride=stride) -> batch_norm -> relu }
network Net(width=8, act=relu) {
  input(3, 32x32)
  BODY
  global_avg_pool -> dense(10)
}
variant wide { network.width = 16 }
"""


def offered(editor, text):
    """The labels that are offered at `‸`, and the items by them."""
    at = text.index("‸")
    editor.open("type.cnn", text.replace("‸", ""))
    editor.diagnostics("type.cnn")
    place = {"textDocument": {"uri": editor.uri("type.cnn")}, "position": editor.at("type.cnn", at)}
    return {item["label"]: item for item in editor.request("textDocument/completion", place)}


@pytest.mark.parametrize(
    ("typed", "some", "none"),
    [
        ("‸", ["conv", "unit", "residual", "repeat", "base", "width", "act", "if", "let"], ["adam", "min", "classes"]),
        ("conv(4) -> ba‸", ["batch_norm", "unit", "act"], ["if", "epochs"]),
        ("add { | ‸ }", ["conv", "unit"], ["flip"]),
        ("conv(‸", ["filters=", "kernel=", "width", "base", "min"], ["relu"]),
        ("conv(8, ‸", ["kernel=", "bias="], ["filters="]),
        ("conv(8, bias=false, ‸", ["kernel=", "init="], ["bias=", "filters="]),
        ("conv(8, bias=‸", ["true", "false", "auto"], ["kernel=", "relu"]),
        ("conv(8, padding=s‸", ["same", "same_upper"], []),
        ("conv(8, init=‸", ["he_normal", "glorot_uniform", "auto"], ["adam", "relu"]),
        ("unit(‸", ["c=", "stride=", "width", "relu"], []),
        ("for (a, b) in [(1, 2)] { conv(‸) }", ["a", "b", "width"], []),
        ("let k = 3; conv(‸)", ["k"], []),
        ("conv(in.‸)", ["channels", "height", "size"], ["conv", "width="]),
        ("as(skip) -> conv(8) -> from(‸)", ["skip"], []),
        ("default conv(‸)", ["kernel="], []),
        ("# conv(‸", [], ["conv", "filters="]),
        ("conv(3x‸)", [], ["filters=", "width"]),
    ],
)
def test_in_a_network(editor, typed, some, none):
    labels = offered(editor, FILE.replace("BODY", typed))
    assert [one for one in some if one not in labels] == []
    assert [one for one in none if one in labels] == []


@pytest.mark.parametrize(
    ("typed", "some", "none"),
    [
        ("‸", ["data", "train", "network", "block", "variant", "let"], ["conv", "if"]),
        ("train { ‸ }", ["epochs", "optimizer"], ["source", "conv"]),
        ("train { epochs = 3; ‸ }", ["optimizer"], ["epochs"]),
        ("train { optimizer = ‸ }", ["adam", "sgd", "base"], ["conv", "epochs"]),
        ("train { optimizer = adam(‸) }", ["lr="], ["momentum=", "filters="]),
        ("train { schedule = warmup(5) -> ‸ }", ["cosine", "warmup"], ["adam"]),
        ("train { loss = [cross_entropy, ‸] }", ["dice", "focal"], []),
        ("train { precision = ‸ }", ["bf16", "auto"], ["true"]),
        ("train { freeze = ‸ }", ["unit"], []),
        ("data { augment = choose { | ‸ } }", ["flip", "crop"], ["conv"]),
        ("data { source = folder(‸) }", ["path="], []),
        ("variant other { ‸ }", ["network", "train", "data"], ["epochs"]),
        ("variant other { network.‸ }", ["width", "act"], ["epochs"]),
        ("variant other { train.‸ }", ["epochs", "optimizer"], ["width"]),
        ("variant other { train.optimizer.‸ }", ["lr", "momentum"], ["epochs"]),
        ("variant other { train.optimizer = ‸ }", ["adam"], []),
        ("variant other extends ‸", ["wide"], ["other"]),
        ("search { train.optimizer.lr = ‸ }", ["uniform", "choice", "log_uniform"], ["adam"]),
        ("network { ‸ }", ["width", "act"], ["conv"]),
        ('train { start = pretrained("timm/‸") }', ["timm/resnet50.a1_in1k"], []),
        ('extends "‸"', ["zoo:resnet50", "type_base.cnn", "pictures/"], ["notes.txt"]),
        ('data { source = folder("‸") }', ["pictures/", "notes.txt"], []),
        ('data { source = folder("pictures/‸") }', ["cats/"], ["pictures/"]),
    ],
)
def test_in_sections(editor, typed, some, none):
    (editor.root / "pictures/cats").mkdir(parents=True, exist_ok=True)
    for name in ("notes.txt", "type_base.cnn"):
        (editor.root / name).write_text("")
    labels = offered(editor, FILE.replace("BODY", "") + typed)
    assert [one for one in some if one not in labels] == []
    assert [one for one in none if one in labels] == []


def test_items_have_templates_and_pages(editor):
    items = offered(editor, FILE.replace("BODY", "‸"))
    assert items["conv"]["insertText"] == "conv(${1:filters})" and items["conv"]["insertTextFormat"] == 2
    assert items["concat"]["insertText"] == "concat {\n  | $1\n  | $0\n}"
    assert items["unit"]["insertText"] == "unit(${1:c})"
    assert "insertText" not in items["relu"]
    page = editor.request("completionItem/resolve", items["conv"])["documentation"]["value"]
    assert "2-D convolution" in page and "`kernel`: the size of the window" in page


def test_every_word_is_offered_and_has_a_page(editor):
    for item in offered(editor, FILE.replace("BODY", "‸")).values():
        if "data" in item and item["label"].startswith(("s", "g")):
            assert editor.request("completionItem/resolve", item)["documentation"]["value"]


def test_what_was_known_is_offered_while_its_own_line_is_broken(editor):
    labels = offered(editor, FILE.replace("BODY", "‸"))
    assert "unit" in labels
    text = editor.texts["type.cnn"]
    editor.edit("type.cnn", text.index("(c, stride"), text.index("(c, stride") + 1, "((")
    place = editor.place("type.cnn", "\n  \n", 3)
    assert "unit" in [item["label"] for item in editor.request("textDocument/completion", place)]


@pytest.mark.parametrize(
    ("typed", "label", "active"),
    [
        ("conv(‸", "conv(filters, kernel=3x3, stride=1x1", 0),
        ("conv(8, ‸)", "conv(filters", 1),
        ("conv(8, bias=‸)", "conv(filters", 6),
        ("unit(‸)", "unit(c, stride=1)", 0),
        ("unit(stride=‸)", "unit(c, stride=1)", 1),
        ("conv(8, (1 + ‸", "conv(filters", 1),
        ("relu(‸", None, None),
        ("conv(8) -> ‸", None, None),
    ],
)
def test_signature_help(editor, typed, label, active):
    text = FILE.replace("BODY", typed)
    editor.open("sign.cnn", text.replace("‸", ""))
    editor.diagnostics("sign.cnn")
    at = editor.at("sign.cnn", text.index("‸"))
    place = {"textDocument": {"uri": editor.uri("sign.cnn")}, "position": at}
    answer = editor.request("textDocument/signatureHelp", place)
    if label is None:
        assert answer is None
    else:
        assert answer["signatures"][0]["label"].startswith(label) and answer["activeParameter"] == active
