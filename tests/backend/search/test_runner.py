"""A search from its beginning to its end, with trainings that are formulas."""

import sys
from pathlib import Path
from typing import Any

import pytest

from specc.backend.search.journal import COMPLETED, FAILED, PRUNED, RUNNING, Journal
from specc.backend.search.live import Silent
from specc.backend.search.messages import Message
from specc.backend.search.pool import Event
from specc.backend.search.replay import replay
from specc.backend.search.results import as_json, front
from specc.check import check
from specc.errors import SpeccError
from specc.source import Source
from tests.helpers.fake_search import ACCURACY, SPEC, Formulas, Training, from_rate, make_search, space_of


def found_in(folder: Path) -> list[tuple[Any, ...]]:
    """What the journal's trials came to."""
    return [(one.number, one.values, one.state, one.value, one.steps(False)) for one in Journal(folder).trials.values()]


@pytest.mark.parametrize("sampler", ["random", "tpe", "gp"])
def test_as_many_trials_as_wanted_and_the_best_of_them(tmp_path: Path, sampler: str) -> None:
    trials = 12 if sampler == "tpe" else 5
    assert make_search(tmp_path, Formulas(2, from_rate), trials, sampler).run() == 0
    journal = Journal(tmp_path)
    assert [one.state for one in journal.trials.values()] == [COMPLETED] * trials
    values = [from_rate(dict(one.values), 0, 4) for one in journal.trials.values()]
    assert [one.value for one in journal.trials.values()] == values
    assert journal.ranked(ACCURACY)[0].value == max(values)
    result = as_json(journal, [], ACCURACY, {}, "macs")
    best = next(one for one in result["trials"] if one["trial"] == result["best"])
    assert best["value"] == max(values) and best["macs"] > 0 and result["counts"]["completed"] == trials


def test_more_trials_are_more_of_the_same_and_a_seed_draws_others(tmp_path: Path) -> None:
    for name, trials in (("few", 3), ("many", 6)):
        (tmp_path / name).mkdir()
        make_search(tmp_path / name, Formulas(1, from_rate), trials).run()
    few, many = found_in(tmp_path / "few"), found_in(tmp_path / "many")
    assert few == many[:3]
    make_search(tmp_path / "few", Formulas(1, from_rate), 6).run()
    assert found_in(tmp_path / "few") == many


@pytest.mark.parametrize("sampler", ["random", "tpe"])
def test_deaths_change_nothing(tmp_path: Path, sampler: str) -> None:
    """One worker, so that the order of the trials is one and the same."""
    for name, deaths in (("straight", []), ("killed", [1, 2, 9, 20, 21, 37])):
        (tmp_path / name).mkdir()
        pool = Formulas(1, from_rate, deaths=deaths)
        assert make_search(tmp_path / name, pool, 14, sampler, "median").run() == 0
        assert pool.started == 1 + len(deaths)
    assert found_in(tmp_path / "straight") == found_in(tmp_path / "killed")
    assert {one[2] for one in found_in(tmp_path / "killed")} == {COMPLETED, PRUNED}


class Killed(BaseException):
    """The search itself is killed here."""


@pytest.mark.parametrize("lines", [2, 3, 7, 8, 31])
def test_a_killed_search_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lines: int) -> None:
    """Killed after any line of its journal."""
    for name in ("straight", "killed"):
        (tmp_path / name).mkdir()
    make_search(tmp_path / "straight", Formulas(1, from_rate), 9, "tpe", "median").run()
    write, count = Journal.write, [0]

    def killing(journal: Journal, what: str, **values: Any) -> None:
        write(journal, what, **values)
        count[0] += 1
        if count[0] == lines:
            raise Killed

    monkeypatch.setattr(Journal, "write", killing)
    with pytest.raises(Killed):
        make_search(tmp_path / "killed", Formulas(1, from_rate), 9, "tpe", "median").run()
    monkeypatch.undo()
    assert make_search(tmp_path / "killed", Formulas(1, from_rate), 9, "tpe", "median").run() == 0
    assert found_in(tmp_path / "straight") == found_in(tmp_path / "killed")


def test_a_training_that_ends_its_worker_each_time_fails_and_says_so(tmp_path: Path) -> None:
    pool = Formulas(1, from_rate, deaths=range(1, 6))
    make_search(tmp_path, pool, 2).run()
    first, second = Journal(tmp_path).trials.values()
    assert first.state == FAILED and second.state == COMPLETED
    assert first.error is not None and first.error["code"] == "E519"
    assert "5 times without an epoch in between, last by signal 9: out of words" in first.error["message"]


def test_median_prunes_what_is_behind_and_not_in_the_last_epoch(tmp_path: Path) -> None:
    make_search(tmp_path, Formulas(1, from_rate), 20, "random", "median").run()
    trials = list(Journal(tmp_path).trials.values())
    pruned = [one for one in trials if one.state == PRUNED]
    assert pruned and all(len(one.steps(False)) < 4 for one in pruned)
    assert all(one.state == COMPLETED for one in trials[:5])  # with so few, no median says much
    best = max(trials, key=lambda one: from_rate(dict(one.values), 0, 4))
    assert best.state == COMPLETED


def test_hyperband_prunes_early(tmp_path: Path) -> None:
    make_search(tmp_path, Formulas(1, from_rate, epochs=9), 20, "random", "hyperband").run()
    states = [one.state for one in Journal(tmp_path).trials.values()]
    assert PRUNED in states and COMPLETED in states


def test_wilcoxon_compares_seeds_in_pairs(tmp_path: Path) -> None:
    pool = Formulas(1, from_rate, epochs=1)
    make_search(tmp_path, pool, 5, "random", "wilcoxon", seeds=6).run()
    trials = list(Journal(tmp_path).trials.values())
    for one in trials:
        seeds = [training.seed for training in one.trainings.values()]
        assert seeds == list(range(6)) if one.state == COMPLETED else 4 <= len(seeds) < 6
    assert {one.state for one in trials} == {COMPLETED, PRUNED}
    best = as_json(Journal(tmp_path), [], ACCURACY, {}, "")["trials"][0]
    assert best["low"] < best["value"] < best["high"]


def test_the_same_values_are_trained_once(tmp_path: Path) -> None:
    space = [one for one in space_of() if one.path == "network.width"]
    pool = Formulas(2, lambda values, seed, epoch: float(values["network.width"]))
    make_search(tmp_path, pool, 9, space=space).run()
    journal = Journal(tmp_path)
    assert pool.trained == 3 and len(journal.trials) == 9
    for one in journal.trials.values():
        assert one.state == COMPLETED and one.value == float(one.values[0][1])
    assert as_json(journal, [], ACCURACY, {}, "")["counts"]["same"] == 6


def test_a_problem_of_several_lines_is_kept_as_one(tmp_path: Path) -> None:
    class Failing(Formulas):
        def _train(self, job: Message) -> Training:
            message = "the loss is not finite\nit first appeared in `conv1.weight`"
            yield {"what": "failed", "code": "E436", "message": message, "help": "", "ours": False}

    make_search(tmp_path, Failing(1, from_rate), 1).run()
    (trial,) = Journal(tmp_path).trials.values()
    message = "the loss is not finite; it first appeared in `conv1.weight`"
    assert trial.state == FAILED and trial.error == {"code": "E436", "message": message}


def test_a_trial_whose_network_is_none_fails_and_the_others_go_on(tmp_path: Path) -> None:
    search = make_search(
        tmp_path, Formulas(1, from_rate), 8, spec=lambda sets: check(Source("n", grouped()), sets=sets)
    )
    assert search.run() == 0
    trials = Journal(tmp_path).trials.values()
    for one in trials:
        is_fine = dict(one.values)["network.width"] != "8"
        assert one.state == (COMPLETED if is_fine else FAILED)
        if one.error:
            assert one.error["code"] == "E304" and "groups" in one.error["message"]
    assert {one.state for one in trials} == {COMPLETED, FAILED}


def grouped() -> str:
    """The network of which the width 8 does not fit: 12 channels do not divide by it."""
    return SPEC.replace("conv(width) ->", "conv(12) -> conv(24, groups=width) ->")


def test_a_worker_that_cannot_start_ends_the_search(tmp_path: Path) -> None:
    pool = Formulas(1, from_rate)

    def die(worker: int) -> int:
        pool.queue.append(Event(worker, {"what": "died", "status": 1}))
        return 1

    pool.start = die  # type: ignore[method-assign]
    pool.send = lambda worker, message: None  # type: ignore[method-assign]
    with pytest.raises(SpeccError, match="worker 1 ended with exit status 1: out of words") as error:
        make_search(tmp_path, pool).run()
    assert error.value.code == "E519"


def test_a_full_disk_ends_the_search(tmp_path: Path) -> None:
    pool = Formulas(1, from_rate)
    told = {"what": "failed", "code": "E481", "message": "the disk is full", "help": "", "ours": True}
    pool._train = lambda job: iter([told])  # type: ignore[assignment,method-assign,return-value]
    with pytest.raises(SpeccError, match="the disk is full"):
        make_search(tmp_path, pool).run()
    assert [one.state for one in Journal(tmp_path).trials.values()] == [RUNNING]


def test_a_replay_asks_no_sampler_and_tells_what_differs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_search(tmp_path, Formulas(2, from_rate), 12, "tpe", "median").run()
    monkeypatch.setitem(sys.modules, "optuna", None)
    found, status = replay(Journal(tmp_path), Formulas(2, from_rate), Silent())
    assert status == 0 and len(found) == 12 and all(one.is_same for one in found)
    found, _ = replay(Journal(tmp_path), Formulas(2, lambda *a: from_rate(*a) + 1e-9), Silent())
    assert not any(one.is_same for one in found)


def test_the_front() -> None:
    def trial(number: int, value: float, macs: int) -> dict[str, Any]:
        return {"trial": number, "state": COMPLETED, "value": value, "macs": macs, "same_as": None}

    trials = [trial(1, 0.5, 10), trial(2, 0.7, 30), trial(3, 0.6, 20), trial(4, 0.6, 25), trial(5, 0.7, 30)]
    assert front(trials, ACCURACY, "macs") == [1, 3, 2]
