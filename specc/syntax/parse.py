"""Text to syntax tree."""

from typing import Any, NamedTuple

from lark import Token
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from specc.diagnostics import Diagnostic
from specc.source import Source, Span
from specc.syntax import tree
from specc.syntax.build import Builder, Malformed
from specc.syntax.grammar import parser
from specc.syntax.layout import DEEPEST, TooDeep

LARGEST = 1_000_000


class Parsed(NamedTuple):
    """A file's tree, None where it could not be read, and its syntax errors."""

    tree: tree.File | None
    diagnostics: list[Diagnostic]


def parse(source: Source) -> Parsed:
    """The tree of a source. Never raises on what a user wrote."""
    if len(source.text) > LARGEST:
        found = f"this file has {len(source.text):,} characters; a spec has at most {LARGEST:,}"
        return Parsed(None, [Diagnostic("E103", found, Span(source, 0, 0), help="is this a spec?")])
    lark, comments = parser()
    comments.clear()
    try:
        parsed = lark.parse(source.text)
        items = Builder(source).all(parsed.children)
    except TooDeep as error:
        return Parsed(None, [_too_deep(_span(source, error.token))])
    except Malformed as error:
        return Parsed(None, [error.diagnostic])
    except UnexpectedInput as error:
        return Parsed(None, [_syntax_error(source, error)])
    except RecursionError:
        return Parsed(None, [_too_deep(Span(source, 0, 0))])
    return Parsed(tree.File(source, items, tuple(_span(source, token) for token in comments)), [])


def parse_expression(source: Source) -> tuple[Any, list[Diagnostic]]:
    """The tree of one expression, as `--set PATH=VALUE` gives it; None where it cannot be read."""
    prefix = "let value = "
    parsed = parse(Source(source.path, prefix + source.text))
    if parsed.tree is None:
        return None, parsed.diagnostics
    match parsed.tree.items:
        case (tree.Let(value=value),):
            return value, []
        case _:
            return None, [Diagnostic("E101", "this is not one value", Span(source, 0, len(source.text)))]


def _span(source: Source, token: Token) -> Span:
    assert token.start_pos is not None and token.end_pos is not None
    return Span(source, token.start_pos, token.end_pos)


def _too_deep(span: Span) -> Diagnostic:
    return Diagnostic(
        "E102",
        f"nested more than {DEEPEST} levels deep",
        span,
        help="name the inner part with `let` or `block` and use the name",
    )


def _syntax_error(source: Source, error: UnexpectedInput) -> Diagnostic:
    """One syntax error in words: what stands there, and what could."""
    if isinstance(error, UnexpectedCharacters):
        start = error.pos_in_stream or 0
        character = source.text[start]
        if character == '"':
            return Diagnostic(
                "E101", "this text has no closing quote", _line_end(source, start), help='a text is written "like this"'
            )
        span = Span(source, start, start + 1)
        return Diagnostic("E101", f"`{character}` has no meaning here", span, help=_character_help(character))
    assert isinstance(error, UnexpectedToken)
    token = error.token
    expected = _expected(error.accepts or error.expected)
    if token.type == "$END":
        end = len(source.text.rstrip())
        return Diagnostic("E101", "the file ends too early", Span(source, max(end - 1, 0), end), help=expected)
    if token.type == "_NL":
        return Diagnostic("E101", "the line ends too early", _span(source, token), help=expected)
    return Diagnostic("E101", f"`{token}` is not expected here", _span(source, token), help=expected)


def _line_end(source: Source, start: int) -> Span:
    end = source.text.find("\n", start)
    return Span(source, start, len(source.text) if end < 0 else end)


def _character_help(character: str) -> str:
    return {
        "'": 'a text is written with double quotes: "like this"',
        "&": "write `and`",
        "!": "write `not`",
        "^": "a power is written `**`",
        "%": "`%` stands only in percentages such as 50%; the remainder of a division is `mod(a, b)`",
        "@": "decorators do not exist in specs",
        ":": "a body is written in braces: `{ … }`",
    }.get(character, "")


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


def _expected(terminals: set[str]) -> str:
    """What could stand here, where that is short enough to help."""
    if "INTEGER" in terminals and "NAME" in terminals:
        words = ["a value"]
        terminals = terminals & {"RPAR", "RSQB", "RBRACE"}
    elif {"DATA", "TRAIN", "NETWORK"} <= terminals:
        return "expected a section: data, network, block, train, export, let, default, variant or search"
    else:
        words = []
    words += [WORDS[name] for name in sorted(terminals) if name in WORDS]
    if not words or len(words) > 6:
        return ""
    return "expected " + (", ".join(words[:-1]) + " or " if len(words) > 1 else "") + words[-1]
