"""The table of a search: what it says of the best, and of what it is worth."""

from typing import Any

from specc.report.search import search_table


def trial(number: int, value: float | None, state: str = "completed", **values: Any) -> dict[str, Any]:
    return {
        "trial": number,
        "state": state,
        "values": [["network.width", str(number)]],
        "value": value,
        "low": None,
        "high": None,
        "same_as": None,
        "error": None,
        **values,
    }


def search(*trials: dict[str, Any], **values: Any) -> dict[str, Any]:
    states = [one["state"] for one in trials]
    counts = {state: states.count(state) for state in ("completed", "pruned", "failed", "running")}
    return {
        "figure": "accuracy",
        "seeds": [0],
        "confidence": 0.95,
        "finished": True,
        "counts": counts | {"same": sum(one["same_as"] is not None for one in trials)},
        "best": 2,
        "importances": {},
        "against": None,
        "front": None,
        "trials": list(trials),
        "has_test": False,
        "validation_part": "validation",
        "best_file": "there/best.cnn",
        **values,
    }


def test_the_best_first_and_what_it_is_worth() -> None:
    text = search_table(search(trial(1, 0.5), trial(2, 0.75), trial(3, None, "pruned"), trial(4, 0.5, same_as=1)))
    rows = text.splitlines()
    assert rows[2].split() == ["2", "75.00%", "2"] and rows[3].split() == ["1", "50.00%", "1"]
    assert "4 trials: 3 completed, 1 pruned; 1 drew values that an earlier one had, and were not trained" in text
    assert "best: trial 2, network.width=2" in text
    assert "the best of 3 trials, chosen on these validation images, so optimistic" in text
    assert "--seeds 3" in text and "other images have to" in text


def test_one_trial_is_no_choice_among_several() -> None:
    text = search_table(search(trial(2, 0.5)))
    assert "  the best epoch of the only trial, chosen on these validation images, so optimistic" in text


def test_seeds_give_an_interval_and_a_test_part_a_way_to_measure() -> None:
    best = trial(2, 0.75, low=0.7, high=0.8)
    text = search_table(search(best, seeds=[0, 1, 2], has_test=True))
    assert "75.00%, the mean of 3 seeds (95% interval over the seeds 70.00% to 80.00%)" in text
    assert "specc train there/best.cnn" in text and "--seeds 3 trains" not in text


def test_what_failed_and_what_is_not_finished() -> None:
    error = {"code": "E304", "message": "it does not divide"}
    text = search_table(search(trial(1, None, "failed", error=error), best=None, finished=False))
    assert text == (
        "1 trial: 1 failed\ntrial 1: E304 it does not divide\n"
        "this search is not finished; run the same command again to continue it"
    )


def test_importances_and_front() -> None:
    values = {"importances": {"network.width": 0.8, "network.act": 0.2}, "against": "macs", "front": [1, 2]}
    text = search_table(search(trial(1, 0.5), trial(2, 0.7), **values))
    assert "explained by (fANOVA): network.width 80%, network.act 20%" in text
    assert "no trial is better with fewer MACs than: 1, 2" in text
    assert "in less time than: 1, 2" in search_table(search(trial(1, 0.5), **{**values, "against": "latency"}))
