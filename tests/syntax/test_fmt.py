"""The canonical layout: what it looks like, and that it is one, loses nothing and changes no meaning."""

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from specc.check import check
from specc.source import Source
from specc.syntax import print_body
from specc.syntax.document import WIDTH
from specc.syntax.format import format_source, same
from specc.syntax.parse import parse
from specc.syntax.tree import File
from specc.values import Args, show
from specc.vocabulary.settings import Settings
from tests.helpers.spec_texts import jumbled, specs

HERE = Path(__file__).parent
EXAMPLES = sorted((HERE.parent.parent / "examples").glob("*.cnn"))
NETWORKS = [*EXAMPLES, *sorted((HERE.parent / "check" / "architectures").glob("*.cnn"))]


def formatted(text: str) -> str:
    result = format_source(Source("net.cnn", text))
    assert result.diagnostics == []
    assert result.text is not None
    return result.text


def tree(text: str) -> File:
    parsed = parse(Source("net.cnn", text))
    assert parsed.tree is not None
    assert parsed.diagnostics == []
    return parsed.tree


def holds(text: str) -> str:
    """The layout of a text, after holding against it what is true of every layout."""
    layout = formatted(text)
    assert formatted(layout) == layout, "the layout of a layout is the same"
    assert same(tree(layout), tree(text)), "tree and comments are the same"
    lines = layout.split("\n")
    assert lines.pop() == "", "a new line at the end, or nothing at all"
    assert all(line == line.rstrip() for line in lines)
    assert "\n\n\n" not in layout
    assert not layout.startswith("\n")
    assert "{\n\n" not in layout
    return layout


# ---- what it looks like


@pytest.mark.parametrize("before", sorted((HERE / "fmt").glob("*.before.cnn")), ids=lambda path: path.name)
def test_golden_pairs(before):
    assert holds(before.read_text()) == before.with_name(before.name.replace("before", "after")).read_text()


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_examples_are_laid_out(path):
    assert holds(path.read_text()) == path.read_text()


def test_the_example_of_the_documentation_is_laid_out():
    page = (HERE.parent.parent / "docs" / "layout.md").read_text()
    (example,) = re.findall(r"```cnn\n(.*?)```", page, re.DOTALL)
    assert holds(example) == example
    assert not check(Source("net.cnn", example), everything=True).errors


@pytest.mark.parametrize(
    ("text", "layout"),
    [
        ("", ""),
        (" \n\n \n", ""),
        ("# only a comment", "# only a comment\n"),
        ("\n\n# a\n\n\n\n# b\n\n", "# a\n\n# b\n"),
        ("let a = 1; let b = 2", "let a = 1\nlet b = 2\n"),
        ("let a = 1;;\n;let b = 2 # c", "let a = 1\nlet b = 2  # c\n"),
        ("network N { relu;; tanh; }", "network N { relu; tanh }\n"),
        ("\tlet a = 1\r# c", "let a = 1  # c\n"),
        ("network N {\n\n  # c\n\n}", "network N {\n  # c\n}\n"),
        ("network N { # c\n\n}", "network N {  # c\n}\n"),
        ("let a = [ # c\n]", "let a = [  # c\n]\n"),
        ("let a = f(\n# c\n)", "let a = f(\n  # c\n)\n"),
        ("block b(\n# c\n) { relu }", "block b(\n  # c\n) { relu }\n"),
        ("block b() { relu }", "block b { relu }\n"),
        ("network N { for (a) in [1] { relu } }", "network N { for a in [1] { relu } }\n"),
    ],
)
def test_small_texts(text, layout):
    assert holds(text) == layout


def test_sections_and_blocks_of_several_lines_stand_apart():
    text = "let a = 1\nblock b {\nrelu\n}\nvariant c { train.epochs = 1 }\n# d\ndata {\nsource = digits }\n"
    assert formatted(text) == (
        "let a = 1\n\nblock b {\n  relu\n}\n\nvariant c { train.epochs = 1 }\n\n# d\ndata {\n  source = digits\n}\n"
    )


@pytest.mark.parametrize("length", range(WIDTH - 3, WIDTH + 4))
def test_a_line_is_as_long_as_a_line_may_be(length):
    name = "x" * (length - len("block b { relu -> () }"))
    line = f"block b {{ relu -> {name}() }}\n"
    assert len(line) == length + 1
    broken = f"block b {{\n  relu -> {name}()\n}}\n"
    assert holds(line) == (line if length <= WIDTH else broken)
    assert holds(broken) == broken, "and what was written on several lines stays on them"


@pytest.mark.parametrize("length", range(WIDTH - 3, WIDTH + 4))
def test_braces_of_variants_stand_in_one_column_where_that_fits(length):
    short = "variant a { x = y }"
    text = f"variant a {{ x = {'y' * (length - len(short) - 9)} }}\nvariant b extends a {{ }}\n"
    aligned = text.replace("variant a {", "variant a           {")
    assert len(aligned.split("\n")[0]) == length
    assert holds(text) == holds(aligned) == (aligned if length <= WIDTH else text)


@pytest.mark.parametrize("extra", range(5))
def test_comments_in_one_column_stay_in_one_column(extra):
    lines = ["source = digits", f"augment = shift({'1' * (extra + 1)})", "resize = 8x8"]
    wide = max(map(len, lines))
    text = "data {\n" + "".join(f"{line:<{wide}}       # c\n" for line in lines) + "}\n"
    columns = {line.index("#") for line in holds(text).splitlines()[1:-1]}
    assert len(columns) == 1
    ragged = "data {\n" + "".join(f"{line:<{wide + i}} # c\n" for i, line in enumerate(lines)) + "}\n"
    assert all("  # c" in line and "   # c" not in line for line in holds(ragged).splitlines()[1:-1])


# ---- what always holds


@settings(max_examples=60)
@given(specs(), st.integers(0, 2**32))
def test_any_spec(text, seed):
    holds(text)
    holds(jumbled(text, seed))


@pytest.mark.parametrize("path", NETWORKS, ids=lambda path: path.name)
def test_examples_with_other_space_and_comments(path):
    text = path.read_text()
    for seed in range(2):
        holds(jumbled(text, seed))


def worth(text: str):
    """What a spec is worth: the nodes of its graph and its settings."""
    checked = check(Source("net.cnn", text))
    assert checked.graph is not None
    nodes = [
        (node.name, node.op.name, show_all(node.args), node.inputs, node.shape, node.head)
        for node in checked.graph.nodes
    ]
    return nodes, [show_all(part) for part in (checked.data, checked.train, checked.export)], checked.variants


def show_all(args: Args | Settings | None) -> dict[str, str] | None:
    return None if args is None else {name: show(value) for name, value in args.as_dict().items()}


@pytest.mark.parametrize("path", NETWORKS, ids=lambda path: path.name)
def test_the_graph_and_the_settings_are_the_same(path):
    text = path.read_text()
    assert worth(formatted(text)) == worth(text) == worth(formatted(jumbled(text, 1)))


def test_semantic_errors_are_no_obstacle():
    text = "network Net{conw(3)->relu(1,2,3)}\ntrain{epoks=3}\n"
    assert check(Source("net.cnn", text)).errors
    assert formatted(text) == "network Net { conw(3) -> relu(1, 2, 3) }\ntrain { epoks = 3 }\n"


@pytest.mark.parametrize("text", ["network N {", "data { source = }", "let a = 'x'", "let a = " + "9" * 30])
def test_syntax_errors_are_told(text):
    result = format_source(Source("net.cnn", text))
    assert result.text is None
    told = parse(Source("net.cnn", text)).diagnostics
    assert [(d.code, d.message) for d in result.diagnostics] == [(d.code, d.message) for d in told] != []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("let a = 1", "let a = 2"),
        ("let a = 1", "let a = 1.0"),
        ("let a = 1", "let a = true"),
        ("let a = [1]", "let a = [1, 1]"),
        ("let a = relu", "let a = relu()"),
        ("let a = 1", "let a = 1 # c"),
        ("let a = 1 # c", "let a = 1 # d"),
        ("variant a { }", "variant a extends b { }"),
        ("network N { a -> b; c }", "network N { a; b -> c }"),
    ],
)
def test_same_tells_what_differs(one, other):
    assert same(tree(one), tree(one + "\n\n"))
    assert not same(tree(one), tree(other))


def test_a_layout_that_would_change_the_meaning_is_refused(monkeypatch):
    monkeypatch.setattr(print_body.BodyPrinter, "sequence", lambda self, node: "[]")
    with pytest.raises(RuntimeError, match="left unchanged"):
        format_source(Source("net.cnn", "let a = [1, 2]"))


@pytest.mark.parametrize(
    "text",
    [
        "let a = " + "- " * 350 + "1",
        "let a = (" + "1 if b else " * 300 + "2)",
        "let a = (" + "2 ** " * 190 + "2)",
        "let a = " + "[" * 99 + "]" * 99,
        "network N { " + "add { " * 98 + "}" * 98 + " }",
        "network N { " + "if a { b } else " * 150 + "{ c } }",
        "let a = (\n" + "1 + # c\n" * 2_000 + "1)",
        "let a = [" + "64, " * 5_000 + "]",
        "network N {\n" + "conv(64, 3x3) -> batch_norm -> relu\n" * 1_000 + "}",
    ],
    ids=lambda text: text[:20],
)
def test_deep_and_long_specs(text):
    layout = formatted(text)
    assert formatted(layout) == layout
