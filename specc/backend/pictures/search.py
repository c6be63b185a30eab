"""Pictures of a search, made of search.json alone: its history, what matters, its values side by side, its front."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from specc.backend.pictures.style import BAD, COLORS, GRAY
from specc.report.search import COSTS, figure_of
from specc.tasks import Figure as Measure

OWN, BEST = COLORS[0], COLORS[1]
SCALE = "viridis"  # the brighter, the better; told apart without seeing colors
LOGARITHMIC = 30.0  # the largest number over the smallest, from which an axis is logarithmic
MOST_LABELS = 24  # characters


def history_figure(search: Mapping[str, Any]) -> Figure:
    """Each trial's figure, those that were pruned or failed marked as such, and the best so far as a line."""
    measure = figure_of(search)
    figure = Figure(figsize=(7, 3.6))
    axes = figure.subplots()
    best: list[tuple[int, float]] = []
    for trial in search["trials"]:
        value = _last(trial)
        if value is None:
            continue
        if trial["state"] == "completed" and (not best or measure.is_better(value, best[-1][1])):
            best.append((trial["trial"], value))
    for state, marker, color in (("completed", "o", OWN), ("pruned", "x", GRAY)):
        points = [(one["trial"], _last(one)) for one in search["trials"] if one["state"] == state and _last(one)]
        if points:
            axes.plot(*_columns(points, measure), marker, color=color, label=state)
    if best:
        steps = [*best, (len(search["trials"]), best[-1][1])]
        axes.step(*_columns(steps, measure), where="post", color=BEST, label="best so far")
    failed = [one["trial"] for one in search["trials"] if one["state"] == "failed"]
    for number in failed:
        axes.axvline(number, color=BAD, linewidth=0.8, linestyle=":", label="failed" if number == failed[0] else None)
    axes.set_xlabel("trial")
    axes.set_ylabel(_label(measure))
    axes.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    _legend(figure, axes)
    return figure


def importance_figure(search: Mapping[str, Any]) -> Figure:
    """How much of the differences between trials each setting explains."""
    shares = list(search["importances"].items())[::-1]
    figure = Figure(figsize=(7, 1.2 + 0.35 * max(len(shares), 1)))
    axes = figure.subplots()
    axes.barh([_short(path) for path, _ in shares], [100 * share for _, share in shares], color=OWN)
    axes.set_xlim(0, 100)
    axes.grid(visible=False, axis="y")
    axes.set_xlabel("share of the variance that is explained (fANOVA) [%]")
    if not shares:
        axes.text(50, 0, "too few completed trials to tell", ha="center", color=GRAY)
        axes.set_yticks([])
    return figure


def parallel_figure(search: Mapping[str, Any]) -> Figure:
    """A line for each trial through its values, one axis for each setting and one for the figure, which colors it."""
    measure = figure_of(search)
    trials = [one for one in search["trials"] if _last(one) is not None]
    paths = [path for path, _ in search["trials"][0]["values"]] if search["trials"] else []
    figure = Figure(figsize=(max(7, 1.8 * (len(paths) + 1)), 4))
    axes = figure.subplots()
    scales = [_Scale([dict(one["values"])[path] for one in trials]) for path in paths]
    values = [_number(_last(one)) for one in trials]
    ends = (min(values), max(values)) if values else (0.0, 1.0)
    norm, colors = Normalize(*ends), colormaps[SCALE if not measure.is_error else f"{SCALE}_r"]
    for one, value in sorted(zip(trials, values, strict=True), key=lambda pair: pair[1], reverse=measure.is_error):
        places = [scale.place(dict(one["values"])[path]) for path, scale in zip(paths, scales, strict=True)]
        places.append((value - ends[0]) / (ends[1] - ends[0]) if ends[1] > ends[0] else 0.5)
        style = "-" if one["state"] == "completed" else ":"
        axes.plot(range(len(places)), places, style, color=colors(norm(value)), linewidth=1.4, alpha=0.85)
    for number, scale in enumerate(scales):
        _marks(axes, number, scale.marks())
    _marks(axes, len(paths), [(0.0, measure.text(ends[0])), (1.0, measure.text(ends[1]))] if values else [])
    axes.set_xticks(range(len(paths) + 1), [*map(_short, paths), measure.title])
    axes.set_yticks([])
    axes.set_xlim(-0.3, len(paths) + 0.6)
    axes.grid(visible=False, axis="y")
    axes.spines["left"].set_visible(False)
    figure.colorbar(ScalarMappable(norm, colors), ax=axes, label=measure.title, format=lambda x, _: measure.text(x))
    return figure


def front_figure(search: Mapping[str, Any]) -> Figure:
    """The figure of each completed trial against its cost, and the front: those that no other beats at that cost."""
    measure, against = figure_of(search), search["against"]
    known = [one for one in search["trials"] if one["state"] == "completed" and one[against] is not None]
    figure = Figure(figsize=(7, 3.6))
    axes = figure.subplots()
    factor = 1000 if against == "latency" else 1
    points = {one["trial"]: (one[against] * factor, one["value"]) for one in known}
    if points:
        axes.plot(*_columns(list(points.values()), measure), "o", color=GRAY, alpha=0.6, label="completed trials")
    edge = [points[number] for number in search["front"]]
    if edge:
        axes.step(*_columns(edge, measure), "o-", where="post", color=OWN, label="none is better at that cost")
        for number, (x, y) in zip(search["front"], edge, strict=True):
            place = (x, y * _factor(measure))
            axes.annotate(str(number), place, xytext=(4, 4), textcoords="offset points", fontsize=8)
    costs = [cost for cost, _ in points.values() if cost > 0]
    if costs and max(costs) > LOGARITHMIC * min(costs):
        axes.set_xscale("log")
    axes.set_xlabel("latency of one image [ms]" if against == "latency" else COSTS[against])
    axes.set_ylabel(_label(measure))
    _legend(figure, axes)
    return figure


class _Scale:
    """Where the values of a setting lie on an axis from 0 to 1: numbers in proportion, words in the order of coming."""

    def __init__(self, texts: Sequence[str]) -> None:
        numbers = [_as_number(text) for text in texts]
        self.words = list(dict.fromkeys(texts))
        self.numbers = [number for number in numbers if number is not None]
        self.is_number = len(self.numbers) == len(texts) > 0
        self.low, self.high = (min(self.numbers), max(self.numbers)) if self.is_number else (0.0, 1.0)
        self.is_logarithmic = self.is_number and self.low > 0 and self.high > LOGARITHMIC * self.low

    def place(self, text: str) -> float:
        if not self.is_number:
            return self.words.index(text) / max(len(self.words) - 1, 1)
        if self.high == self.low:
            return 0.5
        value, low, high = _number(_as_number(text)), self.low, self.high
        if self.is_logarithmic:
            from math import log

            value, low, high = log(value), log(low), log(high)
        return (value - low) / (high - low)

    def marks(self) -> list[tuple[float, str]]:
        """Places and what is written there."""
        if not self.is_number:
            return [(self.place(word), word[:MOST_LABELS]) for word in self.words]
        texts = dict.fromkeys(f"{value:g}" for value in (self.low, self.high))
        return [(self.place(text) if len(texts) == 1 else float(number), text) for number, text in enumerate(texts)]


def _marks(axes: Axes, x: float, marks: Sequence[tuple[float, str]]) -> None:
    axes.axvline(x, color=GRAY, linewidth=0.8)
    for place, text in marks:
        axes.annotate(text, (x, place), xytext=(4, 0), textcoords="offset points", fontsize=8, va="center")


def _legend(figure: Figure, axes: Axes) -> None:
    handles, labels = axes.get_legend_handles_labels()
    if handles:
        figure.legend(handles, labels, loc="outside upper left", ncols=4)


def _as_number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _number(value: float | None) -> float:
    assert value is not None
    return value


def _last(trial: Mapping[str, Any]) -> float | None:
    """The figure of a trial; of one that was pruned, the last that is known of it."""
    if trial["state"] == "failed":
        return None
    if trial["value"] is not None:
        return float(trial["value"])
    return float(trial["curve"][-1][1]) if trial["curve"] else None


def _columns(points: Sequence[tuple[float, float | None]], measure: Measure) -> tuple[list[float], list[float]]:
    return [x for x, _ in points], [_number(y) * _factor(measure) for _, y in points]


def _factor(measure: Measure) -> int:
    return 100 if measure.unit == "share" else 1


def _label(measure: Measure) -> str:
    return f"validation {measure.title} [%]" if measure.unit == "share" else f"validation {measure.title}"


def _short(path: str) -> str:
    return path if len(path) <= MOST_LABELS else f"…{path[-MOST_LABELS:]}"
