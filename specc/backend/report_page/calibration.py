"""How far the probabilities can be believed: reliability, temperature, and what a threshold leaves."""

import numpy as np
from numpy.typing import NDArray

from specc.backend.evaluation.activation import activation
from specc.backend.evaluation.calibration import (
    BINS,
    Bin,
    calibration_error,
    coverage,
    fitted_temperature,
    reliability,
    scaled,
)
from specc.backend.report_page.html import Section, figures, paragraph, table
from specc.backend.report_page.plot import Axis, Bar, Line, axes, bars, figure, guide, line_chart, percent
from specc.backend.report_page.subject import Subject
from specc.tasks import CLASSIFICATION

Floats = NDArray[np.float64]
STEPS = 100
FEW = 20  # answers, of which a share says little
THRESHOLDS = (0.0, 0.5, 0.7, 0.8, 0.9, 0.95, 0.99)


def calibration(subject: Subject) -> Section:
    """The reliability diagram, the expected calibration error, the temperature; of classes the coverage as well."""
    measured = subject.measured
    records, shares, outputs = measured.evaluation.records, measured.probabilities, measured.evaluation.outputs
    assert shares is not None and outputs is not None
    how = activation(subject.run.spec, subject.task)
    logits, truths = outputs.astype(np.float64), _truths(subject)
    temperature = fitted_temperature(logits, truths, how)
    bins, after = (_bins(subject, values, truths) for values in (shares, scaled(logits, temperature, how)))
    charts = [_diagram(bins)]
    if subject.task == CLASSIFICATION:
        charts.append(_coverage_chart(shares.max(axis=1), records[:, 0] == records[:, 1]))
    error, calibrated = calibration_error(bins), calibration_error(after)
    sure = (
        "too sure" if temperature > 1.02 else "not sure enough" if temperature < 0.98 else "as sure as they should be"
    )
    words = (
        f"Expected calibration error {error:.2%} ({BINS} bins). The fitted temperature is {temperature:.3f}: the "
        f"probabilities are {sure}. Dividing the logits by it leaves an error of {calibrated:.2%}. The temperature is "
        "fitted on the images that it is measured on here; the exported file does not contain it. Bars of fewer than "
        f"{FEW} answers are faint."
    )
    body = figures(charts) + paragraph(words)
    if subject.task == CLASSIFICATION:
        body += _coverage_table(shares.max(axis=1), records[:, 0] == records[:, 1])
    return Section("calibration", "Calibration", body)


def _truths(subject: Subject) -> Floats:
    """What is true of each image: N x outputs of 0 and 1."""
    records, count = subject.measured.evaluation.records, len(subject.measured.task.outputs)
    if subject.task == CLASSIFICATION:
        classes: Floats = np.eye(count)[records[:, 0].astype(np.int64)]
        return classes
    tags: Floats = records[:, count:]
    return tags


def _bins(subject: Subject, shares: Floats, truths: Floats) -> list[Bin]:
    """Of classes the answers by their probability; of tags each tag of each image by its own."""
    if subject.task == CLASSIFICATION:
        answers = shares.argmax(axis=1)
        return reliability(shares.max(axis=1), truths[np.arange(len(truths)), answers] > 0)
    return reliability(shares.reshape(-1), truths.reshape(-1) > 0)


def _diagram(bins: list[Bin]) -> str:
    x, y = Axis(0, 1, "probability of the answer", percent), Axis(0, 1, "", percent)
    values = [
        Bar(
            one.low,
            one.high,
            one.right,
            f"{one.low:.0%} to {one.high:.0%}: {one.right:.1%} of {one.answers:,} are right",
            is_faint=one.answers < FEW,
        )
        for one in bins
        if one.answers
    ]
    body = axes(x, y) + bars(x, y, values) + guide(x, y, [(0, 0), (1, 1)])
    summary = "share of right answers by their probability; on the dashed line they are equal"
    return figure("Reliability: share that is right", body, summary)


def _coverage_chart(confidences: Floats, right: NDArray[np.bool_]) -> str:
    rows = coverage(confidences, right, [step / STEPS for step in range(STEPS + 1)])
    lines = [
        Line("right, of those answered", [(row.threshold, row.right) for row in rows if row.right is not None], 0),
        Line("answered", [(row.threshold, row.coverage) for row in rows], 1, dashed=True),
    ]
    title = "Coverage"
    return line_chart(title, Axis(0, 1, "least probability of an answer", percent), Axis(0, 1, "", percent), lines)


def _coverage_table(confidences: Floats, right: NDArray[np.bool_]) -> str:
    rows = [
        ["all" if not row.threshold else f"at least {row.threshold:.0%}", f"{row.coverage:.1%}", _share(row.right)]
        for row in coverage(confidences, right, THRESHOLDS)
    ]
    return table(["answers", "images answered", "of these right"], rows)


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.2%}"
