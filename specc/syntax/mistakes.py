"""Syntax errors in words: what stands there, and what could."""

from collections.abc import Iterable

from lark import Token
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from specc.diagnostics import Diagnostic, nearest
from specc.source import Source, Span

_QUOTES = 'a text is written with double quotes: "like this"'
CHARACTERS = {
    "'": _QUOTES,
    "“": _QUOTES,
    "”": _QUOTES,
    "→": "an arrow is written `->`",
    "×": "a size is written 3x3, a product 3 * 3",
    "−": "this is no minus sign of the keyboard: write `-`",
    "–": "this is no minus sign of the keyboard: write `-`",
    "\u00a0": "this is a non-breaking space: write a plain one",
    "&": "write `and`",
    "!": "write `not`",
    "^": "a power is written `**`",
    "%": "`%` stands only in percentages such as 50%; the remainder of a division is `mod(a, b)`",
    ":": "an argument is given by `=`, as in stride=2; a body stands in braces: { … }",
}
WORDS = {
    "_NL": "a new line",
    "NAME": "a name",
    "$END": "the end of the file",
    "STRING": "a text in quotes",
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
ARROW = "__ANON_0"  # what lark calls `->`
SEPARATES = frozenset({"NAME", "IF", "FOR", "LET", "DEFAULT", "COMMA"})  # stands where one thing ends, another begins
LITERALS = frozenset({"INTEGER", "FLOAT", "PERCENT", "SIZE", "STRING", "TRUE", "FALSE"})
ITEMS = ("data", "network", "block", "train", "export", "let", "default", "variant", "search", "extends")
SECTIONS = "expected a section: data, network, block, train, export, let, default, variant or search"


def span_of(source: Source, token: Token) -> Span:
    assert token.start_pos is not None and token.end_pos is not None
    return Span(source, token.start_pos, token.end_pos)


def too_deep(span: Span) -> Diagnostic:
    """E102: more nesting than the language allows."""
    help = "name the inner part with `let` or `block` and use the name"
    return Diagnostic("E102", "this is nested too deeply", span, help=help)


def mistake(source: Source, error: UnexpectedInput) -> Diagnostic:
    """E101: a character or token that cannot stand where it does; E108: a text without its closing quote."""
    if isinstance(error, UnexpectedCharacters):
        return character_mistake(source, error.pos_in_stream or 0)
    assert isinstance(error, UnexpectedToken)
    return unexpected(source, error.token, error.accepts or error.expected)


def unexpected(source: Source, token: Token, accepted: Iterable[str]) -> Diagnostic:
    """E101 for a token, given the terminals that could stand there."""
    accepted = set(accepted)
    help = _expected(accepted)
    if token.type == "IF" and "_NL" in accepted:
        help = "a choice stands in parentheses, (relu if c else tanh); an `if` with a body on a line of its own"
    elif token.type in SEPARATES and "_NL" in accepted and "NETWORK" not in accepted:
        between = "join them by `->`" if ARROW in accepted else "put `;` between them"
        help = f"{between}, or give each a line of its own"
    elif token.type == "EQUAL" and "COMPARE" in accepted:
        help = "two values are compared by `==`"
    elif token.type in LITERALS and "LPAR" in accepted:
        help = "arguments stand in parentheses, as in max_pool(2)"
    elif token.type == "DOT" and "INTEGER" in accepted:
        help = "a number begins with a digit: 0.5"
    elif token.type == "VBAR" and "RBRACE" in accepted:
        help = "begin the first branch with `|`, too"
    elif "NETWORK" in accepted and token.type == "NAME":
        help = nearest(str(token), ITEMS) or help
    elif token.type == "EQUAL" and ARROW in accepted:
        help = "a value is named by `let name = …`, what flows here by `-> as(name)`"
    elif token in (")", "]") and not {"RPAR", "RSQB"} & accepted:
        help = "there is nothing open that it could close"
    if token.type == "$END":
        end = len(source.text.rstrip())
        return Diagnostic("E101", "the file ends too early", Span(source, max(end - 1, 0), end), help=help)
    if token.type == "_NL":
        return Diagnostic("E101", "the line ends too early", span_of(source, token), help=help)
    return Diagnostic("E101", f"`{token}` is not expected here", span_of(source, token), help=help)


def character_mistake(source: Source, start: int) -> Diagnostic:
    """E101 or E108 for a character that begins nothing."""
    character = source.text[start]
    if character == '"':
        end = source.text.find("\n", start)
        span = Span(source, start, len(source.text) if end < 0 else end)
        return Diagnostic(
            "E108", "this text has no closing quote", span, help='a text is written "like this", on one line'
        )
    span = Span(source, start, start + 1)
    return Diagnostic("E101", f"`{character}` has no meaning here", span, help=CHARACTERS.get(character, ""))


def _expected(terminals: set[str]) -> str:
    """What could stand here, where that is short enough to help."""
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
