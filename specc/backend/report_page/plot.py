"""Charts as SVG, drawn here: lines, bars, points. They scale with the page, whose style they take."""

from collections.abc import Callable, Sequence
from math import ceil, floor, isfinite, log10
from typing import NamedTuple

from specc.backend.report_page.html import text

WIDTH, HEIGHT = 400, 240
LEFT, RIGHT, TOP, BOTTOM = 50, 18, 20, 34
COLORS = 8

Point = tuple[float, float]
Format = Callable[[float], str]


class Line(NamedTuple):
    """A line through points, in color `color`. name: in the key; "" for none."""

    name: str
    points: Sequence[Point]
    color: int = 0
    dashed: bool = False


class Axis(NamedTuple):
    """From where to where, and how a number on it is written. label: what it shows. whole: only whole numbers."""

    low: float
    high: float
    label: str = ""
    text: Format = "{:g}".format
    logarithmic: bool = False
    whole: bool = False


class Bar(NamedTuple):
    """A bar from `low` to `high`. words: what the pointer reads there. is_faint: it says little."""

    low: float
    high: float
    top: float
    words: str
    is_faint: bool = False


class Mark(NamedTuple):
    """A vertical line at `x` with a word beside it."""

    x: float
    word: str


def axis(values: Sequence[float], label: str = "", text: Format = "{:g}".format, *, logarithmic: bool = False) -> Axis:
    """An axis that all values fit on, with round ends."""
    known = [value for value in values if isfinite(value)] or [0.0, 1.0]
    low, high = min(known), max(known)
    if logarithmic and low > 0:
        return Axis(10 ** floor(log10(low)), 10 ** ceil(log10(high) + 1e-9), label, text, logarithmic=True)
    if low == high:
        low, high = low - (abs(low) or 1) * 0.1, high + (abs(high) or 1) * 0.1
    step = _step(high - low)
    return Axis(floor(low / step + 1e-9) * step, ceil(high / step - 1e-9) * step, label, text)


def percent(value: float) -> str:
    """`85%`."""
    return f"{value * 100:g}%" if abs(value * 100 - round(value * 100)) < 1e-6 else f"{value:.1%}"


def line_chart(
    title: str,
    x: Axis,
    y: Axis,
    lines: Sequence[Line],
    marks: Sequence[Mark] = (),
    more: str = "",
    summary: str = "",
    *,
    with_key: bool = True,
) -> str:
    """A figure with lines. more: SVG over the lines. summary: for those who cannot see it; "" for the title.
    with_key: the figure says what each line is called."""
    parts = [_axes(x, y)]
    for mark in marks:
        place = _x(x, mark.x)
        side, shift = ("end", 4) if place > WIDTH * 0.6 else ("start", -4)
        parts.append(f'<path class="mark" d="M{place:.1f} {TOP}V{HEIGHT - BOTTOM}"/>')
        parts.append(f'<text x="{place + shift:.1f}" y="{TOP - 8}" text-anchor="{side}">{text(mark.word)}</text>')
    parts += [*(_line(x, y, line) for line in lines), more]
    named = [line for line in lines if line.name] if with_key else []
    return figure(title, "".join(parts), summary, key(named) if len(named) > 1 else "")


def figure(title: str, body: str, summary: str = "", key: str = "") -> str:
    """A figure around the parts of a chart."""
    label = text(summary or title)
    svg = f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{label}">{body}</svg>'
    return f'<figure class="chart"><figcaption>{text(title)}{key}</figcaption>{svg}</figure>'


def bars(x: Axis, y: Axis, values: Sequence[Bar]) -> str:
    """Bars from the bottom."""
    base = _y(y, max(y.low, 0.0))
    parts = []
    for bar in values:
        left, top, kind = _x(x, bar.low), _y(y, bar.top), "bar faint" if bar.is_faint else "bar"
        size = f'width="{max(_x(x, bar.high) - left - 2, 1):.1f}" height="{max(base - top, 0):.1f}"'
        parts.append(
            f'<rect class="{kind}" x="{left + 1:.1f}" y="{top:.1f}" {size}><title>{text(bar.words)}</title></rect>'
        )
    return "".join(parts)


def dots(x: Axis, y: Axis, points: Sequence[Point], color: int = 0, radius: float = 2.5) -> str:
    """Points, half transparent where there are many."""
    opacity = 0.9 if len(points) < 50 else 0.55 if len(points) < 500 else 0.3
    circles = "".join(f'<circle cx="{_x(x, a):.1f}" cy="{_y(y, b):.1f}" r="{radius:g}"/>' for a, b in points)
    return f'<g class="f{color % COLORS}" fill-opacity="{opacity:g}">{circles}</g>'


def guide(x: Axis, y: Axis, points: Sequence[Point]) -> str:
    """A dashed line that others are held against."""
    return f'<path class="guide" d="{_path(x, y, points)}"/>'


def dot(x: Axis, y: Axis, point: Point, color: int, words: str) -> str:
    """One point that stands out."""
    a, b = point
    circle = f'<circle class="dot f{color % COLORS}" cx="{_x(x, a):.1f}" cy="{_y(y, b):.1f}" r="4.5">'
    return f"{circle}<title>{text(words)}</title></circle>"


def axes(x: Axis, y: Axis) -> str:
    """Grid, numbers and labels."""
    return _axes(x, y)


def _line(x: Axis, y: Axis, line: Line) -> str:
    points = [(a, b) for a, b in line.points if isfinite(b) and (b > 0 or not y.logarithmic)]
    color = line.color % COLORS
    if len(points) == 1:
        return dot(x, y, points[0], color, line.name)
    dash = " dash" if line.dashed else ""
    title = f"<title>{text(line.name)}</title>" if line.name else ""
    return f'<path class="line{dash} s{color}" d="{_path(x, y, points)}">{title}</path>'


def _path(x: Axis, y: Axis, points: Sequence[Point]) -> str:
    return " ".join(f"{'ML'[place > 0]}{_x(x, a):.1f} {_y(y, b):.1f}" for place, (a, b) in enumerate(points))


def key(lines: Sequence[Line]) -> str:
    """What each line is called."""
    items = (
        f'<li><svg viewBox="0 0 26 10" aria-hidden="true"><path class="line{" dash" if line.dashed else ""} '
        f's{line.color % COLORS}" d="M0 5H26"/></svg>{text(line.name)}</li>'
        for line in lines
    )
    return f'<ul class="key">{"".join(items)}</ul>'


def _axes(x: Axis, y: Axis) -> str:
    parts = []
    for value in _ticks(y):
        place = _y(y, value)
        parts.append(f'<path class="grid" d="M{LEFT} {place:.1f}H{WIDTH - RIGHT}"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{place + 3.5:.1f}" text-anchor="end">{text(y.text(value))}</text>')
    for value in _ticks(x):
        place = _x(x, value)
        parts.append(f'<path class="axis" d="M{place:.1f} {HEIGHT - BOTTOM}v4"/>')
        words = text(x.text(value))
        parts.append(f'<text x="{place:.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{words}</text>')
    parts.append(f'<path class="axis" d="M{LEFT} {HEIGHT - BOTTOM}H{WIDTH - RIGHT}"/>')
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts.append(f'<text x="{middle:g}" y="{HEIGHT - 3}" text-anchor="middle">{text(x.label)}</text>')
    return "".join(parts)


def _ticks(axis: Axis) -> list[float]:
    if axis.logarithmic:
        low, high = round(log10(axis.low)), round(log10(axis.high))
        return [10.0**power for power in range(low, high + 1, max(1, (high - low) // 5))]
    step = max(_step(axis.high - axis.low), 1.0 if axis.whole else 0.0)
    first = ceil(axis.low / step - 1e-9)
    return [round(number * step, 12) for number in range(first, floor(axis.high / step + 1e-9) + 1)]


def _step(span: float, most: int = 6) -> float:
    """A round step, 1, 2 or 5 times a power of ten, of which at most so many fit into a span."""
    if span <= 0:
        return 1.0
    power = 10.0 ** floor(log10(span / most))
    return float(next(power * factor for factor in (1, 2, 5, 10, 20) if power * factor * most >= span))


def _x(axis: Axis, value: float) -> float:
    return LEFT + _share(axis, value) * (WIDTH - LEFT - RIGHT)


def _y(axis: Axis, value: float) -> float:
    return HEIGHT - BOTTOM - _share(axis, value) * (HEIGHT - TOP - BOTTOM)


def _share(axis: Axis, value: float) -> float:
    low, high = axis.low, axis.high
    if axis.logarithmic:
        low, high, value = log10(low), log10(high), log10(max(value, axis.low))
    share = (value - low) / (high - low) if high > low else 0.0
    return min(1.0, max(0.0, share))
