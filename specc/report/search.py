"""The results of a search as a table for a terminal, from search.json alone."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from specc.errors import counted
from specc.fit import fitted
from specc.report.columns import columns
from specc.tasks import FIGURES, LOSS, Figure

MOST = 10  # trials in the table
COSTS = {"macs": "MACs", "parameters": "parameters", "latency": "latency"}


def figure_of(search: Mapping[str, Any]) -> Figure:
    """By which trials were compared."""
    return LOSS if search["figure"] == LOSS.name else FIGURES[search["figure"]]


def values_text(values: Iterable[Sequence[str]]) -> str:
    """`network.width=8 train.optimizer.lr=0.003`."""
    return " ".join(f"{path}={value}" for path, value in values)


def search_table(search: Mapping[str, Any]) -> str:
    """The best trials, and what there is to say of them and of the others."""
    figure = figure_of(search)
    completed = [one for one in search["trials"] if one["state"] == "completed" and not one["same_as"]]
    completed.sort(key=lambda one: (one["value"] if figure.is_error else -one["value"], one["trial"]))
    lines = []
    if completed:
        paths = [path for path, _ in completed[0]["values"]]
        rows = [["trial", f"validation {figure.title}", *paths]]
        rows += [[str(one["trial"]), _value(one, figure), *(v for _, v in one["values"])] for one in completed[:MOST]]
        lines += [*columns(rows, (0, 1)), ""]
        if len(completed) > MOST:
            lines.append(f"and {len(completed) - MOST} more in search.json")
    return "\n".join([*lines, *map(fitted, notes(search))])


def _value(one: Mapping[str, Any], figure: Figure) -> str:
    if one["low"] is None:
        return figure.text(one["value"])
    return f"{figure.text(one['value'])} ({figure.text(one['low'])} to {figure.text(one['high'])})"


def notes(search: Mapping[str, Any]) -> list[str]:
    """How many trials there were, which was the best, what its figure is worth, and how to measure it."""
    figure, seeds = figure_of(search), len(search["seeds"])
    lines = [_counts(search)]
    best = next((one for one in search["trials"] if one["trial"] == search["best"]), None)
    if best is not None:
        lines.append(f"best: trial {best['trial']}, {values_text(best['values'])}")
        of = f", the mean of {seeds} seeds" if seeds > 1 else ""
        interval = ""
        if best["low"] is not None:
            interval = f" ({search['confidence']:.0%} interval over the seeds {figure.text(best['low'])} to "
            interval += f"{figure.text(best['high'])})"
        lines.append(f"  validation {figure.title} {figure.text(best['value'])}{of}{interval}")
        lines += [f"  {line}" for line in _honest(search, seeds)]
    if search["importances"]:
        shares = ", ".join(f"{path} {share:.0%}" for path, share in search["importances"].items())
        lines.append(f"of the differences between trials, explained by (fANOVA): {shares}")
    if search["front"]:
        cost = COSTS[search["against"]]
        numbers = ", ".join(map(str, search["front"]))
        with_less = "in less time" if search["against"] == "latency" else f"with fewer {cost}"
        lines.append(f"no trial is better {with_less} than: {numbers}")
    failures = [one for one in search["trials"] if one["error"] and not one["same_as"]]
    lines += [f"trial {one['trial']}: {one['error']['code']} {one['error']['message']}" for one in failures[:MOST]]
    if len(failures) > MOST:
        lines.append(f"and {len(failures) - MOST} more that failed")
    if not search["finished"]:
        lines.append("this search is not finished; run the same command again to continue it")
    return lines


def _counts(search: Mapping[str, Any]) -> str:
    counts = search["counts"]
    parts = [f"{counts[state]} {state}" for state in ("completed", "pruned", "failed", "running") if counts[state]]
    same = f"; {counts['same']} drew values that an earlier one had, and were not trained" if counts["same"] else ""
    return f"{counted(len(search['trials']), 'trial')}: {', '.join(parts) or 'none has ended'}{same}"


def _honest(search: Mapping[str, Any], seeds: int) -> list[str]:
    """What the best figure of several is worth, and what measures it."""
    tried = search["counts"]["completed"] + search["counts"]["pruned"] - search["counts"]["same"]
    best = f"the best of {tried} trials" if tried > 1 else "the best epoch of the only trial"
    lines = [f"{best}, chosen on these validation images, so optimistic"]
    if seeds == 1:
        lines.append("with one seed there is no interval: --seeds 3 trains each trial with three")
    if search["has_test"]:
        lines.append(f"to measure it on the test part, which chose nothing: specc train {search['best_file']}")
    elif search["validation_part"] == "test":
        lines.append("the test part itself chose: to measure it, search with --set 'data.validation=split(10%)'")
    else:
        lines.append("the source has no test part that could measure it: other images have to")
    return lines
