import io

import pytest

from specc.diagnostics import Diagnostic, Fix, Label
from specc.render import PLAIN, Style, as_json, concise, render, render_error, style_of, summary
from specc.source import Source, Span

NET = Source(
    "net.cnn",
    "# a network\n" * 10
    + """\
network Net {
  input(16, 32x32)

  add {
    | unit(c, 2) -> conv(c) -> batch_norm
    | identity
  }
  relu
}
""",
)


def at(text: str, source: Source = NET) -> Span:
    start = source.text.index(text)
    return Span(source, start, start + len(text))


def on(line: str, *marked: str) -> str:
    """What stands below the headline for a source of one line, its first mark the problem's own."""
    source = Source("a.cnn", line)
    spans = [at(text, source) for text in marked]
    problem = Diagnostic("E201", "wrong", spans[0], "here", tuple(Label(span, span.text) for span in spans[1:]))
    head, place, *rest = render(problem).splitlines()
    assert (head, place) == ("error[E201]: wrong", f" --> {spans[0].place}")
    return "\n".join(rest)


BRANCHES = Diagnostic(
    "E301",
    "the branches of `add` have different shapes",
    at("add"),
    labels=(Label(at("unit(c, 2) -> conv(c) -> batch_norm"), "32 x 16 x 16"), Label(at("identity"), "16 x 32 x 32")),
    notes=("in basic(32, 2), called at net.cnn:25:5",),
    help="project the second branch: conv(32, 1x1, stride=2) -> batch_norm",
)


def test_the_diagnostic_of_the_language_s_description():
    assert (
        render(BRANCHES)
        == """\
error[E301]: the branches of `add` have different shapes
  --> net.cnn:14:3
   |
14 |   add {
   |   ^^^
15 |     | unit(c, 2) -> conv(c) -> batch_norm
   |       ----------------------------------- 32 x 16 x 16
16 |     | identity
   |       -------- 16 x 32 x 32
   |
   = in basic(32, 2), called at net.cnn:25:5
   = help: project the second branch: conv(32, 1x1, stride=2) -> batch_norm"""
    )


def test_one_line_between_two_marks_is_shown_and_more_are_left_out():
    problem = Diagnostic(
        "W501", "odd", at("relu"), labels=(Label(at("identity"), "after this"), Label(at("add"), "and this"))
    )
    assert (
        render(problem)
        == """\
warning[W501]: odd
  --> net.cnn:18:3
   |
14 |   add {
   |   --- and this
15 |     | unit(c, 2) -> conv(c) -> batch_norm
16 |     | identity
   |       -------- after this
17 |   }
18 |   relu
   |   ^^^^"""
    )
    problem = Diagnostic("E201", "wrong", at("relu"), labels=(Label(at("input"), "since this"),))
    assert (
        render(problem)
        == """\
error[E201]: wrong
  --> net.cnn:18:3
   |
12 |   input(16, 32x32)
   |   ----- since this
...
18 |   relu
   |   ^^^^"""
    )


def test_a_span_over_several_lines_is_marked_at_its_beginning_and_its_end():
    body = Span(NET, at("add").start, at("  }\n").end)
    assert (
        render(Diagnostic("E201", "wrong", body, "this body"))
        == """\
error[E201]: wrong
  --> net.cnn:14:3
   |
14 |   add {
   |   ^^^^^
...
17 |   }
   |   ^ this body"""
    )


def test_another_file_has_its_own_place():
    base = Source("base.cnn", "let c = 4\n")
    problem = Diagnostic("E201", "wrong", at("relu"), labels=(Label(at("c", base), "first here"),), help="mend it")
    assert (
        render(problem)
        == """\
error[E201]: wrong
  --> net.cnn:18:3
   |
18 |   relu
   |   ^^^^
  ::: base.cnn:1:5
   |
 1 | let c = 4
   |     - first here
   |
   = help: mend it"""
    )


def test_marks_on_one_line_have_a_row_each_where_more_than_one_says_something():
    assert (
        on("conv(a) -> relu", "relu", "conv")
        == """\
  |
1 | conv(a) -> relu
  | ---- conv
  |            ^^^^ here"""
    )


def test_marks_on_one_line_share_a_row_where_only_the_last_says_something():
    source = Source("a.cnn", "conv(a) -> relu")
    problem = Diagnostic("E201", "wrong", at("conv", source), labels=(Label(at("relu", source), "with this"),))
    assert render(problem).splitlines()[3:] == ["1 | conv(a) -> relu", "  | ^^^^       ---- with this"]


def test_marks_that_overlap_have_a_row_each():
    assert on("conv(a) -> relu", "conv(a) -> relu", "a").splitlines()[2:] == [
        "  | ^^^^^^^^^^^^^^^ here",
        "  |      - a",
    ]


def test_tabs_are_expanded_to_the_next_stop():
    assert on("\tconv\t(a)", "(a)").splitlines()[1:] == [
        "1 |     conv    (a)",
        "  |             ^^^ here",
    ]


def test_wide_and_combining_characters_are_measured():
    assert on('"日本" "e\u0301" x', '"日本"', "x").splitlines()[1:] == [
        '1 | "日本" "e\u0301" x',
        "  | ^^^^^^ here",
        "  |            - x",
    ]


def test_hidden_characters_are_shown_and_cannot_reach_the_terminal():
    assert on("a\x1b[2J\u202eb", "b").splitlines()[1:] == [
        "1 | a\\x1b[2J\\u202eb",
        "  |               ^ here",
    ]
    problem = Diagnostic("E201", "\x1b[2J\r", Span(Source("\x07.cnn", ""), 0, 0), "\x08", notes=("\x9b",), help="\x00")
    assert not set(render(problem)) & set("\x1b\r\x07\x08\x9b\x00")
    assert concise(problem) == "\\x07.cnn:1:1: error[E201]: \\x1b[2J\\x0d"


def test_a_long_line_is_cut_around_its_mark():
    assert on("a " * 100 + "wrong" + " b" * 100, "wrong").splitlines()[1:] == [
        "1 | ..." + "a " * 10 + "wrong" + " b" * 47 + " ...",
        "  |    " + " " * 20 + "^^^^^ here",
    ]
    assert on("wrong" + " b" * 100, "wrong").splitlines()[1:] == [
        "1 | wrong" + " b" * 57 + " ...",
        "  | ^^^^^ here",
    ]


def test_a_long_line_is_repeated_where_its_marks_are_far_apart():
    assert on("left" + " b" * 100 + " right", "left", "right").splitlines()[1:] == [
        "1 | left" + " b" * 58 + "...",
        "  | ^^^^ here",
        "1 | ..." + "b " * 10 + "right",
        "  |    " + " " * 20 + "----- right",
    ]


def test_a_mark_longer_than_the_line_that_is_shown():
    assert on("x" * 500, "x" * 500).splitlines()[1:] == ["1 | " + "x" * 120 + "...", "  | " + "^" * 120 + " here"]


@pytest.mark.parametrize("text", ["", "\n", "relu", "relu\n"])
def test_the_end_of_the_text(text):
    source = Source("a.cnn", text)
    lines = render(Diagnostic("E101", "something is missing", Span(source, len(text), len(text)))).splitlines()
    line, column = source.position(len(text))
    assert lines[1] == f" --> a.cnn:{line}:{column}"
    assert lines[-1] == "  | " + " " * (column - 1) + "^"


def test_help_of_several_lines():
    problem = Diagnostic("E201", "wrong", at("relu"), notes=("one\ntwo",), help="write\n  relu6")
    assert render(problem).splitlines()[-4:] == ["   = one", "     two", "   = help: write", "             relu6"]


def test_color_and_unicode_say_the_same():
    text = render(BRANCHES, Style(color=True, unicode=True))
    assert text.startswith("\x1b[1;31merror[E301]\x1b[0m\x1b[1m: the branches")
    assert "\x1b[1;31m━━━\x1b[0m" in text
    plain = render(BRANCHES, Style(unicode=True))
    assert "\x1b" not in plain
    assert plain.translate(str.maketrans("│━─", "|^-")) == render(BRANCHES, PLAIN)


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def test_only_a_terminal_gets_color_and_unicode(monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "70")
    assert style_of(Terminal()) == Style(True, True, 70)
    assert style_of(io.StringIO()) == PLAIN
    monkeypatch.setenv("NO_COLOR", "1")
    assert style_of(Terminal()) == Style(width=70)
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("TERM", "dumb")
    assert style_of(Terminal()) == Style(width=70)


@pytest.mark.parametrize(
    ("problem", "said"),
    [
        (BRANCHES, "error[E301]: the branches of `add` have different shapes (32 x 16 x 16, 16 x 32 x 32)"),
        (
            BRANCHES._replace(label="input: 64 x 8 x 8", labels=BRANCHES.labels[:1]),
            "error[E301]: the branches of `add` have different shapes (input: 64 x 8 x 8, 32 x 16 x 16)",
        ),
        (  # what the message says is not said again
            BRANCHES._replace(code="E302", message="a map, but its input is 20", label="input: 20", labels=()),
            "error[E302]: a map, but its input is 20",
        ),
        (
            BRANCHES._replace(code="E203", message="`conv` has no argument `strides`", help="did you mean `stride`?"),
            "error[E203]: `conv` has no argument `strides`; did you mean `stride`?",
        ),
    ],
)
def test_concise(problem, said):
    assert concise(problem) == f"net.cnn:14:3: {said}"


def test_json():
    assert as_json(BRANCHES) == {
        "code": "E301",
        "severity": "error",
        "message": "the branches of `add` have different shapes",
        "file": "net.cnn",
        "line": 14,
        "column": 3,
        "end_line": 14,
        "end_column": 6,
        "label": "",
        "labels": [
            {"file": "net.cnn", "line": 15, "column": 7, "end_line": 15, "end_column": 42, "text": "32 x 16 x 16"},
            {"file": "net.cnn", "line": 16, "column": 7, "end_line": 16, "end_column": 15, "text": "16 x 32 x 32"},
        ],
        "notes": ["in basic(32, 2), called at net.cnn:25:5"],
        "help": "project the second branch: conv(32, 1x1, stride=2) -> batch_norm",
        "fixable": False,
    }
    fixable = BRANCHES._replace(code="W501", fix=Fix(at("add"), "concat"))
    assert (as_json(fixable)["severity"], as_json(fixable)["fixable"]) == ("warning", True)


def test_a_problem_without_a_place():
    assert render_error("E470", "there is no file `a`") == "error[E470]: there is no file `a`"
    assert render_error("E470", "no", "look\nthere") == "error[E470]: no\n  = help: look\n          there"


@pytest.mark.parametrize(
    ("codes", "text"),
    [
        ([], "no problems"),
        (["E301"], "1 error"),
        (["W501", "W501"], "2 warnings"),
        (["E301", "W501", "E201"], "2 errors, 1 warning"),
    ],
)
def test_summary(codes, text):
    assert summary([BRANCHES._replace(code=code) for code in codes]) == text


def test_what_follows_the_first_line_of_an_error_stands_below_it():
    text = render_error("E401", "it is not here\nwanted: a\nlooked in b", "get it")
    assert text == "error[E401]: it is not here\n  = wanted: a\n    looked in b\n  = help: get it"
