"""Learning curves of a study, side by side: made of study.json alone."""

from collections.abc import Sequence
from math import ceil
from typing import Any, Literal

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from specc.backend.pictures.style import COLORS, GRAY
from specc.report.study import figure_of
from specc.tasks import Figure as Measure

OWN, OTHER = COLORS[0], GRAY
COLUMNS, WIDTH, HEIGHT = 4, 2.9, 2.1  # of the small pictures, in inches


def study_figure(study: dict[str, Any]) -> Figure:
    """A small picture for each variant: validation solid, training dashed, in gray the validation of what it extends.

    A line is the mean over the seeds; the band around it runs from the lowest seed to the highest.
    """
    variants = {variant["name"]: variant for variant in study["variants"]}
    columns = min(COLUMNS, len(variants))
    rows = ceil(len(variants) / columns)
    figure = Figure(figsize=(max(columns * WIDTH, 2 * WIDTH), rows * HEIGHT + 0.8))
    grid = figure.subplots(rows, columns, sharey=True, squeeze=False)
    measure = figure_of(study)
    top = _top(study["variants"], measure)
    places = [axes for row in grid for axes in row]
    for axes, variant in zip(places, variants.values(), strict=False):
        other = variants.get(variant["compared_with"] or "")
        if other:
            _curve(axes, other, "val", measure, OTHER, "-", 1.0)
        _variant(axes, variant, measure, OWN)
        axes.set_title(variant["name"], fontsize=10)
        if variant["error"] and not any(run["curve"] for run in variant["runs"]):
            axes.text(0.5, 0.5, variant["error"]["code"], transform=axes.transAxes, ha="center", color=COLORS[1])
        _axes(axes, top)
    for axes in places[len(variants) :]:
        axes.set_visible(False)
    for row in grid:
        row[0].set_ylabel(_label(measure))
    for column in range(columns):
        _lowest(grid, column).set_xlabel("epoch")
    lines = [
        _sample(OWN, "-", "validation"),
        _sample(OWN, "--", "training (measured during it, augmented)"),
        _sample(OTHER, "-", "what it extends"),
    ]
    figure.legend(handles=lines, loc="outside upper left", ncols=3)
    return figure


def comparison_figure(study: dict[str, Any], names: Sequence[str]) -> Figure:
    """Some variants on one pair of axes, each in its color: validation solid, training dashed."""
    figure = Figure(figsize=(7, 3.6))
    axes = figure.subplots()
    measure = figure_of(study)
    chosen = [variant for name in names for variant in study["variants"] if variant["name"] == name]
    for variant, color in zip(chosen, COLORS, strict=False):
        _variant(axes, variant, measure, color)
    _axes(axes, _top(chosen, measure))
    axes.set_xlabel("epoch")
    axes.set_ylabel(_label(measure))
    lines = [_sample(color, "-", variant["name"]) for variant, color in zip(chosen, COLORS, strict=False)]
    lines += [_sample(GRAY, "-", "validation"), _sample(GRAY, "--", "training (measured during it)")]
    figure.legend(handles=lines, loc="outside right upper")
    return figure


def _variant(axes: Axes, variant: dict[str, Any], measure: Measure, color: str) -> None:
    _curve(axes, variant, "train", measure, color, "--", 1.2)
    _curve(axes, variant, "val", measure, color, "-", 1.8)


def _curve(
    axes: Axes, variant: dict[str, Any], part: str, measure: Measure, color: str, style: str, width: float
) -> None:
    """The mean over the seeds, as far as all of them have come, and the band that they span; nothing where a variant
    whose own `best` is another figure has no such values of training."""
    what = f"{part}_{measure.name}"
    curves = [run["curve"] for run in variant["runs"] if run["curve"] and all(what in line for line in run["curve"])]
    if not curves:
        return
    points = list(zip(*curves, strict=False))
    epochs = [point[0]["epoch"] for point in points]
    values = [[line[what] * _factor(measure) for line in point] for point in points]
    means = [sum(some) / len(some) for some in values]
    marker = "o" if len(epochs) == 1 else ""
    axes.plot(epochs, means, style, color=color, linewidth=width, marker=marker)
    if len(curves) > 1:
        axes.fill_between(epochs, list(map(min, values)), list(map(max, values)), color=color, alpha=0.15, linewidth=0)


def _top(variants: Sequence[dict[str, Any]], measure: Measure) -> float | None:
    """The end of the figure's axis: of shares the first multiple of ten above all curves, in percent; of errors a bit
    above all curves; None where the axis need not begin at 0."""
    lines = [line for variant in variants for run in variant["runs"] for line in run["curve"]]
    keys = (f"train_{measure.name}", f"val_{measure.name}")
    highest = max((line[key] for line in lines for key in keys if key in line), default=1.0)
    if measure.unit == "share":
        return min(100, 10 * int(highest * 10) + 10)
    return 1.05 * highest if measure.is_error else None


def _factor(measure: Measure) -> int:
    return 100 if measure.unit == "share" else 1


def _label(measure: Measure) -> str:
    return f"{measure.title} [%]" if measure.unit == "share" else measure.title


def _axes(axes: Axes, top: float | None) -> None:
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.set_xlim(left=0)
    if top is not None:
        axes.set_ylim(0, top)


def _lowest(grid: Any, column: int) -> Axes:
    """The lowest small picture of a column that is there."""
    shown: list[Axes] = [row[column] for row in grid if row[column].get_visible()]
    return shown[-1]


def _sample(color: str, style: Literal["-", "--"], label: str) -> Line2D:
    return Line2D([], [], color=color, linestyle=style, label=label)
