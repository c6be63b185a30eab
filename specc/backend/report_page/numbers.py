"""Regression: predicted against true numbers, and how the errors spread."""

import numpy as np

from specc.backend.report_page.html import Section, figures, paragraph
from specc.backend.report_page.plot import Axis, Bar, axes, axis, bars, dots, figure, guide
from specc.backend.report_page.subject import Subject
from specc.backend.tasks.regression import Regression

MOST_POINTS, BINS = 1500, 25


def residuals(subject: Subject) -> Section:
    """For each number the predictions over the truth, and a histogram of the errors."""
    task = subject.measured.task
    assert isinstance(task, Regression)
    values = task.in_units(subject.measured.evaluation.records)
    count = len(task.outputs)
    step = -(-len(values) // MOST_POINTS)
    charts = []
    for place, name in enumerate(task.outputs):
        answers, truths = values[:, place], values[:, count + place]
        charts.append(_scatter(name, answers[::step], truths[::step]))
        charts.append(_histogram(name, answers - truths))
    note = f"Every {step}th image is drawn." if step > 1 else "Every image is a point; on the dashed line it is right."
    return Section("numbers", "Predicted and true", figures(charts) + paragraph(note, "q"))


def _scatter(name: str, answers: np.ndarray, truths: np.ndarray) -> str:
    both = axis([*answers.tolist(), *truths.tolist()])
    x, y = both._replace(label="true"), both
    points = list(zip(truths.tolist(), answers.tolist(), strict=True))
    body = axes(x, y) + guide(x, y, [(both.low, both.low), (both.high, both.high)]) + dots(x, y, points)
    return figure(f"{name}: predicted", body, f"{name}: predicted over true")


def _histogram(name: str, errors: np.ndarray) -> str:
    counts, edges = np.histogram(errors, bins=min(BINS, max(5, len(errors) // 4)))
    x = axis(edges.tolist(), "predicted - true")
    y = Axis(0, float(axis([0.0, *counts.tolist()]).high))
    values = [
        Bar(a, b, float(count), f"{a:.4g} to {b:.4g}: {count:,}")
        for a, b, count in zip(edges.tolist(), edges[1:].tolist(), counts.tolist(), strict=False)
    ]
    middle = f"median error {np.median(errors):.4g}"
    return figure(f"{name}: errors, {middle}", axes(x, y) + bars(x, y, values), f"{name}: {middle}")
