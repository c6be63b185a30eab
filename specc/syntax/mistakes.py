"""The wording of syntax errors: what was found, and what was expected."""

import re
from collections.abc import Iterable

from lark import Token
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from specc.diagnostics import Diagnostic, nearest
from specc.source import Source, Span

_QUOTES = 'use double quotes: "like this"'
CHARACTERS = {
    "'": _QUOTES,
    "“": _QUOTES,
    "”": _QUOTES,
    "→": "write an arrow as `->`",
    "×": "write a size as 3x3, and a product as 3 * 3",
    "−": "this is not the minus sign on the keyboard: write `-`",
    "–": "this is not the minus sign on the keyboard: write `-`",
    "\u00a0": "this is a non-breaking space: use a plain space",
    "&": "write `and`",
    "!": "write `not`",
    "^": "write a power as `**`",
    "%": "`%` is only for percentages such as 50%; for a remainder, write `mod(a, b)`",
    ":": "write an argument with `=`, as in stride=2, and a body in braces: { … }",
}
WORDS = {
    "_NL": "a new line",
    "NAME": "a name",
    "$END": "the end of the file",
    "STRING": "a string",
    "LBRACE": "`{`",
    "RBRACE": "`}`",
    "LPAR": "`(`",
    "RPAR": "`)`",
    "LSQB": "`[`",
    "RSQB": "`]`",
    "EQUAL": "`=`",
    "COMMA": "`,`",
    "VBAR": "`|`",
    "IN": "`in`",
    "ELSE": "`else`",
    "EXTENDS": "`extends`",
}
NAMELESS_NETWORK = re.compile(r"(?:\A|\n)[ \t]*network[ \t]*\{[^{}=]*\Z")
ARROW = "__ANON_0"  # what lark calls `->`
# Found where one thing ends and another begins.
SEPARATES = frozenset({"NAME", "IF", "FOR", "LET", "SHARED", "DEFAULT", "COMMA"})
LITERALS = frozenset({"INTEGER", "FLOAT", "PERCENT", "SIZE", "STRING", "TRUE", "FALSE"})
ITEMS = ("data", "network", "block", "train", "export", "let", "default", "variant", "search", "extends")
SECTIONS = "expected a section: data, network, block, train, export, let, default, variant or search"


def span_of(source: Source, token: Token) -> Span:
    assert token.start_pos is not None and token.end_pos is not None
    return Span(source, token.start_pos, token.end_pos)


def too_deep(span: Span) -> Diagnostic:
    """E102: more nesting than the language allows."""
    help = "move an inner part into a `let` or a `block`"
    return Diagnostic("E102", "this is nested too deeply", span, help=help)


def mistake(source: Source, error: UnexpectedInput) -> Diagnostic:
    """E101: a character or token that is out of place; E108: a string without its closing quote."""
    if isinstance(error, UnexpectedCharacters):
        return character_mistake(source, error.pos_in_stream or 0)
    assert isinstance(error, UnexpectedToken)
    return unexpected(source, error.token, error.accepts or error.expected)


def unexpected(source: Source, token: Token, accepted: Iterable[str]) -> Diagnostic:
    """E101 for a token, given the terminals that are accepted there."""
    help = _help(token, set(accepted))
    if NAMELESS_NETWORK.search(source.text, 0, token.start_pos or 0):
        help = "a network has a name: network Net { … }; without one, `network` sets parameters: network { width = 64 }"
    if token.type == "$END":
        end = len(source.text.rstrip())
        return Diagnostic("E101", "unexpected end of file", Span(source, max(end - 1, 0), end), help=help)
    if token.type == "_NL":
        return Diagnostic("E101", "unexpected end of line", span_of(source, token), help=help)
    return Diagnostic("E101", f"unexpected `{token}`", span_of(source, token), help=help)


def _help(token: Token, accepted: set[str]) -> str:
    help = _expected(accepted)
    if token.type == "IF" and "_NL" in accepted:
        help = "put a choice in parentheses, (relu if c else tanh), or an `if` with a body on its own line"
    elif token.type in SEPARATES and "_NL" in accepted and "NETWORK" not in accepted:
        between = "join them with `->`" if ARROW in accepted else "put `;` between them"
        help = f"{between}, or put each on its own line"
    elif token.type == "EQUAL" and "COMPARE" in accepted:
        help = "compare two values with `==`"
    elif token.type in LITERALS and "LPAR" in accepted:
        help = "put arguments in parentheses, as in max_pool(2)"
    elif token.type == "DOT" and "INTEGER" in accepted:
        help = "start a number with a digit: 0.5"
    elif token.type == "VBAR" and "RBRACE" in accepted:
        help = "start the first branch with `|`, too"
    elif "NETWORK" in accepted and token.type == "NAME":
        help = nearest(str(token), ITEMS) or help
    elif token.type == "EQUAL" and ARROW in accepted:
        help = "name a value with `let name = …`, or a tensor with `-> as(name)`"
    elif token in (")", "]") and not {"RPAR", "RSQB"} & accepted:
        help = "there is no open bracket for it to close"
    return help


def character_mistake(source: Source, start: int) -> Diagnostic:
    """E101 or E108 for a character that begins nothing."""
    character = source.text[start]
    if character == '"':
        end = source.text.find("\n", start)
        span = Span(source, start, len(source.text) if end < 0 else end)
        return Diagnostic(
            "E108", "this string has no closing quote", span, help='write a string "like this", on one line'
        )
    span = Span(source, start, start + 1)
    return Diagnostic("E101", f"unexpected character `{character}`", span, help=CHARACTERS.get(character, ""))


def _expected(terminals: set[str]) -> str:
    """What is accepted here, if that is short enough to help."""
    words = []
    if "INTEGER" in terminals and "NAME" in terminals:
        words = ["a value"]
        terminals = terminals & {"RPAR", "RSQB", "RBRACE"}
    elif {"DATA", "TRAIN", "NETWORK"} <= terminals:
        return SECTIONS
    words += [WORDS[name] for name in sorted(terminals) if name in WORDS]
    if not words or len(words) > 6:
        return ""
    return "expected " + (", ".join(words[:-1]) + " or " if len(words) > 1 else "") + words[-1]
