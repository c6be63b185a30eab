"""`specc explain`, and the line of `specc check` that names it. What the pages say is tested in tests/pages."""

import io
import json

import pytest

from specc.cli import common, explain
from specc.diagnostics import Diagnostic
from specc.render import Style
from specc.source import Source, Span

SPAN = Span(Source("a.cnn", "x"), 0, 1)
ERROR, WARNING = Diagnostic("E201", "wrong", SPAN), Diagnostic("W512", "odd", SPAN)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("code", ["E301", "e301"])
def test_a_page(specc, code):
    answer = specc("explain", code)
    assert (answer.status, answer.err) == (0, "")
    assert answer.out.startswith("# E301: branches of different shapes\n\n")
    assert "error[E301]: the branches of `add` have different shapes" in answer.out


def test_a_lint(specc):
    answer = specc("explain", "W512")
    assert answer.out.startswith("# W512: small receptive field\n\n")
    assert "\nSource: Araujo et al., 2019" in answer.out
    assert "warning[W512]: " in answer.out and "# allow W512" in answer.out
    assert max(map(len, answer.out.splitlines())) <= 120


def test_all_codes_with_their_titles(specc):
    lines = specc("explain").out.splitlines()
    assert lines == sorted(lines)
    assert "E301  branches of different shapes" in lines
    assert "W512  small receptive field" in lines


@pytest.mark.parametrize(
    ("code", "help"),
    [
        ("E300", "did you mean `E301`?"),
        ("301", "did you mean `E301`?"),
        ("W5", "did you mean `W500`?"),
        ("X", "run `specc explain` to list all codes"),
    ],
)
def test_a_code_that_does_not_exist(specc, code, help):
    answer = specc("explain", code)
    assert (answer.status, answer.out) == (2, "")
    assert answer.err == f"error[E477]: unknown code `{code}`\n  = help: {help}\n"


def test_json(specc):
    page = json.loads(specc("explain", "E301", "--json").out)
    assert page.keys() == {"format", "code", "title", "text"}
    assert (page["format"], page["code"], page["title"]) == (1, "E301", "branches of different shapes")
    assert page["text"] == specc("explain", "E301").out
    listed = json.loads(specc("explain", "--json").out)["pages"]
    assert {"code": "E301", "title": "branches of different shapes"} in listed


def test_on_a_terminal_it_is_laid_out(monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setattr("sys.stdout", screen := Terminal())
    explain.explain("E301")
    assert screen.getvalue().startswith("E301: branches of different shapes\n\nBranches must agree")
    assert "```" not in screen.getvalue()


CODE = "\x1b[1;36mconv( 3 )\x1b[0m"
PAGE = "# E1: a title\n\nSome words about `conv( 3 )`\nand more.\n\n```text\n  |    ^^^\n```\n\nThe end.\n"


@pytest.mark.parametrize(
    ("style", "width", "shown"),
    [
        (Style(), 80, "E1: a title\n\nSome words about `conv( 3 )` and more.\n\n      |    ^^^\n\nThe end."),
        (Style(), 22, "E1: a title\n\nSome words about\n`conv( 3 )` and more.\n\n      |    ^^^\n\nThe end."),
        (
            Style(color=True),
            80,
            f"\x1b[1mE1: a title\x1b[0m\n\nSome words about {CODE} and more.\n\n      |    ^^^\n\nThe end.",
        ),
    ],
)
def test_the_layout_of_a_page(style, width, shown):
    assert explain.laid_out(PAGE, style, width) == shown


@pytest.mark.parametrize(("found", "code"), [([ERROR], "E201"), ([WARNING], "W512"), ([WARNING, ERROR, ERROR], "E201")])
def test_problems_on_a_terminal_end_with_where_more_is_told(monkeypatch, found, code):
    monkeypatch.setenv("NO_COLOR", "1")
    common.report(found, stream=(screen := Terminal()))
    assert screen.getvalue().splitlines()[-1] == f"run for details: specc explain {code}"


@pytest.mark.parametrize(("stream", "short"), [(io.StringIO(), False), (Terminal(), True)])
def test_it_is_not_said_in_a_pipe_nor_in_short(stream, short):
    common.report([ERROR], stream=stream, short=short)
    assert stream.getvalue().endswith("\n1 error\n")
