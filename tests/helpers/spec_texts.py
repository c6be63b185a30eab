"""Texts of specs for tests: written at random by the grammar's rules, and any text with other space and comments."""

from collections.abc import Callable
from random import Random
from typing import Any

from hypothesis import strategies as st
from lark import Token

from specc.syntax.grammar import parser
from specc.syntax.layout import ITEM_WORDS, SILENT_AFTER, SILENT_BEFORE

Draw = Callable[[st.SearchStrategy[Any]], Any]
NAMES = st.sampled_from(
    ["conv", "relu", "x", "unit", "a_rather_long_name_of_a_layer", "data", "variant", "In", "shared"]
)
LITERALS = st.sampled_from(
    ["1", "64", "0.5", "1e-3", "50%", "3x3", "true", "false", '"a # text"', '"\\"quoted\\" \\n"', "in.channels"]
)
SIGNS = st.sampled_from(["+", "-", "*", "//", "**", "and", "or"])  # a comparison has two sides only


@st.composite
def specs(draw: Draw) -> str:
    """A spec on as few lines as it can have. It has no syntax errors; it may have any others."""
    return "\n".join(_many(draw, lambda: _item(draw), 0, 4))


def _many(draw: Draw, one: Callable[[], str], least: int = 0, most: int = 3) -> list[str]:
    return [one() for _ in range(draw(st.integers(least, most)))]


def _value(draw: Draw, depth: int) -> str:
    """An expression, in parentheses where it needs them."""

    def inner() -> str:
        return _value(draw, depth - 1)

    match draw(st.integers(0, 12)) if depth else draw(st.integers(0, 1)):
        case 0:
            return draw(NAMES)
        case 1:
            return draw(LITERALS)
        case 2 | 3:
            return f"[{', '.join(_many(draw, inner, most=6))}]"
        case 4:
            parts = _many(draw, inner, least=1)
            return f"({', '.join(parts)}{',' * (len(parts) == 1)})"
        case 5:
            return f"({draw(st.sampled_from(['-', 'not ', '- -']))}{inner()})"
        case 6:
            return f"{draw(NAMES)}[{inner()}]"
        case 7:
            return f"({inner()} if {inner()} else {inner()})"
        case 8:
            return f"({f' {draw(SIGNS)} '.join(_many(draw, inner, 1, 6))})"
        case 9:
            return f"({' -> '.join(_many(draw, inner, 1, 5))})"
        case 10:
            return f"{draw(NAMES)} {_body(draw, depth - 1)}"
        case _:
            return _call(draw, depth - 1)


def _call(draw: Draw, depth: int) -> str:
    def argument() -> str:
        name = f"{draw(NAMES)}=" if draw(st.booleans()) else ""
        return name + _value(draw, depth)

    return f"{draw(NAMES)}({', '.join(_many(draw, argument, most=5))})"


def _body(draw: Draw, depth: int) -> str:
    def statements(least: int) -> str:
        return "; ".join(_many(draw, lambda: _statement(draw, depth), least))

    if draw(st.booleans()):
        return f"{{ {statements(0)} }}"
    return f"{{ {' '.join(_many(draw, lambda: '| ' + statements(1), 1, 3))} }}"


def _statement(draw: Draw, depth: int) -> str:
    match draw(st.integers(0, 4)):
        case 0:
            return f"let {draw(NAMES)} = {_value(draw, depth)}"
        case 1:
            return f"shared {draw(NAMES)} = {_value(draw, depth)}"
        case 2:
            return f"default {_call(draw, depth)}"
        case _:
            return " -> ".join(_many(draw, lambda: _stage(draw, depth), 1, 3))


def _stage(draw: Draw, depth: int) -> str:
    plain = NAMES | LITERALS  # a condition holds no call with a body
    match draw(st.integers(0, 5)) if depth else 0:
        case 0 | 1:
            return draw(NAMES)
        case 2:
            return _call(draw, depth - 1)
        case 3:
            return f"{_call(draw, depth - 1)} {_body(draw, depth - 1)}"
        case 4:
            branches = _many(draw, lambda: f"if {draw(plain)} {_body(draw, depth - 1)}", 1, 3)
            return " else ".join([*branches, *_many(draw, lambda: _body(draw, depth - 1), 0, 1)])
        case _:
            target = draw(st.sampled_from(["i", "(a, b)", "(a, (b, c))"]))
            return f"for {target} in {draw(plain)} {_body(draw, depth - 1)}"


def _item(draw: Draw) -> str:
    def setting() -> str:
        return f"{'.'.join(_many(draw, lambda: draw(NAMES), 1, 3))} = {_value(draw, 2)}"

    def parameter() -> str:
        return f"{draw(NAMES)}={_value(draw, 2)}" if draw(st.booleans()) else draw(NAMES)

    settings = f"{{ {'; '.join(_many(draw, setting))} }}"
    match draw(st.integers(0, 5)):
        case 0:
            return f"{draw(st.sampled_from(['data', 'train', 'export', 'search']))} {settings}"
        case 1:
            return f"variant {draw(NAMES)} {settings}"
        case 2:
            return f"variant {draw(NAMES)} extends {draw(NAMES)} {settings}"
        case 3:
            return f"{draw(st.sampled_from(['let', 'shared']))} {draw(NAMES)} = {_value(draw, 2)}"
        case 4:
            return draw(st.sampled_from(['extends "base.cnn"', "default conv(bias=false)"]))
        case _:
            parameters = ", ".join(_many(draw, parameter, most=5))
            return f"{draw(st.sampled_from(['block', 'network']))} {draw(NAMES)}({parameters}) {_body(draw, 2)}"


def tokens(text: str) -> list[Token]:
    """The tokens of a text, new lines and `;` included, comments left out."""
    lark, layout, _ = parser()
    layout.raw = True
    try:
        return list(lark.lex(text))
    finally:
        layout.raw = False


def jumbled(text: str, seed: int) -> str:
    """The same spec with other empty space, and with comments wherever one may stand."""
    random = Random(seed)  # noqa: S311 - nothing is secret here
    out: list[str] = []
    brackets: list[str] = []
    previous, ends_statement = "{", False
    for token in tokens(text):
        if token.type == "_NL":
            ends_statement = ends_statement or (previous not in SILENT_AFTER and brackets[-1:] in ([], ["{"]))
            continue
        free = brackets[-1:] in (["("], ["["]) or previous in SILENT_AFTER or token in SILENT_BEFORE
        if ends_statement and token not in SILENT_BEFORE:
            out.append(_pick(_NEW_LINES, random))
        elif free and not (brackets == [] and token.type in ITEM_WORDS):
            out.append(_pick(_FREE_SPACE, random))
        else:
            out.append(" " * random.choice([1, 1, 1, 3] if _are_words(previous, token) else [0, 1]))
        ends_statement = False
        if token in ("(", "[", "{"):
            brackets.append(str(token))
        elif token in (")", "]", "}"):
            brackets.pop()
        previous = str(token)
        out.append(previous)
    return "".join(out) + _pick(["", "\n", "\n\n", "#\n", "\n#\n"], random)


def _are_words(left: str, right: str) -> bool:
    return bool((left[-1].isalnum() or left[-1] in "_.%") and (right[0].isalnum() or right[0] in "_."))


# `#` stands for a comment, `>` for some indentation.
_NEW_LINES = ["\n>", "\n\n\n>", "; ", "#\n>", "#\n>#\n\n>#\n>", "\n>#\n>"]
_FREE_SPACE = [*(3 * [" "]), *(2 * ["\n>"]), "\n \n>", "#\n>", "\n>#\n\n>"]


def _pick(spaces: list[str], random: Random) -> str:
    """One of the spaces, with random comments and indentation; a comment's text is not told twice."""

    def filled(character: str) -> str:
        if character == "#":
            end = random.choice(["", " { ( [", "  "])
            return " " * random.choice([0, 1, 2, 7]) + f"# c{random.randrange(10**6)}" + end
        return " " * random.choice([0, 0, 2, 2, 4, 30]) if character == ">" else character

    return "".join(map(filled, random.choice(spaces)))
