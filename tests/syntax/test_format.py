"""Printing a tree and reading it again gives the same tree, whatever the tree."""

from pathlib import Path

import pytest

from specc.check import check
from specc.source import Source
from specc.syntax.format import format_source, same
from specc.syntax.parse import parse
from specc.syntax.tree import File

ROOT = Path(__file__).parents[2]
FILES = [*sorted((ROOT / "examples").glob("*.cnn")), *sorted((ROOT / "tests/check/architectures").glob("*.cnn"))]
SNIPPETS = """
let a = 1 + 2 * 3 ** -4 - (5 - 6) // 7
let a = -(1 + 2) * not_a
let a = not (b and c) or d == e
let a = (b if c else d) if e else (f if g else h)
let a = b if c else d -> e -> f
let a = (b -> c) -> (d if e else g -> h)
let a = [1, 2.50, 1e-4, 50%, 12.5%, 3x3, true, "x \\"y\\" \\\\ z\\n", [], [[]], (1,), (1, (2, 3)), in.channels]
let a = f()[0][1] ** g(1, b=2, c=[3])[-1]
let a = f { } -> g() { relu } -> h(1) { | relu | tanh; gelu }
default conv(bias=false, init=normal(1 / in.channels))
default relu
extends "a \\\\ b.cnn"
block f { }
block f(a, b=1, c=relu -> tanh, d=[1, 2]) { a }
network N { | relu | tanh }
network N { if a == 1 { b } else if b { c } else { } -> for (a, (b, c)) in d { } -> (e if a else f) -> b[1] }
network N { add { | if a { relu } -> tanh | for b in c { b; let d = b; default d(a=1) } | repeat(2) { residual { } } } }
train { a = 1; b.c = 2 } ; data { } ; export { x = choose { | a | b -> c } }
variant a { } ; variant b extends a { network.c = (1 if 2 > 1 else 3) }
search { a.b = choice(1, relu -> tanh, [2]) }
""".strip().splitlines()


def tree_of(source: Source) -> File:
    parsed = parse(source)
    assert parsed.diagnostics == [] and parsed.tree is not None
    return parsed.tree


def formatted(source: Source) -> str:
    text = format_source(source).text
    assert text is not None
    return text


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_files(path):
    source = Source(path.name, path.read_text())
    text = formatted(source)
    again = Source(path.name, text)
    assert same(tree_of(source), tree_of(again))
    assert formatted(again) == text
    first, second = check(source).graph, check(again).graph
    assert first is not None and second is not None
    assert [(n.name, n.shape) for n in first.nodes] == [(n.name, n.shape) for n in second.nodes]


@pytest.mark.parametrize("snippet", SNIPPETS)
def test_snippets(snippet):
    source = Source("net.cnn", snippet)
    text = formatted(source)
    again = Source("net.cnn", text)
    assert same(tree_of(source), tree_of(again))
    assert formatted(again) == text


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("let a = 1", "let a = 2"),
        ("let a = 1", "let a = 1.0"),
        ("let a = 50%", "let a = 0.5"),
        ("let a = f", "let a = f()"),
        ("let a = (1)", "let a = (1,)"),
        ("let a = [1]", "let a = (1,)"),
        ("let a = b - c - d", "let a = b - (c - d)"),
        ("let a = -b ** c", "let a = (-b) ** c"),
        ("let a = b -> c if d else e", "let a = b -> (c if d else e)"),
        ("block f { a -> b }", "block f { a; c }"),
        ("block f { add { | a | b } }", "block f { add { a; b } }"),
        ("block f { if a { b } else { } }", "block f { if a { } else { b } }"),
        ("train { a = 1 }", "data { a = 1 }"),
        ("train { a.b = 1 }", "train { ab = 1 }"),
        ("variant a { }", "variant a extends b { }"),
    ],
)
def test_different_trees_are_told_apart(one, other):
    assert not same(tree_of(Source("net.cnn", one)), tree_of(Source("net.cnn", other)))
