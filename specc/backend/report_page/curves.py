"""Learning curves: loss, the figures of the task, the learning rate; what was kept is marked."""

from collections.abc import Sequence
from typing import Any

from specc.backend.report_page.html import Section, figures, fold, paragraph, sentence, table
from specc.backend.report_page.plot import Axis, Format, Line, Mark, Point, axis, dot, line_chart, percent
from specc.backend.report_page.subject import Subject
from specc.backend.run.metrics import selection
from specc.tasks import LOSS, Figure, Task

TRAINING, VALIDATION = "training", "validation"


def curves(subject: Subject) -> Section:
    """The charts of a run's epochs, and their numbers in a table."""
    best = subject.info.get("best")
    kept = best["epoch"] if isinstance(best, dict) and "epoch" in best else None
    return curves_of(subject.lines, subject.task, subject.run.spec.train.best, kept)


def curves_of(lines: Sequence[dict[str, Any]], task: Task, best: str, kept: float | None) -> Section:
    """The same from their values. best: the setting `train.best`. kept: the epoch whose weights are kept."""
    if not lines:
        return Section("curves", "Curves", paragraph("No epoch stands in metrics.jsonl."))
    marks = [] if kept is None else [Mark(kept, f"kept: epoch {kept:g}")]
    chosen = selection(best, task)
    charts = [chart_of(lines, figure, marks) for figure in drawn_figures(lines, task.figures)]
    charts.insert(1, chart_of(lines, LOSS, marks))
    if any("lr" in line for line in lines):
        charts.append(_rates(lines))
    how = "the weights after the last epoch" if chosen.keeps_last else f"the epoch with the best {chosen.figure.title}"
    note = f"Training figures are measured while it trains, with augmentation. Kept: {how}."
    body = figures(charts) + paragraph(note, "q") + fold("All epochs as a table", _table(lines, task.figures))
    return Section("curves", "Curves", body)


def drawn_figures(lines: Sequence[dict[str, Any]], known: Sequence[Figure]) -> list[Figure]:
    """The figures of which every epoch has a validation value."""
    return [figure for figure in known if all(f"val_{figure.name}" in line for line in lines)]


def chart_of(lines: Sequence[dict[str, Any]], figure: Figure, marks: Sequence[Mark]) -> str:
    """Training and validation of one figure over the epochs."""
    drawn = [
        Line(VALIDATION, points_of(lines, f"val_{figure.name}"), 0),
        Line(TRAINING, points_of(lines, f"train_{figure.name}"), 1, dashed=True),
    ]
    drawn = [line for line in drawn if line.points]
    kept = [point for mark in marks for point in drawn[0].points if point[0] == mark.x]
    summary = f"{figure.title} by epoch; validation ends at {figure.text(drawn[0].points[-1][1])}"
    x, y = epochs_axis(lines), value_axis(drawn, figure)
    more = "".join(dot(x, y, point, drawn[0].color, f"kept: {figure.text(point[1])}") for point in kept)
    return line_chart(sentence(figure.title), x, y, drawn, marks, more, summary)


def epochs_axis(lines: Sequence[dict[str, Any]]) -> Axis:
    last = max(line["epoch"] for line in lines)
    return Axis(0.0, float(last) if last > 0 else 1.0, "epoch", whole=last >= 1)


def value_axis(lines: Sequence[Line], figure: Figure) -> Axis:
    """The vertical axis of a figure's curves: shares in percent, and no further than 0% and 100%."""
    values = [value for line in lines for _, value in line.points]
    found = axis(values, "", text_of(figure))
    return found._replace(low=max(found.low, 0.0), high=min(found.high, 1.0)) if figure.unit == "share" else found


def text_of(figure: Figure) -> Format:
    return percent if figure.unit == "share" else "{:g}".format


def points_of(lines: Sequence[dict[str, Any]], key: str) -> list[Point]:
    return [(line["epoch"], line[key]) for line in lines if isinstance(line.get(key), int | float)]


def _rates(lines: Sequence[dict[str, Any]]) -> str:
    points = points_of(lines, "lr")
    scale = axis([0.0, *(value for _, value in points)])
    return line_chart("Learning rate", epochs_axis(lines), scale, [Line("", points, 2)])


def _table(lines: Sequence[dict[str, Any]], known: Sequence[Figure]) -> str:
    figures = [figure for figure in known if any(f"val_{figure.name}" in line for line in lines)]
    head = ["epoch", "training loss", "validation loss", *(figure.title for figure in figures), "rate", "images/s"]
    rows = [
        [
            f"{line['epoch']:g}",
            _number(line.get("train_loss")),
            _number(line["val_loss"]),
            *(figure.text(line.get(f"val_{figure.name}")) for figure in figures),
            f"{line['lr']:.3g}" if "lr" in line else "–",
            f"{line['images_per_second']:,.0f}" if "images_per_second" in line else "–",
        ]
        for line in lines
    ]
    return table(head, rows)


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"
