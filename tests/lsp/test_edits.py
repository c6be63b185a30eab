"""Any text may be edited in any way: no request fails, and in the end the server knows what a fresh one would."""

import random
import time

import pytest
from lsprotocol import types

from specc.check.context import Work
from specc.lsp import tokens
from specc.lsp.server import create
from specc.reading import check_spec
from specc.source import Source
from tests.helpers.thorough import SEED, some, times

REQUESTS = ("documentSymbol", "foldingRange", "codeLens", "semanticTokens/full", "documentLink")
AT_A_PLACE = ("hover", "completion", "signatureHelp", "definition", "documentHighlight", "prepareRename")
PIECES = [
    "conv(", ")", "{", "}", " -> ", "|", "\n", ";", '"', "#", "=", ".", "[", "]", ",", "relu", "in.channels",
    "let a = ", "for i in range(3) { ", "if ", "else", "as(x)", "from(x)", "block b(c) {", "train {", 'extends "',
    "3x3", "50%", "variant v { network.", "é😀", "\r\n", "shared s = ", "repeat(3) {", "default conv(", "search {",
    "\x00", "\u2028",
]  # fmt: skip


MANY = """\
let unused = 3
block unit(c) { conv(c) -> batch_norm -> relu }
network N(width=8) { input(3, 16x16) -> unit(width) -> unit(width) -> sigmoid -> flatten -> dense(2) -> softmax }
variant wide { network.width = 16 }
"""


class Counting(Work):
    """Work that is canceled when it is asked for the `most`th time whether to go on."""

    def __init__(self, most):
        super().__init__()
        self.calls, self.most = 0, most

    def go_on(self):
        self.calls += 1
        self.is_canceled = self.calls >= self.most
        super().go_on()


def everything(editor, name, offset):
    """Ask all there is to ask of a text at a place."""
    place = {"textDocument": {"uri": editor.uri(name)}, "position": editor.at(name, offset)}
    for method in AT_A_PLACE:
        editor.request(f"textDocument/{method}", place)
    editor.of(name, "selectionRange", positions=[place["position"]])
    for method in REQUESTS:
        editor.of(name, method)
    spot = {"start": place["position"], "end": place["position"]}
    editor.of(name, "codeAction", range=spot, context={"diagnostics": []})
    editor.hints(name)


def test_every_prefix_of_an_example(editor, example):
    text = example("digits")
    ends = sorted({*some(range(len(text)), 30), len(text)})
    editor.open("prefix.cnn", "")
    for end in ends:
        editor.edit("prefix.cnn", 0, len(editor.texts["prefix.cnn"]), text[:end])
        everything(editor, "prefix.cnn", end)
    assert editor.diagnostics("prefix.cnn") == []


def test_every_suffix_of_an_example(editor, example):
    text = example("tags")
    editor.open("suffix.cnn", text)
    for start in some(range(len(text)), 8):
        editor.edit("suffix.cnn", 0, len(editor.texts["suffix.cnn"]), text[start:])
        everything(editor, "suffix.cnn", 0)


@pytest.mark.parametrize("name", ["digits", "resnet20_cifar10"])
def test_a_random_editor(editor, example, name):
    draw = random.Random(f"{SEED} {name}")  # noqa: S311 - edits, no secrets
    text, file = example(name), f"{name}.cnn"
    editor.open(file, text)
    for turn in range(times(120, 5_000)):
        now = editor.texts[file]
        start = draw.randrange(len(now) + 1)
        end = min(len(now), start + draw.choice([0, 0, 0, 1, 1, 2, 5, 20]))
        new = draw.choice(["", draw.choice(PIECES), text[start : start + draw.randrange(20)]])
        editor.edit(file, start, end, new.replace("\r\n", "\n"))
        if len(now) > 2 * len(text):
            editor.edit(file, 0, len(editor.texts[file]), text)
        if turn % 10 == 0:
            everything(editor, file, start)
    editor.diagnostics(file)
    editor.edit(file, 0, len(editor.texts[file]), text)
    edited = editor.of(file, "inlayHint", range=editor.whole(file)), editor.diagnostics(file)
    editor.close(file)
    editor.open(file, text)
    assert (editor.of(file, "inlayHint", range=editor.whole(file)), editor.diagnostics(file)) == edited


def test_a_newer_edit_cancels_an_older_check(editor):
    """Twenty checks of this network take seconds; the last one alone, a fraction of one."""
    deep = "network N { input(3, 64x64)\n repeat(500) { conv(16) -> relu }\n global_avg_pool -> dense(10) }\n"
    editor.open("deep.cnn", deep)
    start = time.perf_counter()
    editor.diagnostics("deep.cnn")
    one = time.perf_counter() - start
    start = time.perf_counter()
    for _ in range(20):
        editor.edit("deep.cnn", 0, 0, " ")
    editor.diagnostics("deep.cnn")
    assert time.perf_counter() - start < 8 * one


@pytest.mark.parametrize("text", [MANY, MANY + "variant v { network.width = }\n"], ids=["whole", "broken"])
def test_a_check_can_be_given_up_anywhere(text):
    """What is called between the parts of a check raises; the check ends, and the next one is as it should be."""
    source = Source("many.cnn", text)
    whole, work = check_spec(source, everything=True), Counting(10**9)
    assert check_spec(source, everything=True, work=work).diagnostics == whole.diagnostics
    assert work.calls > 100
    for at in some(range(1, work.calls + 1), 25):
        given_up = Counting(at)
        check_spec(source, everything=True, work=given_up)
        assert at <= given_up.calls <= at + 5
    assert check_spec(source, everything=True).diagnostics == whole.diagnostics


HOSTILE = [
    "(" * 50_000,
    "network N { " + "add { | " * 2_000,
    "network N { input(3, 8x8)\n repeat(49_000) { relu } }",
    "block b(n) { b(n + 1) }\nnetwork N { input(3, 8x8) -> b(0) }",
    "network N { input(3, 8x8) " + "-> relu " * 20_000 + "}",
    "let a = " + "1 + " * 10_000 + "1",
    "let a = [" + "0, " * 50_000 + "]",
    '"' * 20_001,
    "x" * 1_000_001,
    "network N { input(3, 8x8)\n repeat(1_000_000_000) { relu } }",
    "network N { input(3, 8x8)\n for i in range(1_000_000_000) { relu } }",
    "network N { input(3, 8x8)\n " + "repeat(10) { " * 9 + "relu" + "}" * 9 + "}",
    "block a { b -> b }\nblock b { c -> c }\n" + "block c { a }\nnetwork N { input(3, 8x8) -> a }",
    "let a = 10 ** 9 ** 9\nlet b = range(a)\nnetwork N { input(3, 8x8) -> conv(a) }",
    "network N { input(3, 8x8)\n" + "relu\n" * 29_000 + "}",  # lines
    "network N { input(3, 8x8)\n" + "relu\n" * 100_000 + "}",
    "\n" * 100_000,
    "# comment\n" * 90_000,
    "# " + "x" * 999_990,
    'data { source = folder("' + "x" * 990_000 + '") }',
    "network N { " + "conv(8, " * 90 + "3" + ")" * 90 + " }",
    "}\n" * 50_000,
    "variant v { network.width = 1 }\n" * 5_000,
    "\n".join(f"variant v{i} {{ network.width = {i} }}" for i in range(2_000)) + "\nnetwork N(width=8) { conv(width) }",
]


@pytest.mark.slow
@pytest.mark.parametrize("text", some(HOSTILE, 3), ids=lambda text: text[:20])
def test_a_hostile_text_does_not_hang_it(editor, text):
    editor.open("hostile.cnn", text)
    editor.diagnostics("hostile.cnn")
    everything(editor, "hostile.cnn", len(text) // 2)
    editor.close("hostile.cnn")


def test_each_kind_of_name_has_a_color():
    assert {style for style, _ in tokens.STYLES.values()} <= set(tokens.TYPES)
    assert {modifier for _, modifier in tokens.STYLES.values()} <= {"", *tokens.MODIFIERS}


def test_no_notification_is_kept():
    server = create()
    server.protocol._handle_notification("$/setTrace", types.SetTraceParams(types.TraceValue.Off))
    assert server.protocol._request_futures == {}
