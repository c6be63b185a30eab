"""The picture of a probe: activations and gradients over the depth of the network, a row for each layer."""

import math
import textwrap
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator, PercentFormatter

from specc.backend.pictures.style import BAD, COLORS, GRAY, look, save
from specc.report.probe import Layer, Probed

MOST_ROWS = 45  # of a deeper network only the layers with kernels are shown
WIDTH, ROW, FRAME = 11.0, 0.21, 1.9  # inches
LONGEST = 36  # letters of a layer's name
LINE = 118  # letters in a line of the title
DECADES = 3  # at least, so that small differences look small
LEAST = 1e-30  # what is smaller is drawn there: a logarithmic axis has no zero


class Row(NamedTuple):
    """What stands in one row. dead, saturated: the largest shares of the layer and those that it stands for.
    marked: whether it goes wrong there."""

    layer: Layer
    dead: float
    saturated: float
    marked: bool


def draw(probed: Probed, path: Path) -> list[Path]:
    """Draw what a probe showed into `path`, or into both formats where it has no suffix. Gives the files written.

    Raises SpeccError: E482 another suffix, E481 a file cannot be written.
    """
    shown = _shown(probed)
    with look():
        figure = Figure(figsize=(WIDTH, FRAME + ROW * len(shown)))
        activations, gradients, shares = figure.subplots(1, 3, sharey=True, width_ratios=[3, 3, 1.2])
        layers = [row.layer for row in shown]
        _names(activations, shown)
        _activations(activations, layers)
        _gradients(gradients, layers)
        _shares(shares, shown)
        figure.suptitle(_title(probed), x=0.01, ha="left", fontsize=11)
        return save(figure, path)


def _shown(probed: Probed) -> list[Row]:
    """A row for each layer, or in a deep network for each layer with a kernel and all that follows up to the next."""
    layers = [layer for layer in probed.layers if not layer.head]
    starts = list(range(len(layers)))
    if len(layers) > MOST_ROWS:
        starts = [i for i, layer in enumerate(layers) if layer.rms is not None] or starts
    parts = [layers[start:end] for start, end in pairwise([*starts, len(layers)])]
    return [
        Row(
            part[0],
            max(layer.gives.dead for layer in part),
            max(layer.saturated or 0.0 for layer in part),
            probed.verdict.where in [layer.name for layer in part],
        )
        for part in parts
    ]


def _title(probed: Probed) -> str:
    lines = textwrap.wrap(f"{probed.title}: {probed.verdict.text}", LINE)
    return "\n".join(lines)


def _names(axes: Axes, rows: Sequence[Row]) -> None:
    """The layers' names at the left, the first layer on top; that where it goes wrong is marked."""
    names = [row.layer.name for row in rows]
    axes.set_yticks(range(len(rows)), [name if len(name) <= LONGEST else f"…{name[1 - LONGEST :]}" for name in names])
    axes.tick_params(axis="y", labelsize=8.5)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    for label, row in zip(axes.get_yticklabels(), rows, strict=True):
        if row.marked:
            label.set_color(BAD)
            label.set_fontweight("bold")


def _activations(axes: Axes, layers: Sequence[Layer]) -> None:
    rows = range(len(layers))
    deviations, varying = ([getattr(layer.gives, name) for layer in layers] for name in ("std", "variation"))
    axes.plot(_drawable(deviations), rows, "o-", color=COLORS[0], label="deviation")
    axes.plot(_drawable(varying), rows, "s--", color=COLORS[2], label="fraction that varies between images")
    _finish(axes, "activations", [*deviations, *varying])


def _gradients(axes: Axes, layers: Sequence[Layer]) -> None:
    with_kernels = [(row, layer) for row, layer in enumerate(layers) if layer.rms is not None]
    rows = [row for row, _ in with_kernels]
    measured = [layer.rms or 0.0 for _, layer in with_kernels]
    predicted = [math.nan if layer.predicted is None else layer.predicted for _, layer in with_kernels]
    axes.plot(_drawable(measured), rows, "o-", color=COLORS[0], label="measured (root mean square)")
    axes.plot(_drawable(predicted), rows, "D", color=GRAY, fillstyle="none", label="predicted from the graph")
    _finish(axes, "kernel gradients", [*measured, *predicted])


def _shares(axes: Axes, rows: Sequence[Row]) -> None:
    places = range(len(rows))
    axes.barh(places, [row.dead for row in rows], 0.6, color=BAD, label="dead channels")
    axes.barh(places, [row.saturated for row in rows], 0.6, color=COLORS[3], label="saturated values")
    axes.set_xlim(0, 1)
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    axes.tick_params(axis="y", length=0, labelleft=False)
    _legend(axes, "shares")


def _finish(axes: Axes, title: str, values: Sequence[float]) -> None:
    """A logarithmic axis of at least `DECADES` decades around what is drawn on it."""
    drawn = [value for value in _drawable(values) if not math.isnan(value)] or [1.0]
    low, high = math.floor(math.log10(min(drawn)) - 0.1), math.ceil(math.log10(max(drawn)) + 0.1)
    low = min(low, high - DECADES)
    axes.set_xscale("log")
    axes.set_xlim(10.0**low, 10.0**high)
    axes.xaxis.set_major_locator(LogLocator(numticks=6))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    _legend(axes, title)


def _legend(axes: Axes, title: str) -> None:
    """A legend below the axis's numbers, where it hides nothing."""
    axes.set_title(title)
    axes.legend(loc="upper left", bbox_to_anchor=(0, 0), borderaxespad=2.6, fontsize=8.5)


def _drawable(values: Sequence[float]) -> list[float]:
    """Zeros moved to where they can be drawn, and what is not finite left out."""
    return [max(value, LEAST) if math.isfinite(value) else math.nan for value in values]
