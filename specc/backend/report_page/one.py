"""The page of one run."""

from specc.backend.evaluation.figures import Estimate
from specc.backend.evaluation.of_run import test_figures
from specc.backend.report_page.calibration import calibration
from specc.backend.report_page.classes import classes, matrix
from specc.backend.report_page.cost import certificate, cost
from specc.backend.report_page.curves import curves
from specc.backend.report_page.html import Section, page, paragraph, sentence, text, tiles
from specc.backend.report_page.mistakes import mistakes
from specc.backend.report_page.network import network
from specc.backend.report_page.numbers import residuals
from specc.backend.report_page.similar import similar
from specc.backend.report_page.spec import Origin, spec_section
from specc.backend.report_page.subject import Subject
from specc.errors import counted
from specc.ir.weights import frozen_parameters
from specc.report.layers import byte_text
from specc.report.outputs import what_it_does
from specc.report.study import duration
from specc.tasks import CLASSIFICATION, MULTILABEL, REGRESSION, Figure


def run_page(subject: Subject, origin: Origin | None) -> str:
    """The page of a run, in which each section says what it knows."""
    spec = subject.run.spec
    frozen = frozen_parameters(spec.graph, spec.train.frozen)
    sections = [
        curves(subject),
        classes(subject),
        *_of_task(subject),
        mistakes(subject),
        *([calibration(subject)] if subject.task in (CLASSIFICATION, MULTILABEL) else []),
        similar(subject),
        network(spec.graph, frozen),
        cost(subject),
        certificate(subject),
        spec_section(spec, origin),
    ]
    return page(title_of(subject), _lead(subject), sections)


def title_of(subject: Subject) -> str:
    variant = subject.run.spec.variant or subject.info.get("variant")
    return f"{subject.run.spec.name}, {variant}" if variant else subject.run.spec.name


def _of_task(subject: Subject) -> list[Section]:
    if subject.task == CLASSIFICATION:
        return [matrix(subject)]
    return [residuals(subject)] if subject.task == REGRESSION else []


def _lead(subject: Subject) -> str:
    """The verdict in a sentence, what keeps it from being true, and the few numbers that matter."""
    measured, lines = subject.measured, subject.lines
    figures, first = measured.figures, measured.task.facts.figures[0]
    does = what_it_does(measured.task.facts, len(measured.task.outputs))
    words = f"{sentence(does)}: {first.title} {figures.text(first.name)} on {measured.words}."
    notes = [f'<p class="verdict">{text(words)}</p>', paragraph("In parentheses: 95% intervals.", "q")]
    notes += [paragraph(f"{sentence(measured.optimistic)}.", "warn")] if measured.optimistic else []
    test = _test_words(subject)
    notes += [f'<p class="verdict">{text(test)}</p>'] if test else []
    notes += [paragraph(f"{sentence(line)}.", "warn") for line in measured.caveats if line]
    graph = subject.run.spec.graph
    seconds = sum(line["seconds"] for line in lines if isinstance(line.get("seconds"), int | float))
    others = [
        (
            sentence(figure.title),
            figure.text(figures.values[figure.name].value),
            _ends(figure, figures.values[figure.name]),
        )
        for figure in measured.task.facts.figures[:3]
        if figures.values[figure.name].value is not None
    ]
    loss = figures.loss.value
    cells = [
        *others,
        ("Loss", "–" if loss is None else f"{loss:.4f}", "on the same images"),
        ("Parameters", f"{graph.parameters:,}", byte_text(4 * graph.parameters) + " in fp32"),
        ("Trained", duration(seconds), f"{counted(len(lines), 'epoch')}, {subject.info.get('device_name', '')}"),
    ]
    started = str(subject.info.get("started", "")).replace("T", " ")[:16]
    where = f"{subject.run.path}, trained {started} UTC" if started else str(subject.run.path)
    return "".join([*notes, tiles(cells), paragraph(where, "q")])


def _ends(figure: Figure, estimate: Estimate) -> str:
    interval = estimate.interval
    return f"{figure.text(interval.low)} to {figure.text(interval.high)}" if interval else ""


def _test_words(subject: Subject) -> str:
    """What the test part said at the end of the training; "" where there is none."""
    look = test_figures(subject.run)
    if look is None:
        return ""
    first = subject.task.figures[0]
    estimate = Estimate.of(look["figures"].get(first.name))
    return f"On {look['measured_on']}, which chose nothing: {first.title} {estimate.text(first)}."
