"""What a search found, as search.json holds it: all that its table, its pictures and `best.cnn` are made of."""

from collections.abc import Mapping, Sequence
from typing import Any

from specc.backend.evaluation.intervals import CONFIDENCE
from specc.backend.search.journal import COMPLETED, FAILED, LOST, PRUNED, RUNNING, Journal, Trial, cost
from specc.backend.search.suggest import Elsewhere
from specc.backend.study.statistics import summary
from specc.tasks import Figure

STATES = (COMPLETED, PRUNED, FAILED, RUNNING)


def as_json(
    journal: Journal, elsewhere: Sequence[Elsewhere], figure: Figure, importances: Mapping[str, float], against: str
) -> dict[str, Any]:
    """The part of search.json that holds trials and figures. Shares run from 0 to 1.

    elsewhere: the trials of other machines. against: the cost that the front of the best trials is made for, "" for
    none.
    """
    own = [trial for trial in journal.trials.values() if trial.state != LOST]
    trials = [_trial(trial) for trial in own] + [_other(one) for one in elsewhere]
    trials.sort(key=lambda one: int(one["trial"]))
    counts = {state: sum(one["state"] == state for one in trials) for state in STATES}
    return {
        "figure": figure.name,
        "is_error": figure.is_error,
        "confidence": CONFIDENCE,
        "counts": counts | {"same": sum(one["same_as"] is not None for one in trials)},
        "best": best_of(trials, figure),
        "importances": dict(importances),
        "against": against or None,
        "front": front(trials, figure, against) if against else None,
        "trials": trials,
    }


def _trial(trial: Trial) -> dict[str, Any]:
    ended = [training for training in trial.trainings.values() if training.outcome]
    found = summary([training.value for training in ended]) if trial.state == COMPLETED and ended else None
    return {
        "trial": trial.number,
        "state": trial.state,
        "values": [list(pair) for pair in trial.values],
        "value": trial.value,
        "low": found.low if found else None,
        "high": found.high if found else None,
        "same_as": trial.same_as or None,
        "elsewhere": False,
        "parameters": trial.parameters,
        "macs": trial.macs,
        "latency": trial.latency,
        "error": trial.error,
        "curve": [
            [epoch, report.value] for training in trial.trainings.values() for epoch, report in training.reports.items()
        ],
        "trainings": [
            {"seed": training.seed, "run": training.run, **_outcome(training.outcome)}
            for training in trial.trainings.values()
        ],
    }


def _outcome(outcome: Mapping[str, Any] | None) -> dict[str, Any]:
    names = ("value", "epoch", "epochs", "pruned", "seconds", "threads", "weights")
    return {name: outcome[name] for name in names} if outcome else {}


def _other(one: Elsewhere) -> dict[str, Any]:
    nothing = dict.fromkeys(("low", "high", "same_as", "parameters", "macs", "latency", "error"))
    return {
        "trial": one.number,
        "state": one.state,
        "values": [list(pair) for pair in one.values],
        "value": one.value,
        "elsewhere": True,
        "curve": [],
        "trainings": [],
        **nothing,
    }


def best_of(trials: Sequence[Mapping[str, Any]], figure: Figure) -> int | None:
    """The number of the best trial that was trained to the end; of equals, the first. None where there is none."""
    completed = [one for one in trials if one["state"] == COMPLETED and one["value"] is not None]
    best = min(completed, key=lambda one: (cost(one["value"], figure), one["trial"]), default=None)
    return best["trial"] if best else None


def front(trials: Sequence[Mapping[str, Any]], figure: Figure, against: str) -> list[int]:
    """The numbers of the trials that no other beats in the figure without a higher cost, from the cheapest on."""
    known = [one for one in trials if one["state"] == COMPLETED and one[against] is not None and not one["same_as"]]
    known.sort(key=lambda one: (one[against], cost(one["value"], figure), one["trial"]))
    numbers, lowest = [], float("inf")
    for one in known:
        if cost(one["value"], figure) < lowest:
            lowest = cost(one["value"], figure)
            numbers.append(one["trial"])
    return numbers
