"""One plain look for every picture, and how pictures are saved: SVG and PNG, the same bytes for the same figures."""

from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

from cycler import cycler
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from specc.errors import SpeccError
from specc.files import write_atomic

# Okabe and Ito's colors, which the color-blind tell apart, without the yellow that a light ground swallows.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#333333")
GRAY, GRID, GROUND = "#666666", "#DDDDDD", "#FFFFFF"
BAD = COLORS[1]  # marks what is wrong

LOOK: dict[str, Any] = {
    "figure.facecolor": GROUND,
    "figure.dpi": 100,
    "savefig.dpi": 150,
    "figure.constrained_layout.use": True,
    "font.family": "DejaVu Sans",  # comes with matplotlib: the same on every machine
    "font.size": 10,
    "text.parse_math": False,  # a `$` in a name is a `$`
    "axes.titlesize": 11,
    "axes.titlelocation": "left",
    "axes.labelsize": 10,
    "axes.edgecolor": GRAY,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.prop_cycle": cycler(color=COLORS),
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "xtick.color": GRAY,
    "ytick.color": GRAY,
    "xtick.labelcolor": "#333333",
    "ytick.labelcolor": "#333333",
    "lines.linewidth": 1.8,
    "lines.markersize": 4.5,
    "legend.frameon": False,
    "svg.hashsalt": "specc",  # names within an SVG would be random
    "svg.fonttype": "path",  # looks the same where the font is not installed
    "path.simplify": False,
}

METADATA = {".svg": {"Date": None, "Creator": None}, ".png": {"Software": None}}
SUFFIXES = tuple(METADATA)


@contextmanager
def look() -> Iterator[None]:
    """Within it figures are made and saved in the look of specc, whatever the user's own settings of matplotlib are."""
    with style.context(["default", LOOK]):
        yield


def logarithmic(axes: Axes) -> None:
    """A logarithmic vertical axis, its numbers written as everywhere else: 0.01, 1e-07."""
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def paths(path: Path) -> list[Path]:
    """Where a picture goes: the path itself, or both an SVG and a PNG where it has no suffix.

    Raises SpeccError E482 for any other suffix.
    """
    if not path.suffix:
        return [path.with_name(path.name + suffix) for suffix in SUFFIXES]
    if path.suffix.lower() not in SUFFIXES:
        help = f"{path.stem}.svg, {path.stem}.png, or {path.stem} for both"
        raise SpeccError("E482", f"a chart must be an .svg or .png file, not `{path.name}`", help=help)
    return [path]


def save(figure: Figure, path: Path) -> list[Path]:
    """Write a figure as `paths` says, each file whole or not at all; call it within `look`. Gives the paths.

    Raises SpeccError: E482 another suffix, E481 a file cannot be written.
    """
    written = paths(path)
    for file in written:
        kind = file.suffix.lower()
        buffer = BytesIO()
        figure.savefig(buffer, format=kind[1:], metadata=METADATA[kind])
        try:
            write_atomic(file, buffer.getvalue())
        except OSError as error:
            message = f"`{file}` cannot be written: {error.strerror}"
            raise SpeccError("E481", message, help="check that the folder exists, and its permissions") from error
    return written
