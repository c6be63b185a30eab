"""The learning curves of one run: made of the lines of its epochs alone."""

from collections.abc import Sequence
from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from specc.backend.pictures.style import COLORS
from specc.tasks import LOSS, Task

MOST = 3  # figures beside the loss


def run_figure(lines: Sequence[dict[str, Any]], task: Task, title: str) -> Figure:
    """Loss, the first figures of the task and the learning rate by epoch: validation solid, training dashed."""
    known = [one for one in task.figures if all(f"val_{one.name}" in line for line in lines)][:MOST]
    figure = Figure(figsize=(3.2 * (len(known) + 2), 3.2))
    places = figure.subplots(1, len(known) + 2)
    for axes, measure in zip(places, [LOSS, *known], strict=False):
        for part, style, color in (("val", "-", COLORS[0]), ("train", "--", COLORS[1])):
            points = [
                (line["epoch"], line[f"{part}_{measure.name}"]) for line in lines if _has(line, part, measure.name)
            ]
            marker = "o" if len(points) == 1 else ""
            axes.plot(*zip(*points, strict=True) if points else ([], []), style, color=color, marker=marker)
        axes.set_title(measure.title)
        if measure.unit == "share":
            axes.yaxis.set_major_formatter(PercentFormatter(1.0))
    rates = [(line["epoch"], line["lr"]) for line in lines if "lr" in line]
    places[-1].plot(*zip(*rates, strict=True) if rates else ([], []), color=COLORS[2])
    places[-1].set_title("learning rate")
    for axes in places:
        axes.set_xlabel("epoch")
    figure.suptitle(f"{title}: validation solid, training dashed", x=0.01, ha="left", fontsize=11)
    return figure


def _has(line: dict[str, Any], part: str, name: str) -> bool:
    return isinstance(line.get(f"{part}_{name}"), int | float)
