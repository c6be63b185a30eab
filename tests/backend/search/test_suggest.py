"""What is drawn and what is refused, before anything is trained."""

import sys
from math import log10
from pathlib import Path
from statistics import fmean

import pytest

from specc.backend.search.journal import Journal
from specc.backend.search.place import refuse_to_vary
from specc.backend.search.storage import hidden, refuse_storage
from specc.errors import SpeccError
from specc.tasks import LOSS
from tests.helpers.fake_search import ACCURACY, Formulas, from_rate, make_search, space_of

pytest.importorskip("optuna")


def test_importances_tell_what_matters(tmp_path: Path) -> None:
    search = make_search(tmp_path, Formulas(1, from_rate), 30)
    assert search.suggester.importances() == {}
    search.run()
    shares = search.suggester.importances()
    assert shares["train.optimizer.lr"] > 0.9 and sum(shares.values()) == pytest.approx(1)


def test_tpe_comes_to_what_is_good(tmp_path: Path) -> None:
    make_search(tmp_path, Formulas(1, from_rate, epochs=1), 60, "tpe").run()
    rates = [float(dict(one.values)["train.optimizer.lr"]) for one in Journal(tmp_path).trials.values()]
    distances = [abs(log10(rate) + 2) for rate in rates]
    assert fmean(distances[40:]) < 0.6 * fmean(distances[:10])  # the first ten are drawn by chance


def test_errors_are_minimized(tmp_path: Path) -> None:
    search = make_search(tmp_path, Formulas(1, lambda *a: -from_rate(*a)), 2)
    assert search.suggester.study.direction.name == "MAXIMIZE"
    search.run()
    low, high = sorted(one.value or 0.0 for one in search.journal.trials.values())
    assert search.journal.ranked(LOSS)[0].value == low and search.journal.ranked(ACCURACY)[0].value == high


def test_the_loss_is_searched_unless_it_measures() -> None:
    """As `--set train.best=loss` or a variant may have it, which `specc check` does not see."""
    space = [space_of()[0]._replace(path="train.loss")]
    refuse_to_vary(space, "auto")
    with pytest.raises(SpeccError, match=r"the search varies `train\.loss`") as error:
        refuse_to_vary(space, "loss")
    assert error.value.code == "E514"


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("sqlite:///a.db", "SQLite: it locks its whole file"),
        ("sqlite+pysqlite:///a.db", "SQLite: it locks its whole file"),
        ("mysql://me:secret@host/db", "not `mysql://me@host/db`"),
        ("search.log", "not `search.log`"),
    ],
)
def test_storages_that_serve_no_several_machines(url: str, words: str) -> None:
    with pytest.raises(SpeccError, match="--storage") as error:
        refuse_storage(url)
    assert words in error.value.message and error.value.code == "E515" and "secret" not in str(error.value)


def test_a_password_is_not_shown() -> None:
    assert hidden("postgresql://me:secret@host:5432/db") == "postgresql://me@host:5432/db"
    assert hidden("postgresql://host/db") == "postgresql://host/db"
    assert hidden("postgresql://host/db?user=me&password=secret") == "postgresql://host/db?user=me"
    assert hidden("postgresql://host/db?password=secret&sslmode=require") == "postgresql://host/db?sslmode=require"


def test_without_optuna(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(SpeccError, match="needs Optuna") as error:
        make_search(tmp_path, Formulas(1, from_rate))
    assert error.value.code == "E512" and error.value.help == 'pip install "specc-cnn[search]"'


@pytest.mark.parametrize(("gone", "number"), [("suggested", 2), ("started", 3)])
def test_a_journal_that_lacks_a_line(tmp_path: Path, gone: str, number: int) -> None:
    make_search(tmp_path, Formulas(1, from_rate), 1).run()
    path = tmp_path / "suggestions.jsonl"
    path.write_text("".join(line for line in path.read_text().splitlines(True) if f'"what": "{gone}"' not in line))
    with pytest.raises(SpeccError, match=f"is damaged: line {number} does not follow") as error:
        Journal(tmp_path)
    assert error.value.code == "E516"


def test_a_journal_with_half_a_line_and_one_that_is_none(tmp_path: Path) -> None:
    make_search(tmp_path, Formulas(1, from_rate), 2).run()
    path = tmp_path / "suggestions.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole[:-20])  # killed while it wrote that the second trial has ended
    assert [one.state for one in Journal(tmp_path).trials.values()] == ["completed", "running"]
    assert make_search(tmp_path, Formulas(1, from_rate), 2).run() == 0
    assert [one.state for one in Journal(tmp_path).trials.values()] == ["completed", "completed"]
    for text in ('{"what": "epoch"}\n', "[1]\n"):
        path.write_text(text)
        with pytest.raises(SpeccError, match="is not the journal of a search"):
            Journal(tmp_path)
    path.write_text('{"what": "search", "format": 9}\n')
    with pytest.raises(SpeccError, match="another version"):
        Journal(tmp_path)
