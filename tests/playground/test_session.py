"""What the page asks of the checker, here without a browser: plain data, and a failure in words where there is one."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from specc.check import check
from specc.lsp.completion import ITEMS
from specc.playground.offsets import Offsets
from specc.playground.session import answering
from specc.source import Source
from specc.vocabulary.registry import KEYWORDS

WEB = Path(__file__).parents[2] / "specc" / "playground" / "web"
SPEC = """\
# 😀 a smile is two code units
network N(w=8) {
  input(3, 32x32)
  conv(w) -> batch_norm -> relu
  max_pool(2) -> flatten -> dense(10)
}
variant wide { network.w = 16 }
"""
Ask = Callable[..., Any]


@pytest.fixture
def ask() -> Ask:
    answer = answering()

    def one(name: str, *values: object) -> Any:
        told = json.loads(answer(json.dumps([name, *values])))
        assert "failure" not in told, told
        return told["answer"]

    return one


def units(text: str, part: str) -> int:
    return len(text[: text.index(part)].encode("utf-16-le")) // 2


def changed(text: str, changes: list[Any]) -> str:
    coded = text.encode("utf-16-le")
    for start, end, insert in sorted(changes, reverse=True):
        coded = coded[: 2 * start] + insert.encode("utf-16-le") + coded[2 * end :]
    return coded.decode("utf-16-le")


@pytest.mark.parametrize("text", ["", "abc", "ü→", "a😀b😀", "😀"])
def test_offsets(text: str) -> None:
    at = Offsets(text)
    for offset in range(len(text) + 1):
        before = len(text[:offset].encode("utf-16-le")) // 2
        assert at.units(offset) == before and at.characters(before) == offset
    assert at.characters(99) == len(text)


def test_shapes_names_and_figures(ask: Ask) -> None:
    told = ask("check", SPEC, "")
    assert told["problems"] == [] and told["variants"] == ["wide"] and told["variant"] == ""
    assert told["summary"] == "20.7 k parameters, 242 k MACs, 3 x 32 x 32 → 10"
    shapes = {SPEC.encode("utf-16-le")[: 2 * at].decode("utf-16-le").split()[-1]: text for at, text, _ in told["hints"]}
    assert shapes["conv(w)"] == "8 x 32 x 32" and shapes["dense(10)"] == "10"
    assert [units(SPEC, "batch_norm"), units(SPEC, "batch_norm") + 10, "layer"] in told["names"]
    wide = ask("check", SPEC, "wide")
    assert wide["variant"] == "wide" and "16 x 32 x 32" in [text for _, text, _ in wide["hints"]]
    assert ask("check", SPEC, "gone")["variant"] == ""


def test_a_mistake_and_its_repair(ask: Ask) -> None:
    ask("check", SPEC, "")
    text = SPEC.replace("batch_norm", "batch_nrm")
    told = ask("check", text, "")
    (problem,) = told["problems"]
    assert (problem["code"], problem["severity"], problem["line"]) == ("E201", "error", 4)
    assert problem["from"] == units(text, "batch_nrm") and problem["to"] - problem["from"] == len("batch_nrm")
    assert problem["help"] == "did you mean `batch_norm`?" and "-> batch_nrm -> relu" in problem["rendered"]
    assert problem["fix"]["title"] == "Replace `batch_nrm` with `batch_norm`"
    assert changed(text, problem["fix"]["changes"]) == SPEC == changed(text, ask("fix_all", text))
    old = [text for _, text, note in told["hints"] if note]
    assert "8 x 16 x 16" in old and "10" in old  # what was known behind the mistake
    assert ask("pane", "layers") is None
    assert ask("explain", "E201").startswith("# E201: ") and ask("explain", "W501") and ask("explain", "E000") == ""


def test_panes_show_what_the_commands_print(ask: Ask, specc: Ask, tmp_path: Path) -> None:
    ask("check", SPEC, "wide")
    (tmp_path / "net.cnn").write_text(SPEC, encoding="utf-8")
    shown = specc("show", tmp_path / "net.cnn", "--variant", "wide", "--json").out
    layers = ask("pane", "layers")
    assert [row[0] for row in layers["rows"]][1:] == [one["name"] for one in json.loads(shown)["layers"]]
    assert layers["lines"][:4] == [3, 4, 4, 4] and "3 x 32 x 32 -> 10" in layers["totals"]
    assert ask("pane", "picture")["svg"].startswith("<svg") and "16 x 32 x 32" in ask("pane", "picture")["svg"]
    emitted = specc("emit", tmp_path / "net.cnn", "--variant", "wide").out
    assert ask("pane", "pytorch")["text"].partition("\n")[2] == emitted.partition("\n")[2]


def test_what_helps_while_typing(ask: Ask) -> None:
    ask("check", SPEC, "")
    hover = ask("hover", units(SPEC, "conv(w)") + 1)
    assert "`3 x 32 x 32 → 8 x 32 x 32`" in hover["text"] and hover["from"] == units(SPEC, "conv(w)")
    assert ask("hover", 0) is None
    typed = SPEC.replace("conv(w)", "conv(w, ")
    items = {one["label"]: one for one in ask("complete", typed, units(typed, "conv(w, ") + 8)}
    assert "stride=" in items and "batch_norm" not in items
    layers = ask("complete", SPEC, units(SPEC, "max_pool"))
    dense = next(one for one in layers if one["label"] == "dense")
    assert dense["snippet"] and dense["insert"].startswith("dense(${1:")
    assert ask("word", *dense["word"].values()).startswith("```cnn\ndense(units")
    signature = ask("signature", typed, units(typed, "conv(w, ") + 8)
    assert signature["name"] == "conv" and signature["active"] == 1
    assert ask("signature", SPEC, 0) is None


def test_formatting(ask: Ask) -> None:
    text = "network N{input(3,8x8)->conv( 4 )\nflatten->dense(2)}"
    formatted = changed(text, ask("format", text))
    assert formatted.startswith("network N {\n") and ask("format", formatted) == []
    assert ask("format", "network {{{") is None


def test_what_is_extended(ask: Ask) -> None:
    assert "11.7 M parameters" in ask("check", 'extends "zoo:resnet18"', "")["summary"]
    (problem,) = ask("check", 'extends "other.cnn"', "")["problems"]
    assert "only those of the zoo can be extended here" in problem["message"]
    assert "zoo:resnet18" in problem["help"] and "folder" not in problem["help"]


def test_what_stands_at_second_places(ask: Ask) -> None:
    text = "network N {\n  input(3, 8x8)\n  residual { conv(64, stride=2) }\n  flatten -> dense(2)\n}\n"
    (problem,) = ask("check", text, "")["problems"]
    assert (problem["code"], problem["quote"], problem["label"]) == ("E301", "residual", "input: 3 x 8 x 8")
    (second,) = problem["related"]
    assert second == {"from": units(text, "conv"), "line": 3, "quote": "conv(64, stride=2)", "text": "64 x 4 x 4"}


@pytest.mark.parametrize(
    "text",
    [
        "network N { input(3, 8x8) -> NAME -> flatten -> dense(2) }",
        "network N { NAME NAME }",
        "let NAME = 3\nnetwork N { input(3, 8x8) -> flatten -> dense(2) }",
        "block NAME(n) { conv(n, NAME=2) }\nnetwork N { input(3, 8x8) -> NAME(3) -> flatten -> dense(2) }",
    ],
)
def test_a_long_name_is_shortened(ask: Ask, text: str) -> None:
    problems = ask("check", text.replace("NAME", "x" * 50_000), "")["problems"]
    assert problems and f"{'x' * 100}…" in json.dumps(problems, ensure_ascii=False) and len(json.dumps(problems)) < 3000


def test_a_byte_order_mark_is_passed_over(ask: Ask) -> None:
    text = "\ufeffnetwork N {\n  input(3, 8x8)\n  flatten -> dense(2)\n}\n"
    assert ask("check", text, "")["problems"] == []
    assert changed(text, ask("format", text)) == text[1:]


def test_files_are_not_looked_into(ask: Ask) -> None:
    text = 'data { source = npz("a.npz") }\nnetwork N { conv(8) -> global_avg_pool -> dense(2) }'
    (problem,) = ask("check", text, "")["problems"]
    assert problem["code"] == "E308" and "no file is opened here" in problem["help"]


@pytest.mark.parametrize("name", ["digits", "resnet20_cifar10", "unet"])
def test_a_text_that_is_typed(ask: Ask, examples: Path, name: str) -> None:
    text = (examples / f"{name}.cnn").read_text(encoding="utf-8")
    for end in range(0, len(text), 23):
        told = ask("check", text[:end], "")
        ask("complete", text[:end], end)
        assert all(0 <= at <= end for at, _, _ in told["hints"])
    told = ask("check", text, "")
    assert told["problems"] == [] and not any(note for _, _, note in told["hints"])
    fresh = check(Source("net.cnn", text), everything=True)
    assert fresh.graph is not None and f"{fresh.graph.output_shape[0]}" in told["hints"][-1][1]


@pytest.mark.parametrize(
    "text",
    [
        *("(" * 5000, "\0", "\ud800", "network N { " + "residual { " * 300, '"' * 999, "let a = a"),
        "network N { input(3, 8x8) -> repeat(10000000000) { relu } -> flatten -> dense(2) }",
        "block f(n) { f(n + 1) }\nnetwork N { input(3, 8x8) -> f(1) }",
    ],
)
def test_a_hostile_text_is_answered(ask: Ask, text: str) -> None:
    assert ask("check", text, "")["problems"]
    for name in ("layers", "picture", "pytorch"):
        assert ask("pane", name) is None
    for request in (("complete", text, len(text)), ("signature", text, len(text)), ("hover", 0), ("format", text)):
        ask(*request)
    ask("fix_all", text)


def test_failures_are_told_in_words() -> None:
    answer = answering()
    for request in ("{", "[]", '["check"]', '["bogus"]', '["__init__"]', '["pane", "bogus"]', '["hover", "x"]'):
        told = json.loads(answer(request))
        assert "failure" not in told or ("this is a bug" in told["failure"] and "Traceback" not in told["failure"])
    large = json.loads(answer(json.dumps(["check", "#" * 1_000_001, ""])))["failure"]
    assert large.startswith("this text has 1,000,001 characters; a spec may have at most 1,000,000")


def test_the_colors_know_the_words_of_the_grammar() -> None:
    script = (WEB / "colors.js").read_text(encoding="utf-8")
    sets = [set(re.findall(r'"(\w+)"', words)) for words in re.findall(r"new Set\(\[(.*?)\]\)", script)]
    assert sets == [set(KEYWORDS), (set(ITEMS) - {"let", "default"}) | {"shared"}]
