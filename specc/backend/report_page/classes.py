"""The figures of each class, tag or number; and which classes are taken for which, with the images."""

from collections.abc import Sequence

import numpy as np

from specc.backend.evaluation.class_figures import by_class
from specc.backend.evaluation.figures import Estimate
from specc.backend.report_page.html import Section, fold, paragraph, scroll, table, text
from specc.backend.report_page.images import picture
from specc.backend.report_page.subject import Subject
from specc.backend.tasks.figures.classification import confusion
from specc.backend.tasks.figures.scores import Counts, confusions, share_text
from specc.errors import counted
from specc.report.figures import output_cells
from specc.report.outputs import SINGULAR
from specc.tasks import CLASSIFICATION

MOST_ROWS = 50  # outputs whose table is not folded
MOST_COLUMNS = 30  # classes whose matrix is a table; of more, only the most frequent confusions are shown
MOST_CELLS, IN_CELL = 60, 8  # cells that show images, and images in one
SHADES = 8


def classes(subject: Subject) -> Section:
    """A row for each output; of classes with intervals."""
    measured = subject.measured
    task, records = measured.task, measured.evaluation.records
    if task.facts != CLASSIFICATION:
        head, *rows = output_cells(task.by_output(records), SINGULAR[task.facts.outputs])
        return Section(
            "classes", task.facts.outputs.capitalize(), _long(table(head, rows), len(task.outputs), task.facts.outputs)
        )
    means, scores = by_class(confusion(records, len(task.outputs)), task.outputs)
    head = ["class", "images", "precision", "recall", "F1", ""]
    cells = [
        [text(one.name), f"{one.support:,}", *map(_estimate, (one.precision, one.recall, one.f1)), _track(one.f1.value)]
        for one in scores
    ]
    mean = [text("mean"), f"{measured.figures.images:,}", *map(_estimate, means), ""]
    note = "In parentheses 95% intervals; the bar is F1. The mean counts every class that has images alike."
    body = table(head, [*cells, mean], raw=True)
    if len(cells) > MOST_ROWS:
        body = table(head, [mean], raw=True) + _long(table(head, cells, raw=True), len(cells), "classes")
    return Section("classes", "Classes", body + paragraph(note, "q"))


def _long(body: str, rows: int, what: str) -> str:
    """A table; folded where it is long."""
    return body if rows <= MOST_ROWS else fold(f"All {rows:,} {what}", body)


def _estimate(figure: Estimate) -> str:
    interval = figure.interval
    ends = f' <span class="q">({interval.low * 100:.1f} – {interval.high * 100:.1f})</span>' if interval else ""
    return f"{share_text(figure.value)}{ends}"


def _track(value: float | None) -> str:
    share = 100 * (value or 0.0)
    rects = f'<rect width="100" height="10" rx="4"/><rect class="fill" width="{share:.1f}" height="10" rx="4"/>'
    return f'<svg class="track" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">{rects}</svg>'


def matrix(subject: Subject) -> Section:
    """The confusion matrix, whose cells show their images once they are chosen."""
    measured = subject.measured
    names = measured.task.outputs
    counts = confusion(measured.evaluation.records, len(names))
    pairs = [
        (names.index(one.truth), names.index(one.answer), one.images) for one in confusions(counts, names, MOST_CELLS)
    ]
    cells = "".join(_cell(subject, truth, answer, count) for truth, answer, count in pairs)
    shown = {(truth, answer) for truth, answer, _ in pairs}
    if len(names) <= MOST_COLUMNS:
        note = "Rows are the true classes, columns the answers. Choose a number that is underlined to see its images."
        body = paragraph(note, "q") + scroll(_matrix(counts, names, shown), "Confusion matrix") + cells
    else:
        rows = [
            (
                f'<a href="#cell-{truth}-{answer}">{text(names[truth])}</a>',
                text(names[answer]),
                f"{count:,}",
                f"{count / counts[truth].sum():.1%}",
            )
            for truth, answer, count in pairs
        ]
        head = ["class", "answer", "images", "of the class"]
        note = f"{counted(len(names), 'class')}: the most frequent confusions. Choose one to see its images."
        body = paragraph(note, "q") + table(head, rows, texts=2, raw=True) + cells
    return Section("confusion", "Confusion", body if pairs else body + paragraph("There is no mistake."))


def _matrix(counts: Counts, names: Sequence[str], shown: set[tuple[int, int]]) -> str:
    head = "".join(f'<th scope="col" title="{text(name)}"><span>{text(name)}</span></th>' for name in names)
    rows = []
    for truth, name in enumerate(names):
        row = counts[truth].tolist()
        whole = sum(row)
        cells = []
        for answer, count in enumerate(row):
            kind = "g" if truth == answer else "b"
            shade = 0 if not count else max(1, round(SHADES * (count / whole) ** (1 if truth == answer else 0.5)))
            words = f"{count:,} of {whole:,} {name} classified as {names[answer]}"
            inner = f"<span>{count:,}</span>" if count else "<span></span>"
            if (truth, answer) in shown:
                inner = f'<a href="#cell-{truth}-{answer}" aria-label="{text(words)}: show">{count:,}</a>'
            cells.append(f'<td class="{kind} w{min(shade, SHADES)}" title="{text(words)}">{inner}</td>')
        rows.append(f'<tr><th scope="row" title="{text(name)}">{text(name)}</th>{"".join(cells)}</tr>')
    return f'<table class="matrix"><thead><tr><td></td>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table>'


def _cell(subject: Subject, truth: int, answer: int, count: int) -> str:
    """The images of a cell, those first whose answer was the surest."""
    measured = subject.measured
    records, shares = measured.evaluation.records, measured.probabilities
    assert shares is not None
    own = np.flatnonzero((records[:, 0] == truth) & (records[:, 1] == answer))
    own = own[np.argsort(-shares[own, answer], kind="stable")]
    chosen = own[: subject.budget.take(min(IN_CELL, len(own)))].tolist()
    names = measured.task.outputs
    pixels = subject.pixels(chosen)
    items = "".join(
        f"<li>{picture(image).html(f'{names[truth]} classified as {names[answer]}')}"
        f'<span class="q">{shares[number, answer]:.0%}</span>'
        f'<span class="file">{text(measured.names[number])}</span></li>'
        for number, image in zip(chosen, pixels, strict=True)
    )
    title = f"{count:,} of {names[truth]} classified as {names[answer]}"
    more = paragraph(f"{count - len(chosen):,} more are not shown.", "q") if count > len(chosen) else ""
    back = '<p><a href="#confusion">Back to the matrix</a></p>'
    head = f'<div class="cell" id="cell-{truth}-{answer}"><h3>{text(title)}</h3>'
    return f'{head}<ul class="gallery small">{items}</ul>{more}{back}</div>'
