"""A search that several machines share, through a real PostgreSQL server."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from specc.backend.search import storage
from specc.backend.search.journal import COMPLETED, LOST, RUNNING, Journal
from specc.backend.search.results import as_json
from specc.errors import SpeccError
from tests.helpers.fake_search import ACCURACY, Formulas, from_rate, make_search
from tests.helpers.postgres import Server, missing, server

pytest.importorskip("optuna")
pytest.importorskip("psycopg")
if reason := missing():
    pytest.skip(reason, allow_module_level=True)


@pytest.fixture(scope="module")
def postgres() -> Iterator[Server]:
    with server() as running:
        yield running


@pytest.fixture
def shared(postgres: Server, tmp_path: Path) -> Iterator[Any]:
    """A search of one of several machines, each of which has a folder of its own."""
    folders: dict[str, Path] = {}
    searches = []

    def make(machine: str, trials: int, pool: Formulas | None = None) -> Any:
        folder = folders.setdefault(machine, tmp_path / machine)
        folder.mkdir(exist_ok=True)
        own = pool or Formulas(1, from_rate)
        name = str(tmp_path)
        one = make_search(folder, own, trials, "tpe", "median", storage=postgres.url, owner=machine, name=name)
        searches.append(one)
        return searches[-1]

    yield make
    for search in searches:
        search.suggester.close()


def test_two_machines_share_the_trials_and_know_each_other_s(shared: Any) -> None:
    assert shared("one", 3).run() == 0
    two = shared("two", 7)
    assert two.run() == 0
    own, others = Journal(two.journal.path.parent), two.suggester.elsewhere()
    assert len(own.trials) == 4 and sorted(own.trials) == [4, 5, 6, 7]
    assert [one.number for one in others] == [1, 2, 3] and {one.state for one in others} == {COMPLETED}
    result = as_json(own, others, ACCURACY, two.suggester.importances(), "")
    assert [one["trial"] for one in result["trials"]] == list(range(1, 8))
    values = [one["value"] for one in result["trials"] if one["state"] == COMPLETED]
    best = next(one for one in result["trials"] if one["trial"] == result["best"])
    assert best["value"] == max(values)
    assert shared("one", 7).run() == 0  # nothing is left to do
    assert len(shared("one", 7).journal.trials) == 3


def test_one_trial_too_many_is_given_back(shared: Any) -> None:
    one, two = shared("one", 2), shared("two", 2)
    first, second, third = one.suggester.ask()[0], two.suggester.ask()[0], two.suggester.ask()[0]
    assert not one.suggester.is_surplus(first, 2) and not two.suggester.is_surplus(second, 2)
    assert two.suggester.is_surplus(third, 2)
    assert one.suggester.count() == 2


class Killed(BaseException):
    pass


def killed_while_training(search: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Kill a search after the first epoch of its first trial."""
    write = Journal.write

    def killing(journal: Journal, what: str, **values: Any) -> None:
        write(journal, what, **values)
        if what == "epoch":
            raise Killed

    monkeypatch.setattr(Journal, "write", killing)
    with pytest.raises(Killed):
        search.run()
    monkeypatch.undo()


def test_a_killed_search_goes_on_with_its_own_trial(shared: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    killed_while_training(shared("one", 3), monkeypatch)
    again = shared("one", 3)
    assert [one.state for one in again.journal.trials.values()] == [RUNNING]
    assert again.run() == 0
    assert [one.state for one in again.journal.trials.values()] == [COMPLETED] * 3
    assert again.suggester.count() == 3


def test_the_trial_of_a_machine_that_is_gone_is_taken_over(shared: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "GRACE", 1)
    gone = shared("gone", 3)
    killed_while_training(gone, monkeypatch)
    values = next(iter(gone.journal.trials.values())).values
    monkeypatch.setattr(storage, "GRACE", 1)
    time.sleep(2.5)
    two = shared("two", 3)
    assert two.run() == 0
    assert values in [one.values for one in two.journal.trials.values()]
    assert len(two.journal.trials) == 3 and two.suggester.count() == 3
    back = shared("gone", 3)
    assert back.run() == 0
    assert [one.state for one in back.journal.trials.values()] == [LOST]


def test_a_server_that_goes_down_is_named_and_nothing_is_lost(
    shared: Any, postgres: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = Formulas(1, from_rate)
    search = shared("one", 4, pool)
    write = Journal.write

    def stopping(journal: Journal, what: str, **values: Any) -> None:
        write(journal, what, **values)
        if what == "ended" and len(journal.trials) == 2:
            postgres.stop()

    monkeypatch.setattr(Journal, "write", stopping)
    with pytest.raises(SpeccError, match="does not answer") as error:
        search.run()
    assert error.value.code == "E515"
    monkeypatch.undo()
    postgres.start()
    again = shared("one", 4)
    assert again.run() == 0
    assert [one.state for one in again.journal.trials.values()] == [COMPLETED] * 4 and pool.trained == 2
