"""What nothing runs is read, too: blocks that are not called, branches that are not taken."""

import pytest

from tests.helpers.checking import codes, only, spec, underlined

NETWORK = "network N(skip=false) { input(3, 8x8)\nif skip { f } else { conv(3) }\nglobal_avg_pool }\n"


def block(body: str, params: str = "(c, act=relu)"):
    return spec(f"{NETWORK}let width = relu\nblock f{params} {{ {body} }}", everything=True)


@pytest.mark.parametrize(
    ("body", "code", "where"),
    [
        ("con(c)", "E201", "con"),
        ("relu -> rleu", "E201", "rleu"),
        ("residual { conv(c) -> rleu }", "E201", "rleu"),
        ("add { | relu | conv(c) -> rleu }", "E201", "rleu"),
        ("repeat(3) { rleu }", "E201", "rleu"),
        ("if c == 3 { relu } else if c == 4 { rleu }", "E201", "rleu"),
        ("if c == 3 { relu } else { rleu }", "E201", "rleu"),
        ("for (a, (b, d)) in c { a -> b -> d -> e }", "E201", "e"),
        ("head(x) { } -> g(3)", "E201", "g"),
        ("conv(c, kernal=3x3)", "E203", "kernal"),
        ("f(c, atc=relu)", "E203", "atc"),
    ],
)
def test_a_block_that_is_not_called(body, code, where):
    checked = block(body)
    assert only(checked).code == code
    assert underlined(checked) == where


@pytest.mark.parametrize(
    "body",
    [
        "act -> width -> relu",
        "act(3) -> act { | relu }",
        "let a = relu -> tanh; a -> a",
        "for a in [relu] { a } -> for (a, b) in c { a -> b(3) }",
        "if c == 1 { let a = relu; a }",
        "f(c, act=anything)",
        "act(anything=3)",
        "(relu if c == 1 else tanh) -> conv(c // 0)",
        "conv(-1) -> expect(1, 1x1)",
    ],
)
def test_names_that_a_scope_binds(body):
    assert codes(block(body)) == []


def test_a_branch_that_is_not_taken():
    text = "network N(skip=false) { input(3, 8x8)\nif skip { residula { relu } } else { relu } }"
    checked = spec(text, everything=True)
    assert underlined(checked) == "residula"
    assert "`residual`" in only(checked).help
    assert codes(spec(text)) == []


def test_what_runs_and_is_wrong_is_told_once():
    text = "block f { rleu -> conv(3, kernal=1) }\nnetwork N { input(3, 8x8)\nf -> f -> rleu }"
    assert sorted(codes(spec(text, everything=True))) == ["E201", "E203"]
