"""The parser of grammar/cnn.lark. Its tables are computed once and then kept in the user's cache directory.

Computing them takes a tenth of a second, half of what `specc check` takes in all; reading them takes a few
milliseconds. They are JSON, beside the text of the grammar that they came from, so that they are never out of date.
"""

import json
from collections.abc import Callable
from functools import cache
from operator import itemgetter
from pathlib import Path
from typing import Any

import lark
from lark import Lark, Token, Tree
from lark.grammar import Rule
from lark.lexer import TerminalDef

from specc.files import cache_folder, parse_json, read_file, write_atomic
from specc.syntax.layout import Layout

PACKAGE = Path(__file__).resolve().parents[1]
FORMAT = 2  # of the kept tables
LARGEST = 1 << 24  # bytes of them


@cache
def parser() -> tuple[Lark, Layout, list[Token]]:
    """The parser, the layout filter in it, and the list into which its lexer puts the comments that it meets."""
    packaged = PACKAGE / "grammar" / "cnn.lark"
    path = packaged if packaged.exists() else PACKAGE.parent / "grammar" / "cnn.lark"
    grammar = path.read_text(encoding="utf-8")
    comments: list[Token] = []

    def keep(token: Token) -> Token:
        comments.append(token)
        return token

    layout = Layout()
    options: dict[str, Any] = {"postlex": layout, "lexer_callbacks": {"COMMENT": keep}}
    lark = _load(grammar, options) or _build(grammar, options)
    _hasten(lark)
    return lark, layout, comments


def _cached() -> Path:
    return cache_folder() / "grammar.json"


def _build(grammar: str, options: dict[str, Any]) -> Lark:
    """Compute the tables, and cache them if possible."""
    built = Lark(grammar, parser="lalr", lexer="basic", maybe_placeholders=True, **options)
    data, memo = built.memo_serialize([TerminalDef, Rule])
    data["options"] = {**data["options"], **dict.fromkeys(options)}
    data["parser"]["lexer_conf"].pop("postlex", None)
    tables = {"format": FORMAT, "lark": lark.__version__, "grammar": grammar, "data": data, "memo": memo}
    try:
        _cached().parent.mkdir(parents=True, exist_ok=True)
        write_atomic(_cached(), json.dumps(tables).encode())
    except (OSError, RuntimeError):
        pass  # a home that is read-only, or none at all, only costs time
    return built


def _load(grammar: str, options: dict[str, Any]) -> Lark | None:
    """The parser from kept tables, None where there are none of this grammar."""
    try:
        tables = parse_json(read_file(_cached(), LARGEST))
        if (tables["format"], tables["lark"], tables["grammar"]) != (FORMAT, lark.__version__, grammar):
            return None
        states = tables["data"]["parser"]["parser"]["states"]
        # JSON knows neither integer keys nor tuples.
        tables["data"]["parser"]["parser"]["states"] = {
            int(state): {token: tuple(action) for token, action in row.items()} for state, row in states.items()
        }
        memo = {int(key): value for key, value in tables["memo"].items()}
        load: Callable[..., Lark] = Lark._load_from_dict  # noqa: SLF001 - what its stand-alone parsers call
        return load(tables["data"], memo, **options)
    except (OSError, RuntimeError, ValueError, LookupError, TypeError, AttributeError, lark.exceptions.LarkError):
        return None


def _hasten(lark: Lark) -> None:
    """Replace what lark does at each rule by less, which halves the time: a number passes through fifteen of them.

    A rule that only passes one part on does just that. The others get their place in the text as `start` and `end`,
    from their first and last part; lark's own `propagate_positions` looks at every part.
    """
    callbacks: dict[Rule, Callable[[list[Any]], Any]] = lark._callbacks  # noqa: SLF001 - there is no public way
    for rule, build in callbacks.items():
        passes_on = len(rule.expansion) == 1 and rule.alias is None and rule.options.expand1
        callbacks[rule] = itemgetter(0) if passes_on else _placed(build)


def _placed(build: Callable[[list[Any]], Any]) -> Callable[[list[Any]], Any]:
    def call(parts: list[Any]) -> Any:
        tree = build(parts)
        if parts and isinstance(tree, Tree):
            first, last = parts[0], parts[-1]
            start = first.start_pos if isinstance(first, Token) else first.start
            end = last.end_pos if isinstance(last, Token) else last.end
            tree.start, tree.end = start, end  # type: ignore[attr-defined]
        return tree

    return call
