"""The pictures of the lessons: curves that carry their names, and the effect as it is told in the title."""

from collections.abc import Sequence
from typing import Any

from effects import Effect, value
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from specc.backend.pictures.style import BAD, COLORS, GRAY

WIDTH, HEIGHT = 9.0, 3.6
GUESS = 2.302585  # the cross entropy of ten classes that are all equally likely
APART = 0.055  # of the axis: names at the ends of curves are at least so far from each other


def cure(title: str, effect: Effect, variants: Sequence[dict[str, Any]]) -> Figure:
    """Whether networks learn: training loss, where the study has it, and training accuracy, of one or several steps."""
    has_loss = all("train_loss" in line for one in variants for run in one["runs"] for line in run["curve"])
    figure, panels = _figure(title, effect, 2 if has_loss else 1)
    if has_loss:
        _curves(panels[0], variants, "train_loss", 1.0)
        panels[0].axhline(GUESS, color=GRAY, linestyle=":", linewidth=1.2)
        panels[0].text(0.55, GUESS, "a guess: 2.303", transform=panels[0].get_yaxis_transform(), va="bottom",
                       color=GRAY, fontsize=9)  # fmt: skip
        panels[0].set_title("training loss")
    _curves(panels[-1], variants, "train_accuracy", 100.0)
    panels[-1].set_title("training accuracy while training [%]")
    panels[-1].axhline(10, color=GRAY, linestyle=":", linewidth=1.2)
    panels[-1].set_ylim(0, None)
    return figure


def generalization(title: str, effect: Effect, before: dict[str, Any], after: dict[str, Any]) -> Figure:
    """Where training and validation part, and how far they are apart in the end."""
    figure, (curves, bars) = _figure(title, effect, 2)
    for one, color in ((before, GRAY), (after, COLORS[0])):
        _line(curves, one, "train_accuracy", 100.0, color, "--")
        _line(curves, one, "val_accuracy", 100.0, color, "-")
    ends = [
        (f"{one['name']}, {part}", color, _mean(one, key)[-1] * 100)
        for one, color in ((before, GRAY), (after, COLORS[0]))
        for part, key in (("training", "train_accuracy"), ("validation", "val_accuracy"))
    ]
    _names(curves, ends)
    curves.set_title("accuracy while training [%]")
    curves.set_ylim(0, None)
    _axis(curves)
    _bars(bars, effect, (before, after))
    return figure


def overview(effects: Sequence[tuple[str, Effect]]) -> Figure:
    """The change that each lesson is about, with its interval, in one column."""
    figure = Figure(figsize=(WIDTH, 0.9 + 0.36 * len(effects)))
    axes = figure.subplots()
    for row, (_, effect) in enumerate(effects):
        color = {"training": COLORS[0], "gap": COLORS[2], "validation": BAD}[effect.shows]
        axes.plot([effect.low, effect.high], [row, row], "-", color=color, linewidth=2.2 if effect.seeds > 1 else 1.0)
        axes.plot([effect.change], [row], "o", color=color,
                  fillstyle="full" if effect.is_clear else "none")  # fmt: skip
        axes.annotate(f"{effect.change:+.1f}", (effect.change, row), xytext=(0, 5), textcoords="offset points",
                      ha="center", fontsize=8.5, color=color)  # fmt: skip
    axes.axvline(0, color=GRAY, linewidth=1.2)
    axes.set_yticks(range(len(effects)), [f"{name}: {effect.shows}" for name, effect in effects])
    axes.set_ylim(len(effects) - 0.4, -0.7)
    axes.set_xlabel("change in percentage points, with its 95% interval")
    figure.suptitle("What each lesson changes: training accuracy, validation accuracy, or the gap between them\n"
        "hollow: the interval contains zero; thin: one seed, an interval over its images alone",
                    x=0.01, ha="left", fontsize=11)  # fmt: skip
    return figure


def _figure(title: str, effect: Effect, panels: int) -> tuple[Figure, list[Axes]]:
    figure = Figure(figsize=(WIDTH if panels > 1 else 0.75 * WIDTH, HEIGHT))
    axes = figure.subplots(1, panels, squeeze=False, width_ratios=[1.25, 1][:panels] if panels > 1 else None)[0]
    what = f"{effect.title}: {effect.before.mean:.1f} % to {effect.after.mean:.1f} %"
    figure.suptitle(f"{title}\n{what}, {effect.change_text} points", x=0.01, ha="left", fontsize=11)
    return figure, list(axes)


def _curves(axes: Axes, variants: Sequence[dict[str, Any]], key: str, factor: float) -> None:
    """One curve a variant, the one that the others are compared with in gray."""
    ends = []
    for one, color in zip(variants, (GRAY, *COLORS), strict=False):
        _line(axes, one, key, factor, color, "-")
        ends.append((one["name"], color, _mean(one, key)[-1] * factor))
    _axis(axes)
    _names(axes, ends)


def _line(axes: Axes, variant: dict[str, Any], key: str, factor: float, color: str, style: str) -> None:
    """The mean over the seeds, and the band from the lowest to the highest."""
    curves = [[line[key] * factor for line in run["curve"]] for run in variant["runs"] if run["curve"]]
    epochs = [line["epoch"] for line in variant["runs"][0]["curve"]]
    axes.plot(epochs, [value * factor for value in _mean(variant, key)], style, color=color)
    if len(curves) > 1:
        low, high = ([pick(values) for values in zip(*curves, strict=True)] for pick in (min, max))
        axes.fill_between(epochs, low, high, color=color, alpha=0.15, linewidth=0)


def _mean(variant: dict[str, Any], key: str) -> list[float]:
    curves = [[line[key] for line in run["curve"]] for run in variant["runs"] if run["curve"]]
    return [sum(values) / len(values) for values in zip(*curves, strict=True)]


def _names(axes: Axes, ends: Sequence[tuple[str, str, float]]) -> None:
    """Names at the ends of the curves, moved apart where they would lie on each other."""
    low, high = axes.get_ylim()
    step, last = APART * (high - low), -float("inf")
    for name, color, height in sorted(ends, key=lambda end: end[2]):
        last = max(height, last + step)
        axes.annotate(name, (1.01, last), xycoords=axes.get_yaxis_transform(), color=color, va="center", fontsize=9)


def _bars(axes: Axes, effect: Effect, variants: Sequence[dict[str, Any]]) -> None:
    """The figure of both variants, its value written on it."""
    for row, (one, color) in enumerate(zip(variants, (GRAY, COLORS[0]), strict=True)):
        found = value(effect.shows, one)
        axes.barh(row, found.mean, 0.55, color=color, xerr=found.deviation, ecolor="#333333")
        axes.text(0.4, row - 0.38, f"{one['name']}: {found.text}", va="center", fontsize=9, color="#333333")
    axes.set_ylim(1.5, -0.7)
    axes.set_yticks([])
    axes.set_xlim(0, None)
    axes.set_title(f"{effect.shows} in the end [points]")


def _axis(axes: Axes) -> None:
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.set_xlabel("epoch")
    axes.set_xlim(left=0)
