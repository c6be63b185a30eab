"""What study.json says of gains: over which trainings, and what is left of them after all comparisons."""

from types import SimpleNamespace
from typing import Any

import pytest
from scipy import stats

from specc.backend.study.cache import Record
from specc.backend.study.plan import Entry, Repetition
from specc.backend.study.results import as_json
from specc.errors import SpeccError
from specc.tasks import FIGURES

BASE = (0.70, 0.71, 0.69, 0.70)
BETTER = (0.80, 0.82, 0.79, 0.80)
SLIGHTLY = (0.71, 0.715, 0.70, 0.72)


def record(name: str, seed: int, accuracy: float | None) -> Record:
    """A training that came to this accuracy on the validation images; None: it failed."""
    if accuracy is None:
        return Record.failed(Repetition(seed), SpeccError("E436", "the loss is not finite"))
    numbers = {"epoch": 1.0, "train_loss": 1.0, "train_accuracy": 0.5, "val_loss": 1.0, "seconds": 1.0}
    curve = [numbers | {"val_accuracy": accuracy}]
    return Record(Repetition(seed), f"runs/{name}-{seed}", {"accuracy": 0.9}, 0.1, 100, {}, curve, None)


def study(**figures: tuple[str, tuple[float | None, ...]]) -> dict[str, Any]:
    """The figures of a base and of variants of it: each with the name that its runs have, and their accuracies."""
    rows = {"base": ("base", BASE), **figures}
    records = {
        name: {Repetition(seed): record(runs, seed, value) for seed, value in enumerate(values)}
        for name, (runs, values) in rows.items()
    }
    entries = [Entry("base"), *(Entry(name, "base") for name in figures)]
    against = {entry.name: entry.extends for entry in entries}
    checked: Any = lambda entry, repetition: SimpleNamespace(graph=None)  # noqa: E731
    repetitions = tuple(Repetition(seed) for seed in range(len(BASE)))
    return as_json(entries, against, records, checked, repetitions, 0.0, FIGURES["accuracy"])


def gains(found: dict[str, Any]) -> dict[str, Any]:
    return {variant["name"]: variant["gain"] for variant in found["variants"] if variant["gain"]}


def test_each_p_value_is_corrected_for_all_comparisons() -> None:
    found = study(better=("better", BETTER), slightly=("slightly", SLIGHTLY))
    better, slightly = gains(found)["better"], gains(found)["slightly"]
    p = [stats.ttest_rel(values, BASE).pvalue for values in (BETTER, SLIGHTLY)]
    assert found["comparisons"] == 2 and p[0] < p[1] < 0.05 < 2 * p[1]
    assert (better["p"], slightly["p"]) == pytest.approx(tuple(p))
    assert (better["p_holm"], slightly["p_holm"]) == pytest.approx((2 * p[0], p[1]))
    assert better["more_than_chance"] and slightly["more_than_chance"]


def test_what_alone_is_more_than_chance_may_not_be_among_many() -> None:
    others: dict[str, Any] = {f"chance{n}": (f"chance{n}", (0.70, 0.70 + n / 100, 0.70, 0.69)) for n in range(6)}
    found = study(slightly=("slightly", SLIGHTLY), **others)
    slightly = gains(found)["slightly"]
    assert found["comparisons"] == 7 and slightly["low"] > 0
    assert slightly["p_holm"] == pytest.approx(7 * slightly["p"]) and not slightly["more_than_chance"]


def test_trainings_that_are_the_same_are_no_comparison_and_twins_are_one() -> None:
    found = study(same=("base", BASE), better=("better", BETTER), twin=("better", BETTER))
    same, better, twin = (gains(found)[name] for name in ("same", "better", "twin"))
    assert found["comparisons"] == 1
    assert (same["mean"], same["p"], same["p_holm"], same["more_than_chance"]) == (0, None, None, None)
    assert better["p_holm"] == better["p"] == twin["p_holm"]


def test_what_failed_is_compared_on_shared_seeds_only() -> None:
    found = study(wild=("wild", (None, 0.75, None, None)), half=("half", (None, 0.75, 0.72, None)))
    wild, half = gains(found)["wild"], gains(found)["half"]
    assert (wild["pairs"], wild["before"], wild["after"]) == (1, 0.71, 0.75)
    assert wild["low"] is None and wild["p_holm"] is None and wild["more_than_chance"] is None
    assert half["pairs"] == half["seeds"] == 2 and half["before"] == pytest.approx(0.70)
    assert found["comparisons"] == 1
    assert [run["error"] is None for run in found["variants"][1]["runs"]] == [False, True, False, False]
