"""The parser's tables: worked out once, kept in the cache, and never trusted when they do not fit."""

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from specc.check import check
from specc.source import Source
from specc.syntax import grammar
from specc.syntax.parse import parse

TEXT = "# why\nnetwork N(a=1) { input(3, 8x8)\nconv(2 ** a) -> relu\nadd { | relu | tanh } }\ntrain { epochs = 3 }\n"


@pytest.fixture
def fresh(tmp_path, monkeypatch):
    """A cache of its own, and a function that parses as a new process would."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    def read(text: str = TEXT):
        grammar.parser.cache_clear()
        parsed = parse(Source("net.cnn", text))
        assert parsed.tree is not None
        return [repr(item) for item in parsed.tree.items], [span.text for span in parsed.tree.comments]

    yield read
    grammar.parser.cache_clear()


def test_kept_tables_read_the_same(fresh, tmp_path):
    first = fresh()
    assert (tmp_path / "specc" / "grammar.json").exists()
    assert fresh() == first
    assert first[1] == ["# why"]


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"format": 2}', b'{"lark": 3}'])
def test_damaged_tables_are_worked_out_again(fresh, tmp_path, damage):
    first = fresh()
    kept = tmp_path / "specc" / "grammar.json"
    kept.write_bytes(damage)
    assert fresh() == first
    assert json.loads(kept.read_bytes()).keys() >= {"format", "lark", "grammar", "data"}


def test_tables_of_another_grammar_or_lark_are_worked_out_again(fresh, tmp_path):
    first = fresh()
    kept = tmp_path / "specc" / "grammar.json"
    for key in ("lark", "grammar", "format"):
        kept.write_text(json.dumps({**json.loads(kept.read_text()), key: "another"}))
        assert fresh() == first


def test_a_home_that_cannot_be_written_only_costs_time(fresh, tmp_path, monkeypatch):
    first = fresh()
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert fresh() == first


def test_no_home_at_all_only_costs_time(fresh, monkeypatch):
    first = fresh()
    monkeypatch.delenv("XDG_CACHE_HOME")

    def nowhere() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", nowhere)
    assert fresh() == first


def test_several_threads_at_once():
    texts = [
        TEXT,
        TEXT + "# more\n",
        TEXT.replace("relu", "rleu"),
        "let a = (",
        "let a = " + "- " * 900 + "1",
        TEXT * 3,
    ]
    limit = sys.getrecursionlimit()

    def found(text: str):
        checked = check(Source("net.cnn", text), everything=True)
        comments = parse(Source("net.cnn", text)).tree
        return [(d.code, d.span.start) for d in checked.diagnostics], comments and len(comments.comments)

    alone = [found(text) for text in texts]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(found, texts * 10)) == alone * 10
    assert sys.getrecursionlimit() == limit
